"""A visitor who signs in, and turns out to be somebody else: its record on a real, compacted topic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.settings import BrokerSettings, Settings
from ebbtide.streams.topic_reader import read_topic
from support.brokers import eventually, require_kafka_or_skip
from support.comparison import held
from support.live import Live, drain, live
from support.raw import at, iso

VISITOR, USER = (canonical_id("default", identifier_of(key)) for key in ("anonymous_id/A1", "user_id/U1"))


def send(deployment: Live, path: Path, *bodies: dict[str, Any], until: float) -> None:
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
    sent = deployment.run("send", str(path), "--until", at(until).isoformat())
    assert sent.returncode == 0, sent.stderr
    drain(deployment, at(until))


def last(deployment: Live) -> dict[str, bool]:
    """Who has a record, as whoever reads the topic by its keys believes."""
    settings = Settings(broker=BrokerSettings(url=deployment.bootstrap))
    records = read_topic(settings, Topic.CUSTOMER_RECORDS.topic_name)
    return {record.key.decode(): record.value is not None for record in records}


@pytest.mark.kafka
def test_the_record_goes_with_the_history_and_comes_back_with_it(tmp_path: Path) -> None:
    require_kafka_or_skip()
    viewed = {"type": "track", "event": "view", "anonymousId": "A1", "messageId": "1", "timestamp": iso(at(0.5))}
    signed_in = {"type": "identify", "userId": "U1", "anonymousId": "A1", "messageId": "2", "timestamp": iso(at(2.5))}
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 2) as deployment:
        deployment.worker("worker")
        send(deployment, tmp_path / "first.ndjson", viewed, until=2)
        assert last(deployment) == {VISITOR: True}
        assert held(deployment).keys() == {VISITOR}

        send(deployment, tmp_path / "second.ndjson", signed_in, until=4)
        eventually(lambda: last(deployment) == {VISITOR: False, USER: True}, "the visitor has no record", timeout=30)
        assert held(deployment).keys() == {USER}
        gone = deployment.tombstones(Topic.CUSTOMER_RECORDS)[VISITOR]

        told = ("user_id/U1", "anonymous_id/A1", "--actor", "jo", "--reason", "a shared browser")
        decided = deployment.run("identity", "cannot-link", *told)
        assert decided.returncode == 0, decided.stderr
        eventually(lambda: last(deployment) == {VISITOR: True, USER: True}, "the visitor is back", timeout=60)
        assert held(deployment).keys() == {VISITOR, USER}
        records = deployment.published(Topic.CUSTOMER_RECORDS)
        assert max(record["version"] for record in records if record["customer_id"] == VISITOR) > gone
