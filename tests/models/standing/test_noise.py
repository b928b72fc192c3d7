"""No flapping: one action more or less around a threshold changes a state at most once per dwell time."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.customer.cadence import cadence, silence, silence_state
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.trend import compare
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.activity_group import activity_group
from ebbtide.models.standing.cells import cell
from ebbtide.models.standing.hysteresis import Held, StateChange
from ebbtide.models.standing.lifecycle import lifecycle
from ebbtide.models.standing.relationship import Relationship, relationship, relationship_level
from ebbtide.models.standing.usage import usage, usage_level
from support.standing import MONDAY, Step, fact, history, used, walk

POLICY = CorePolicy()
SPAN = 70
NOISE = st.lists(st.integers(-1, 1), min_size=SPAN, max_size=SPAN)
TO_AND_FRO = [(-1) ** n for n in range(SPAN)]
SLOWLY = [(-1) ** (n // 8) for n in range(SPAN)]


def assert_calm(changes: list[StateChange], dwell: int) -> None:
    assert all(after.day - before.day >= dwell for before, after in pairwise(changes)), changes


def noisy(level: float, noise: list[int], before: int) -> dict[int, int]:
    """``before`` days of ten actions a day, then a level with one action more or less."""
    usual = dict.fromkeys(range(MONDAY, MONDAY + before), 10)
    return usual | {MONDAY + before + n: max(0, round(level) + one) for n, one in enumerate(noise)}


def lifecycle_of(series: DaySeries) -> Step:
    def step(held: Held | None, day: int) -> tuple[Held, StateChange | None]:
        own = cadence(series, day, POLICY.cadence)
        last_day = series.last_day(day)
        assert last_day is not None
        state = silence_state(silence(last_day, day, own), own, POLICY.cadence)
        return lifecycle(held, series, day, own, state, compare(series, day, own, POLICY.baseline), POLICY)

    return step


@given(NOISE, st.sampled_from([5, 7]))
@example(TO_AND_FRO, 5)
@example(SLOWLY, 5)
@example(SLOWLY, 7)
def test_lifecycle_around_the_drop_threshold(noise: list[int], level: int) -> None:
    series = used(noisy(level, noise, 63), [MONDAY])
    _, changes = walk(lifecycle_of(series), range(MONDAY + 40, MONDAY + 63 + SPAN))
    assert_calm(changes, POLICY.lifecycle.dwell_days)


@given(NOISE, st.sampled_from([18, 24]))
@example(TO_AND_FRO, 18)
def test_lifecycle_around_stable_use(noise: list[int], peak: int) -> None:
    # Weeks of 18 and 6 in turn vary by 0.5, the edge; weeks of 24 and 6 by 0.6, between the edges.
    events = {MONDAY + 7 * n: max(1, (peak if n % 2 else 6) + one) for n, one in enumerate(noise[:30])}
    series = used(events | {day + 1: 1 for day in events}, [MONDAY])
    _, changes = walk(lifecycle_of(series), range(MONDAY + 2, MONDAY + 210))
    assert_calm(changes, POLICY.lifecycle.dwell_days)


@given(st.lists(st.sampled_from([1, 2, 3, 4, 7, 8, 9]), min_size=25, max_size=40))
@example([2, 3] * 15)
@example([8, 7] * 15)
@example([8, 1, 1, 8, 1, 1] * 5)
def test_lifecycle_around_the_edges_of_silence(gaps: list[int]) -> None:
    # Fifty days in a row, so that the cadence is one day: asleep after three days, left after eight.
    days = list(range(MONDAY, MONDAY + 51))
    for gap in gaps:
        days.append(days[-1] + gap)
    series = used(dict.fromkeys(days, 1), [MONDAY])
    _, changes = walk(lifecycle_of(series), range(MONDAY + 30, days[-1]))
    dwell = POLICY.lifecycle.dwell_days
    for before, after in pairwise(changes):
        # To leave is told at once; whatever else waits.
        assert after.new == "left" or after.day - before.day >= dwell
    entered = [change.day for change in changes if change.new == "left"]
    assert all(after - before >= dwell for before, after in pairwise(entered))


@given(NOISE, st.sampled_from([0.4, 0.5]))
@example(TO_AND_FRO, 0.5)
@example(SLOWLY, 0.45)
def test_activity_group_around_its_probabilities(noise: list[int], p: float) -> None:
    def step(held: Held | None, day: int) -> tuple[Held, StateChange | None]:
        p_churn = p + 0.06 * noise[day - MONDAY]
        return activity_group(
            held,
            day,
            POLICY.activity_group,
            lifecycle="growth",
            not_renewed=False,
            tier="normal",
            p_churn=p_churn,
            usage="middle",
        )

    _, changes = walk(step, range(MONDAY, MONDAY + SPAN))
    assert_calm(changes, POLICY.activity_group.dwell_days)


@given(NOISE)
@example(TO_AND_FRO)
def test_activity_group_whatever_its_parts_do(noise: list[int]) -> None:
    def step(held: Held | None, day: int) -> tuple[Held, StateChange | None]:
        one = noise[day - MONDAY]
        return activity_group(
            held,
            day,
            POLICY.activity_group,
            lifecycle="maturity" if one else "growth",
            not_renewed=False,
            tier="normal",
            p_churn=0.1,
            usage="high" if one > 0 else "low",
        )

    _, changes = walk(step, range(MONDAY, MONDAY + SPAN))
    assert_calm(changes, POLICY.activity_group.dwell_days)


@pytest.mark.parametrize("edges", [None, (7.0, 14.0), (1.0, 7.0)])
@given(noise=NOISE)
@example(noise=TO_AND_FRO)
@example(noise=SLOWLY)
def test_usage_around_the_edges_of_its_segment(edges: tuple[float, float] | None, noise: list[int]) -> None:
    series = used(noisy(1, noise, 28) if edges else noisy(7, noise, 63), [MONDAY])
    first = MONDAY + (28 if edges else 63)

    def step(held: Held | None, day: int) -> tuple[Held, StateChange | None]:
        measured = usage(series, day, cadence(series, day, POLICY.cadence), None, POLICY.usage)
        return usage_level(held, measured, edges, day, POLICY.usage)

    _, changes = walk(step, range(first, first + SPAN))
    assert_calm(changes, POLICY.usage.dwell_days)


@given(NOISE, st.sampled_from([40.0, 45.0, 70.0, 75.0]))
@example(TO_AND_FRO, 40.0)
@example(SLOWLY, 75.0)
def test_relationship_around_its_edges(noise: list[int], edge: float) -> None:
    def step(held: Held | None, day: int) -> tuple[Held, StateChange | None]:
        found = Relationship(edge + 6 * noise[day - MONDAY], {}, None)
        return relationship_level(held, found, day, POLICY.relationship)

    _, changes = walk(step, range(MONDAY, MONDAY + SPAN))
    assert_calm(changes, POLICY.relationship.dwell_days)


@given(NOISE)
@example(TO_AND_FRO)
def test_relationship_around_the_presence_of_its_people(noise: list[int]) -> None:
    facts = history(*(fact("ticket.opened", MONDAY - 9, ticket_id=f"t{n}", severity="low") for n in range(2)))

    def step(held: Held | None, day: int) -> tuple[Held, StateChange | None]:
        roles = {"p1": ("key_person", day - 14 - noise[day - MONDAY]), "p2": ("admin", day - 30 - noise[day - MONDAY])}
        found = relationship(facts, roles, day, 1.0, POLICY.relationship)
        return relationship_level(held, found, day, POLICY.relationship)

    _, changes = walk(step, range(MONDAY, MONDAY + SPAN))
    assert_calm(changes, POLICY.relationship.dwell_days)


@given(NOISE, NOISE)
@example(TO_AND_FRO, SLOWLY)
def test_a_cell_changes_at_most_once_per_dwell_time_and_axis(first: list[int], second: list[int]) -> None:
    cells: list[str] = []
    held_usage: Held | None = None
    held_relationship: Held | None = None
    series = used(noisy(1, first, 28), [MONDAY])
    for day in range(MONDAY + 28, MONDAY + 28 + SPAN):
        measured = usage(series, day, cadence(series, day, POLICY.cadence), None, POLICY.usage)
        held_usage, _ = usage_level(held_usage, measured, (7.0, 14.0), day, POLICY.usage)
        points = Relationship(40.0 + 6 * second[day - MONDAY - 28], {}, None)
        held_relationship, _ = relationship_level(held_relationship, points, day, POLICY.relationship)
        cells.append(cell(held_usage.value, held_relationship.value))
    dwell = min(POLICY.usage.dwell_days, POLICY.relationship.dwell_days)
    moves = [n for n, (before, after) in enumerate(pairwise(cells)) if before != after]
    assert all(sum(start <= n < start + dwell for n in moves) <= 2 for start in moves)
