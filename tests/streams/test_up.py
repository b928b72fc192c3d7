"""`ebbtide up`: parts that stay, and data that stay longer."""

import json
import signal
from pathlib import Path

import pytest

from support.brokers import require_kafka_or_skip
from support.program import Program
from support.receiver import SECRET


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
        up.signal(signal.SIGTERM)
        assert up.ends() == 0, up.text
        up.left_nothing()
    assert {"broker", "worker", "worker.log", "deliver.log"} <= {
        path.name for path in (tmp_path / ".ebbtide" / "up").iterdir()
    }


def test_a_named_broker_that_is_away_is_one_clear_line(tmp_path: Path) -> None:
    with Program(["up"], tmp_path, EBBTIDE_BROKER__URL="kafka://127.0.0.1:1") as up:
        assert up.ends() == 1
        assert "ebbtide: no Kafka at 127.0.0.1:1" in up.text
        assert "Traceback" not in up.text
        up.left_nothing()
