"""A batch: rows by table, offsets that may be committed, bad records that stop nothing."""

import pytest

from ebbtide.streams.sinks.backoff import Backoff
from ebbtide.streams.sinks.batch import Batch
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.record import Control, RecordMeta, Tombstone
from ebbtide.streams.sinks.scores import SCORES
from support.history import alert, score


def meta(topic: str, partition: int, offset: int) -> RecordMeta:
    return RecordMeta(topic, partition, offset, 0)


def test_rows_go_to_their_table_and_offsets_move_past_them() -> None:
    batch = Batch()
    batch.add(SCORES, score(version=1).to_json(), meta("scores", 0, 10))
    batch.add(SCORES, score(version=2).to_json(), meta("scores", 0, 11))
    batch.add(PIPELINES["alerts"], alert().to_json(), meta("alerts", 3, 5))
    assert {table.name: len(rows) for table, rows in batch.rows.items()} == {"scores": 2, "alerts": 1}
    assert batch.offsets == {("scores", 0): 12, ("alerts", 3): 6}
    assert batch.bytes > 0


def test_a_bad_record_is_noted_and_passed() -> None:
    batch = Batch()
    batch.add(SCORES, b"?", meta("scores", 0, 10))
    batch.add(SCORES, Tombstone(b"c", {}), meta("scores", 0, 11))
    assert batch.rows == {}
    assert batch.offsets == {("scores", 0): 12}
    assert [(where.offset, reason) for where, reason, _ in batch.bad] == [(10, "invalid"), (11, "tombstone")]
    assert batch.taken == 2


def test_what_was_written_is_not_written_again() -> None:
    batch = Batch()
    batch.add(SCORES, score().to_json(), meta("scores", 0, 10))
    batch.add(PIPELINES["alerts"], alert().to_json(), meta("alerts", 0, 1))
    batch.written(SCORES.table)
    assert list(batch.rows) == [PIPELINES["alerts"].table]
    assert ("scores", 0) in batch.offsets


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.25), (2, 0.5), (5, 4.0), (7, 15.0), (10_000, 15.0)])
def test_backoff_doubles_to_a_limit(failures: int, seconds: float) -> None:
    assert Backoff(first_s=0.25, most_s=15.0).seconds(failures) == seconds


def test_what_history_is_not_about_moves_the_offset_only() -> None:
    batch = Batch()
    batch.add(PIPELINES["events"], Control(b"@tick"), meta("events", 0, 10))
    batch.add(PIPELINES["models"], Tombstone(b"m", {}), meta("models", 1, 4))
    assert (batch.rows, batch.bad, batch.taken) == ({}, [], 2)
    assert batch.offsets == {("events", 0): 11, ("models", 1): 5}
