"""`ebbtide up`: parts that stay, and data that stay longer."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
import pytest

from ebbtide.streams.sinks.clickhouse.embedded import installed
from support.brokers import eventually, require_kafka_or_skip
from support.program import Program
from support.receiver import SECRET


def asked(directory: Path) -> object:
    """What the history answers while its sink runs, or what is said where it does not."""
    question = [
        sys.executable,
        "-m",
        "ebbtide.streams.cli",
        "history",
        "query",
        "--json",
        "SELECT count() FROM events_once",
    ]
    env = os.environ | {"EBBTIDE_CLICKHOUSE__EMBEDDED": ".ebbtide/up/history"}
    done = subprocess.run(question, cwd=directory, env=env, capture_output=True, check=False, timeout=60)
    return orjson.loads(done.stdout) if done.returncode == 0 else done.stderr.decode()


@pytest.mark.kafka
def test_it_runs_until_it_is_stopped_and_keeps_its_data(tmp_path: Path) -> None:
    require_kafka_or_skip()
    house = {"url": "https://127.0.0.1:9/hook", "secrets": [SECRET]}
    endpoints = json.dumps({"house": house})
    with Program(["up"], tmp_path, EBBTIDE_ADMIN__PORT="0", EBBTIDE_DELIVER__ENDPOINTS=endpoints) as up:
        up.says("Ctrl-C stops it")
        assert "delivers to house: admin http://127.0.0.1:" in up.text
        assert "send events:  EBBTIDE_BROKER__URL=kafka://127.0.0.1:" in up.text
        assert up.offspring("ebbtide.streams.cli")
        found = re.search(r"curl (http://127\.0\.0\.1:\d+/v1/track) -d '(.+?)'", up.text)
        assert found is not None
        with urlopen(Request(found[1], found[2].encode(), method="POST"), timeout=20) as answer:
            assert json.load(answer) == {"success": True, "accepted": 1, "ignored": {}}
        if installed():
            assert "the history: chDB in " in up.text
            answers: list[object] = []

            def answered() -> bool:
                answers.append(asked(tmp_path))
                return answers[-1] == [[1]]

            try:
                eventually(answered, "the history answers", timeout=60)
            except pytest.fail.Exception as failed:
                sink = tmp_path / ".ebbtide" / "up" / "sink.log"
                pytest.fail(f"{failed}: {answers}\n{up.text[-2_000:]}\n{sink.read_text()[-3_000:]}")
        up.signal(signal.SIGTERM)
        assert up.ends() == 0, up.text
        up.left_nothing()
    assert {"broker", "worker", "worker.log", "collector.log", "deliver.log"} <= {
        path.name for path in (tmp_path / ".ebbtide" / "up").iterdir()
    }


def test_a_named_broker_that_is_away_is_one_clear_line(tmp_path: Path) -> None:
    with Program(["up"], tmp_path, EBBTIDE_BROKER__URL="kafka://127.0.0.1:1") as up:
        assert up.ends() == 1
        assert "ebbtide: no Kafka at 127.0.0.1:1" in up.text
        assert "Traceback" not in up.text
        up.left_nothing()
