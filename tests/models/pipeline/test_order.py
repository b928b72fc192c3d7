"""Order within the lateness bound and duplicates do not matter.

Tolerated: versions of records, which count what was looked at; and an alert's decorations (name, owner, route, money at
stake), which are those known when it is told.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from support.histories import POLICY, history, shuffled
from support.raw import NOW, messages
from support.told import drive, records, told

SEEDS = st.integers(0, 10_000)


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_any_order_within_the_bound_decides_the_same(seed: int, order: int) -> None:
    bodies = history(seed)
    straight, expected = drive(bodies, POLICY, decorated=False)
    crooked, found = drive(shuffled(bodies, order), POLICY, decorated=False)
    assert found == expected
    assert records(crooked) == records(straight)
    assert crooked.profiles.accepted == straight.profiles.accepted


@settings(max_examples=8)
@given(SEEDS, st.booleans())
def test_the_same_again_changes_nothing_but_the_count_of_duplicates(seed: int, new_offsets: bool) -> None:
    bodies = history(seed)
    pipeline, _ = drive(bodies, POLICY)
    before, accepted, duplicates = records(pipeline), pipeline.profiles.accepted, pipeline.profiles.duplicates
    again = told(pipeline.feed(messages(bodies, len(bodies) if new_offsets else 0), now=NOW))
    assert not any(again.values())
    assert records(pipeline) == before
    assert pipeline.profiles.accepted == accepted
    assert pipeline.profiles.duplicates == duplicates + accepted
