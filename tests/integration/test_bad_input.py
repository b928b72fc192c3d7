"""Bad input lands once in the dead letters, the stream goes on, and a redrive after a fix repairs the state."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import eventually, require_kafka_or_skip
from support.live import drain, live

START = datetime(2025, 3, 3, 9, tzinfo=UTC)
UNTIL = datetime(2025, 4, 1, tzinfo=UTC)


def login(number: int, **changes: Any) -> dict[str, Any]:
    at = START.replace(day=3 + number).isoformat().replace("+00:00", "Z")
    event = {
        "type": "track",
        "event": "login",
        "userId": "u1",
        "messageId": f"m{number}",
        "timestamp": at,
        "receivedAt": at,
        "properties": {},
    }
    return {**event, **changes}


GOOD = [json.dumps(login(number)).encode() for number in range(5)]
BIG = json.dumps(login(6, properties={"note": "x" * 40_000})).encode()
BAD: list[tuple[str, bytes]] = [
    ("not_json", b'{"type": "track", "userId": "u1"'),
    ("not_utf8", b'{"type": "track", "event": "\xff\xfe"}'),
    ("unknown_type", json.dumps(login(7, type="dance")).encode()),
    ("invalid", json.dumps(login(7, properties="none")).encode()),
    ("missing_identifier", json.dumps({k: v for k, v in login(7).items() if k != "userId"}).encode()),
    ("clock_ahead", json.dumps(login(7, timestamp="2199-01-01T00:00:00Z")).encode()),
    ("clock_behind", json.dumps(login(7, timestamp="1999-01-01T00:00:00Z")).encode()),
    ("too_large", json.dumps(login(8, properties={"note": "y" * 1_000_000})).encode()),
    ("too_large", BIG),
]


@pytest.mark.kafka
def test_bad_input_is_kept_and_can_be_sent_again_after_a_fix(tmp_path: Path) -> None:
    require_kafka_or_skip()
    mixed = tmp_path / "mixed.ndjson"
    lines = [*GOOD[:2], *(value for _, value in BAD), *GOOD[2:]]
    mixed.write_bytes(b"\n".join(lines) + b"\n")
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 2) as deployment:
        worker = deployment.worker("worker")
        assert deployment.run("send", str(mixed)).returncode == 0
        eventually(
            lambda: worker.total("ebbtide_dead_lettered_total") == len(BAD), "all bad records refused", timeout=60
        )
        eventually(lambda: count(deployment.published(Topic.CUSTOMER_RECORDS)) == len(GOOD), "good ones", timeout=60)

        letters = deployment.published(Topic.DEAD_LETTERS)
        assert Counter(letter["reason"] for letter in letters) == Counter(reason for reason, _ in BAD)
        assert sorted(original(letter) for letter in letters) == sorted(value for _, value in BAD)
        assert len({letter["dead_letter_id"] for letter in letters}) == len(BAD)

        assert worker.stop() == 0
        # The fix: a deployment that takes larger records.
        deployment.settings = {**deployment.settings, "EBBTIDE_INTAKE__MAX_BYTES": "100000"}
        worker = deployment.worker("worker")
        for _ in range(2):  # Twice: an impatient operator must not count it twice.
            again = deployment.run("dead-letters", "redrive", "--reason", "too_large")
            assert again.returncode == 0, again.stderr
        assert deployment.run("send", "/dev/null", "--until", UNTIL.isoformat()).returncode == 0
        drain(deployment, UNTIL)
        record = deployment.published(Topic.CUSTOMER_RECORDS)[-1]
        assert count([record]) == len(GOOD) + 1
        assert record["fields"]["last_login_at"]["value"] == login(6)["timestamp"]
        listed = deployment.run("dead-letters", "list", "--reason", "too_large", "--json")
        # The one that is still too large came back twice, each time from a new place; the other is history.
        assert len(json.loads(listed.stdout)) == 4


def count(records: list[dict[str, Any]]) -> int:
    return int(records[-1]["fields"]["total_login_count"]["value"]) if records else 0


def original(letter: dict[str, Any]) -> bytes:
    text: str = letter["original"]
    return base64.b64decode(text) if letter["encoding"] == "base64" else text.encode()
