"""The Kafka path and `ebbtide replay` give the same scores, alerts and records (design §3.3).

The same seeded book is replayed from a file and sent through a real broker, with one and with four partitions, the
worker stopped and started in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.replay import replay
from ebbtide.streams.settings import load_settings
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write
from support.brokers import eventually, require_kafka_or_skip
from support.live import drain, live, ndjson

DAYS = 75
BOOK = BookConfig(customers=40, seed=11, days=DAYS)
SETTINGS = {
    "EBBTIDE_LABEL__HORIZON_DAYS": "21",
    # The book's latest arrivals come two days late; within the bound, nothing may depend on the order.
    "EBBTIDE_TIME__LATENESS_SECONDS": str(3 * 86_400),
}
UNTIL = BOOK.start.astimezone(UTC) + timedelta(days=DAYS + 3)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.ndjson"
    write(BOOK, path, None, None)
    return path


@pytest.fixture(scope="module")
def replayed(book: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("replayed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        replay([str(book)], out, load_settings(), until=UNTIL)
    return out


def halves(book: Path, directory: Path) -> tuple[Path, Path]:
    lines = book.read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    first, second = directory / "first.ndjson", directory / "second.ndjson"
    first.write_bytes(b"".join(islice(lines, middle)))
    second.write_bytes(b"".join(lines[middle:]))
    return first, second


@pytest.mark.kafka
@pytest.mark.parametrize("partitions", [1, 4])
def test_the_same_file_gives_the_same_through_kafka(
    partitions: int, book: Path, replayed: Path, tmp_path: Path
) -> None:
    require_kafka_or_skip()
    first, second = halves(book, tmp_path)
    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, partitions, **SETTINGS) as deployment:
        worker = deployment.worker("worker")
        sent = deployment.run("send", str(first))
        assert sent.returncode == 0, sent.stderr
        eventually(lambda: worker.total("ebbtide_records_in_total", "events") > 1_000, "the first events", timeout=60)
        assert worker.stop() == 0
        worker = deployment.worker("worker")
        sent = deployment.run("send", str(second), "--until", UNTIL.isoformat())
        assert sent.returncode == 0, sent.stderr
        drain(deployment, UNTIL)
        assert worker.total("ebbtide_offset_gaps_total") == 0
        scores = deployment.published(Topic.SCORES)
        alerts = deployment.published(Topic.ALERTS)
        records = deployment.published(Topic.CUSTOMER_RECORDS)
        examples = deployment.published(Topic.TRAINING_EXAMPLES)
    assert not differences(final(records), final(ndjson(replayed / "customer-records.ndjson")))
    for name, published in (("alerts", alerts), ("training-examples", examples), ("scores", scores)):
        assert not differences(everything(published), everything(ndjson(replayed / f"{name}.ndjson"))), name


def final(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The newest record of every customer. A record's version is a position in its partition, so it is left out."""
    newest: dict[str, dict[str, Any]] = {}
    for record in records:
        known = newest.get(record["customer_id"])
        if known is None or record["version"] >= known["version"]:
            newest[record["customer_id"]] = record
    return {key: {name: v for name, v in record.items() if name != "version"} for key, record in newest.items()}


def everything(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """All records by what makes them one; a repeat must be equal to the first."""
    known: dict[str, dict[str, Any]] = {}
    for record in records:
        key = " ".join(str(record.get(name)) for name in ("customer_id", "alert_id", "version", "observed_at"))
        assert known.setdefault(key, record) == record
    return known


def differences(live_: dict[str, dict[str, Any]], replay_: dict[str, dict[str, Any]]) -> list[str]:
    """What differs, field by field, in a form that a person can read; the first dozen."""
    found = [f"only live: {live_[key]}" for key in live_.keys() - replay_.keys()]
    found += [f"only replay: {replay_[key]}" for key in replay_.keys() - live_.keys()]
    found += [
        f"{key} {path}: live {mine}, replay {theirs}"
        for key in sorted(live_.keys() & replay_.keys())
        for path, mine, theirs in _unequal("", live_[key], replay_[key])
    ]
    return found[:12]


def _unequal(path: str, mine: Any, theirs: Any) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in mine.keys() | theirs.keys():
            yield from _unequal(f"{path}.{key}", mine.get(key), theirs.get(key))
    elif mine != theirs:
        yield path, mine, theirs


def test_the_comparison_sees_a_difference() -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC).isoformat()
    records = [{"customer_id": "a", "version": 1, "p": 0.1, "at": at}, {"customer_id": "a", "version": 2, "p": 0.2}]
    assert final(records) == {"a": {"customer_id": "a", "p": 0.2}}
    assert differences(final(records), final(records[:1]))
    assert differences(everything(records), everything(records[:1]))
    assert not differences(everything(records), everything(reversed(records)))
