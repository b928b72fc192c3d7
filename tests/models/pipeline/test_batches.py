"""Batch boundaries do not matter: the same records in any chunks tell the same things in the same order."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.pipeline import Pipeline
from support.histories import POLICY, history, shuffled
from support.told import drive, records

_OF_MODULES = (
    "breadth",
    "feature_retention",
    "retention_by_feature",
    "top_features",
    "unused_features",
    "interests",
    "feature_slope",
)
SEEDS = st.integers(0, 10_000)


@settings(max_examples=8)
@given(SEEDS, st.lists(st.integers(0, 60), max_size=8))
def test_any_chunks_tell_the_same(seed: int, chunks: list[int]) -> None:
    bodies = history(seed)
    whole, expected = drive(bodies, POLICY)
    cut, found = drive(bodies, POLICY, chunks=chunks)
    assert found == expected
    assert records(cut) == records(whole)


@settings(max_examples=8)
@given(SEEDS, st.lists(st.integers(0, 60), max_size=8))
def test_chunks_that_more_follow_at_once_tell_the_same(seed: int, chunks: list[int]) -> None:
    bodies = history(seed)
    whole, expected = drive(bodies, POLICY)
    cut, found = drive(bodies, POLICY, chunks=chunks, more=True)
    assert found == expected
    assert records(cut) == records(whole)


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_one_by_one_is_all_at_once(seed: int, order: int) -> None:
    bodies = shuffled(history(seed, days=50), order)
    whole, expected = drive(bodies, POLICY)
    single, found = drive(bodies, POLICY, chunks=[1] * len(bodies))
    assert found == expected
    assert records(single) == records(whole)


@settings(max_examples=8)
@given(SEEDS, st.integers(1, 20), st.lists(st.integers(0, 60), max_size=8))
def test_records_that_come_too_late_are_too_late_in_any_chunks(seed: int, step: int, chunks: list[int]) -> None:
    # Where a late record's profile changes its owner too, batches decide which instants see it; totals are the same.
    *bodies, end = history(seed, merges=False)
    late = [body for index, body in enumerate(bodies) if index % (step + 1) == 0]
    on_time = [body for index, body in enumerate(bodies) if index % (step + 1)]
    mixed = [*on_time[:20], *late, *on_time[20:], end]
    whole, expected = drive(mixed, POLICY)
    cut, found = drive(mixed, POLICY, chunks=chunks)
    assert found == expected
    assert _without_uses(cut) == _without_uses(whole)
    assert cut.intake.late == whole.intake.late


def _without_uses(pipeline: Pipeline) -> dict[str, Any]:
    """Records without what is told of modules: news of weeks that are added up is not taken, and that is late news."""
    found = records(pipeline)
    for record in found.values():
        for name in _OF_MODULES:
            del record["fields"][name]
    return found
