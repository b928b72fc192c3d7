"""The Kafka path and `ebbtide replay` give the same scores, alerts and records (design §3.3).

The same seeded book is replayed from a file and sent through a real broker, with one and with four partitions, the
worker stopped and started in the middle.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ebbtide.models.fleet.contribution import IN_STAGE
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.simulator.season import Season
from integration.conftest import BOOK, DAYS, SETTINGS, UNTIL
from support.brokers import eventually, require_kafka_or_skip
from support.comparison import assert_equal_to_replay, differences, everything, final
from support.live import Worker, drain, live, ndjson


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
        assert_equal_to_replay(deployment, replayed)
        # Heartbeats and spend are nobody's messages.
        accepted = json.loads((replayed / "summary.json").read_text())["counted"]
        assert counted(worker, "customers") == accepted
        # Every partition of customers tells what all sources told.
        assert counted(worker, "profiles") == accepted * partitions
        stats, scores = deployment.published(Topic.FLEET_STATS), deployment.published(Topic.SCORES)
        assert channels(stats) == channels(ndjson(replayed / "fleet-stats.ndjson"))
        assert blind(scores) == blind(ndjson(replayed / "scores.ndjson"))
        # Whoever takes the partitions over shows where they stand, though nothing new is sent.
        assert worker.stop() == 0
        deployment.worker("worker")
        drain(deployment, UNTIL)
        assert counted(deployment.workers[-1], "customers") == accepted
        learned = {model["tenant"]: model["examples"] for model in ndjson(replayed / "models.ndjson")}
        assert learned
        assert deployment.workers[-1].total("ebbtide_model_examples") == sum(learned.values())


def counted(worker: Worker, stage: str) -> float:
    """Messages as of the last count."""
    return worker.total("ebbtide_conservation_messages", f'stage="{stage}"')


def halves(book: Path, directory: Path) -> tuple[Path, Path]:
    """The book cut in two in the middle."""
    lines = book.read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    first, second = directory / "first.ndjson", directory / "second.ndjson"
    first.write_bytes(b"".join(lines[:middle]))
    second.write_bytes(b"".join(lines[middle:]))
    return first, second


def test_the_book_has_blind_sources_and_channels(book: Path, replayed: Path) -> None:
    """Else that both tell the same of them would say nothing."""
    types = Counter(record["type"] for record in ndjson(book))
    assert types["source.heartbeat"] > 1_000
    assert types["channel.spend"] > 50
    stats = ndjson(replayed / "fleet-stats.ndjson")
    assert all(channel["spend"] and channel["clicks"] for told in channels(stats).values() for channel in told)
    # After the book's last day nobody hears anything: all that is told of customers then follows from facts.
    *heard, after = [told["segments"][""] for told in stats]
    assert len(heard) == DAYS // 7
    assert all(segment["counters"]["awake"] for segment in heard)
    by_use = {name: count for name, count in after["counters"].items() if not name.startswith(IN_STAGE)}
    assert by_use == {"blind": after["customers"]}
    (outage,) = Season(BOOK).outages
    told = blind(ndjson(replayed / "scores.ndjson"))
    # Two of its intervals after its last heartbeat a source is blind; most customers have one source alone.
    silent = {BOOK.at(day).date().isoformat() for day in range(outage.starts, outage.ends + 1)}
    while_out = {customer for customer, day in told if day in silent}
    assert 5 < len(while_out) < BOOK.customers
    assert len({customer for customer, day in told if day > BOOK.at(DAYS).date().isoformat()}) >= BOOK.customers


def channels(stats: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What every channel cost and brought, by instant."""
    return {told["as_of"]: told["channels"] for told in stats}


def blind(scores: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """Who could not be scored because nothing was heard of its sources, and since which day."""
    return {
        (score["customer_id"], score["occurred_at"][:10])
        for score in scores
        if score["cannot_score_reason"] == "source_blind"
    }


def test_the_comparison_sees_a_difference() -> None:
    first, second = (datetime(2025, 1, day, tzinfo=UTC).isoformat() for day in (1, 2))
    records = [record(1, first, 0.1, first), record(2, second, 0.2, second)]
    assert final(records) == {"a": {"customer_id": "a", "fields": {"p_churn": {"value": 0.2}}}}
    assert differences(final(records), final(records[:1]))
    # The same, told later, says the same; what was seen at another time does not.
    assert not differences(final(records), final([*records, record(3, first, 0.2, first)]))
    assert differences(final(records), final([*records, record(3, second, 0.2, first)]))
    assert differences(everything(records), everything(records[:1]))
    assert not differences(everything(records), everything(reversed(records)))


def record(version: int, as_of: str, p_churn: float, seen: str) -> dict[str, Any]:
    """A customer record with one field."""
    fields = {"p_churn": {"value": p_churn, "as_of": seen}}
    return {"customer_id": "a", "version": version, "as_of": as_of, "fields": fields}
