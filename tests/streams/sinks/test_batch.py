"""A batch: rows by table, offsets that may be committed, bad records that stop nothing."""

import pytest

from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER
from ebbtide.streams.sinks.backoff import Backoff
from ebbtide.streams.sinks.batch import Batch
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.scores import SCORES
from support.history import Consumed, alert, score


def test_rows_go_to_their_table_and_offsets_move_past_them() -> None:
    batch = Batch()
    batch.add(SCORES, ("scores", 0), [Consumed(at, score(version=at).to_json(), timestamp=50 - at) for at in (10, 11)])
    batch.add(PIPELINES["alerts"], ("alerts", 3), [Consumed(5, alert().to_json(), timestamp=60)])
    batch.add(SCORES, ("scores", 2), [Consumed(0, score().to_json(), timestamp=70)])
    assert {table.name: len(rows) for table, rows in batch.rows.items()} == {"scores": 3, "alerts": 1}
    assert [row[-4:] for row in batch.rows[SCORES.table]] == [
        ("scores", 0, 10, 40),
        ("scores", 0, 11, 39),
        ("scores", 2, 0, 70),
    ]
    assert batch.offsets == {("scores", 0): 12, ("alerts", 3): 6, ("scores", 2): 1}
    assert (batch.taken, batch.oldest_ms) == (4, 39)
    assert batch.bytes == sum(len(each.to_json()) for each in (score(version=10), score(version=11), score(), alert()))


def test_a_bad_record_is_noted_and_passed() -> None:
    batch = Batch()
    batch.add(SCORES, ("scores", 0), [Consumed(10, b"?"), Consumed(11, None, b"c")])
    assert batch.rows == {}
    assert batch.offsets == {("scores", 0): 12}
    assert [(where.offset, reason) for where, reason, _ in batch.bad] == [(10, "invalid"), (11, "tombstone")]
    assert (batch.taken, batch.oldest_ms) == (2, None)


def test_a_record_that_was_taken_back_goes_to_a_table_of_its_own() -> None:
    headers = ((TENANT_HEADER, b"default"), (VERSION_HEADER, b"4"))
    batch = Batch()
    batch.add(
        PIPELINES["customer-records"], ("customer-records", 0), [Consumed(3, None, b"acct-acme", headers=headers)]
    )
    assert PIPELINES["customer-records"].gone is not None
    assert [row[:2] for row in batch.rows[PIPELINES["customer-records"].gone.table]] == [("default", "acct-acme")]


def test_what_was_written_is_not_written_again() -> None:
    batch = Batch()
    batch.add(SCORES, ("scores", 0), [Consumed(10, score().to_json())])
    batch.add(PIPELINES["alerts"], ("alerts", 0), [Consumed(1, alert().to_json())])
    batch.written(SCORES.table)
    assert list(batch.rows) == [PIPELINES["alerts"].table]
    assert ("scores", 0) in batch.offsets


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.25), (2, 0.5), (5, 4.0), (7, 15.0), (10_000, 15.0)])
def test_backoff_doubles_to_a_limit(failures: int, seconds: float) -> None:
    assert Backoff(first_s=0.25, most_s=15.0).seconds(failures) == seconds


def test_what_history_is_not_about_moves_the_offset_only() -> None:
    batch = Batch()
    batch.add(PIPELINES["events"], ("events", 0), [Consumed(10, b"{}", b"@tick")])
    batch.add(PIPELINES["models"], ("models", 1), [Consumed(4, None, b"m")])
    assert (batch.rows, batch.bad, batch.taken) == ({}, [], 2)
    assert batch.offsets == {("events", 0): 11, ("models", 1): 5}
