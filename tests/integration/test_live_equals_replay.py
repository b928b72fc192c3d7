"""The Kafka path and `ebbtide replay` give the same scores, alerts and records (design §3.3).

The same seeded book is replayed from a file and sent through a real broker, with one and with four partitions, the
worker stopped and started in the middle.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from integration.conftest import SETTINGS, UNTIL
from support.brokers import eventually, require_kafka_or_skip
from support.comparison import assert_equal_to_replay, differences, everything, final
from support.live import Worker, drain, live


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
        accepted = json.loads((replayed / "summary.json").read_text())["counted"]
        assert counted(worker, "customers") == accepted
        # Every partition of customers tells what all sources told.
        assert counted(worker, "profiles") == accepted * partitions
        assert deployment.published(Topic.FLEET_STATS)
        # Whoever takes the partitions over shows where they stand, though nothing new is sent.
        assert worker.stop() == 0
        deployment.worker("worker")
        drain(deployment, UNTIL)
        assert counted(deployment.workers[-1], "customers") == accepted


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


def test_the_comparison_sees_a_difference() -> None:
    at = datetime(2025, 1, 1, tzinfo=UTC).isoformat()
    records = [{"customer_id": "a", "version": 1, "p": 0.1, "at": at}, {"customer_id": "a", "version": 2, "p": 0.2}]
    assert final(records) == {"a": {"customer_id": "a", "p": 0.2}}
    assert differences(final(records), final(records[:1]))
    assert differences(everything(records), everything(records[:1]))
    assert not differences(everything(records), everything(reversed(records)))
