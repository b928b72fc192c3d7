"""`ebbtide up`: parts that stay, and data that stay longer."""

import json
import re
import signal
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from support.brokers import require_kafka_or_skip
from support.program import Program


@pytest.mark.kafka
def test_it_runs_until_it_is_stopped_and_keeps_its_data(tmp_path: Path) -> None:
    require_kafka_or_skip()
    with Program(["up"], tmp_path, EBBTIDE_ADMIN__PORT="0") as up:
        up.says("Ctrl-C stops it")
        assert "send events:  EBBTIDE_BROKER__URL=kafka://127.0.0.1:" in up.text
        assert up.offspring("ebbtide.streams.cli")
        found = re.search(r"curl (http://127\.0\.0\.1:\d+/v1/track) -d '(.+?)'", up.text)
        assert found is not None
        with urlopen(Request(found[1], found[2].encode(), method="POST"), timeout=20) as answer:
            assert json.load(answer) == {"success": True, "accepted": 1, "ignored": {}}
        up.signal(signal.SIGTERM)
        assert up.ends() == 0, up.text
        up.left_nothing()
    assert {"broker", "worker", "worker.log", "collector.log"} <= {
        path.name for path in (tmp_path / ".ebbtide" / "up").iterdir()
    }


def test_a_named_broker_that_is_away_is_one_clear_line(tmp_path: Path) -> None:
    with Program(["up"], tmp_path, EBBTIDE_BROKER__URL="kafka://127.0.0.1:1") as up:
        assert up.ends() == 1
        assert "ebbtide: no Kafka at 127.0.0.1:1" in up.text
        assert "Traceback" not in up.text
        up.left_nothing()
