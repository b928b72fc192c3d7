"""Lead priority and rank: a dormant lead goes down with time, a warm return up at once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ebbtide.models.customer.series import LAST_LOGIN, DaySeries
from ebbtide.models.leads.interest import Interest, interest
from ebbtide.models.leads.lead_priority import Priority, lead_priority, lead_ranks, rank_key
from ebbtide.models.policy import LeadPolicy

POLICY = LeadPolicy()
A, B, C, D = Priority
DAY = 1_000


def lead(queries: Mapping[int, int]) -> DaySeries:
    """A login and so many queries on each of these days."""
    series = DaySeries()
    for day, count in queries.items():
        series.put(day, [1 + count, 1, count, 0, 0, 0, 60, 0, 0])
    return series


def asked(series: DaySeries, trial_day: int | None, day: int, policy: LeadPolicy) -> Interest:
    return interest(series, series.last_at(LAST_LOGIN, day), trial_day, day, policy)


@pytest.mark.parametrize(
    ("queries", "trial_day", "expected"),
    [
        ({}, None, Interest(None, 0, None)),
        ({}, DAY - 10, Interest(None, 0, None)),
        ({DAY: 9}, None, Interest(None, 0, None)),
        ({DAY - 1: 0}, DAY - 20, Interest(1, 0, None)),
        # 28 days, 10 in the first half and 30 in the second: 30 / 14 over 40 / 28.
        ({DAY - 28: 10, DAY - 3: 30}, DAY - 28, Interest(3, 40, 1.5)),
        ({DAY - 28: 10, DAY - 3: 30}, None, Interest(3, 40, 1.5)),
        ({DAY - 28: 10, DAY - 20: 30}, DAY - 28, Interest(20, 40, 0.0)),
        ({DAY - 400: 100, DAY - 7: 5}, DAY - 7, Interest(7, 105, 1.0)),  # a young trial: what was before is no trend
        ({DAY - 3: 5}, DAY, Interest(3, 5, None)),
    ],
)
def test_interest(queries: dict[int, int], trial_day: int | None, expected: Interest) -> None:
    assert asked(lead(queries), trial_day, DAY, POLICY) == expected


@given(
    st.dictionaries(st.integers(DAY - 60, DAY - 1), st.integers(0, 30), max_size=9),
    st.dictionaries(st.integers(DAY, DAY + 60), st.integers(0, 30), max_size=9),
    st.none() | st.integers(DAY - 70, DAY),
)
def test_nothing_at_or_after_the_day_matters(past: dict[int, int], later: dict[int, int], trial: int | None) -> None:
    begun = trial if trial is not None else min(past, default=DAY)
    assert asked(lead(past | later), begun, DAY, POLICY) == asked(lead(past), begun, DAY, POLICY)


@pytest.mark.parametrize(
    ("silent", "queries", "trend", "expected"),
    [
        (7, 20, 0.8, A),
        (7, 19, 0.8, B),
        (7, 20, 0.79, B),
        (7, 19, None, C),
        (8, 20, 0.8, B),
        (14, 500, 0.1, C),
        (14, 0, None, C),
        (15, 20, 0.8, C),
        (30, 20, 0.0, C),
        (30, 19, 0.0, D),
        (31, 999, 2.0, D),
        (None, 999, 2.0, D),
    ],
)
def test_priority(silent: int | None, queries: int, trend: float | None, expected: Priority) -> None:
    assert lead_priority(Interest(silent, queries, trend), POLICY) is expected


@pytest.mark.parametrize(
    ("silent", "queries", "trend", "previous", "expected"),
    [
        (9, 20, 0.8, A, A),  # two days more than fresh
        (10, 20, 0.8, A, B),
        (7, 20, 0.6, A, A),  # the rate is lost below 0.6
        (7, 20, 0.59, A, B),
        (7, 18, 0.8, A, A),
        (7, 17, 0.8, A, B),
        (32, 20, 0.8, C, C),
        (33, 20, 0.8, C, D),
        (1, 20, 0.8, D, A),  # up at once
        (60, 500, 0.0, A, D),
        (None, 0, None, A, D),
    ],
)
def test_what_was_a_priority_is_left_later(
    silent: int | None, queries: int, trend: float | None, previous: Priority, expected: Priority
) -> None:
    assert lead_priority(Interest(silent, queries, trend), POLICY, previous) is expected


def test_a_dormant_lead_goes_down_by_the_day_and_a_warm_return_up_at_once() -> None:
    queries = dict.fromkeys(range(DAY - 28, DAY), 2)
    story: dict[int, Priority] = {}
    priority: Priority | None = None
    back = DAY + 40
    series = lead(queries | {back: 3})
    for day in range(DAY, back + 2):
        now = lead_priority(asked(series, DAY - 28, day, POLICY), POLICY, priority)
        if now is not priority:
            story[day - DAY] = priority = now
    # After k days the silence is k + 1 and the trend (14 - k) (28 + k) / 392: 0.551 after 8 days, so the rate is lost.
    # A day later it is not fresh any more (7 + 2 days), and after 32 days dormant (30 + 2). The return on day 40 is
    # seen the day after.
    assert story == {0: A, 8: B, 9: C, 32: D, 41: B}


INTERESTS = st.builds(
    Interest, st.none() | st.integers(0, 60), st.integers(0, 60), st.none() | st.floats(0, 3, allow_subnormal=False)
)


@given(INTERESTS, st.integers(0, 30), st.sampled_from([None, *Priority]))
def test_more_silence_is_never_better(lead: Interest, more: int, previous: Priority | None) -> None:
    later = Interest(None if lead.silent_days is None else lead.silent_days + more, lead.queries, lead.trend)
    assert lead_priority(later, POLICY, previous) >= lead_priority(lead, POLICY, previous)


@given(INTERESTS, st.sampled_from([None, *Priority]))
def test_a_priority_is_stable_under_what_made_it(lead: Interest, previous: Priority | None) -> None:
    now = lead_priority(lead, POLICY, previous)
    assert lead_priority(lead, POLICY, now) is now


@given(st.lists(st.integers(-1, 1), min_size=1, max_size=30), st.sampled_from([7, 14, 30]), st.booleans())
def test_one_more_or_less_changes_the_priority_at_most_once(noise: list[int], limit: int, days: bool) -> None:
    states: list[Priority] = []
    for step in noise:
        now = Interest(limit + step, 20, 1.0) if days else Interest(3, 20 + step, 1.0)
        states.append(lead_priority(now, POLICY, states[-1] if states else None))
    assert sum(a is not b for a, b in pairwise(states)) <= 1


LEADS = [
    ("kim", A, Interest(3, 50, 1.0), "x1"),
    ("kim", A, Interest(1, 20, 0.9), "x2"),
    ("kim", A, Interest(3, 80, 1.0), "x3"),
    ("kim", A, Interest(3, 50, 1.5), "x4"),
    ("kim", A, Interest(3, 50, 1.0), "x0"),
    ("kim", D, Interest(None, 0, None), "x5"),
    ("kim", D, Interest(90, 0, None), "x6"),
    ("leo", B, Interest(1, 1, None), "y1"),
]


@given(st.permutations(LEADS))
def test_ranks_do_not_depend_on_the_order(leads: list[Any]) -> None:
    ranks = lead_ranks((owner, rank_key(priority, found, name)) for owner, priority, found, name in leads)
    assert sorted(ranks, key=lambda name: (name[0], ranks[name])) == ["x2", "x3", "x4", "x0", "x1", "x6", "x5", "y1"]
    assert ranks["y1"] == ranks["x2"] == 1


def test_each_owner_has_a_first_lead() -> None:
    ranks = lead_ranks((owner, rank_key(priority, found, name)) for owner, priority, found, name in LEADS)
    assert ranks == {"x2": 1, "x3": 2, "x4": 3, "x0": 4, "x1": 5, "x6": 6, "x5": 7, "y1": 1}


def test_a_better_priority_ranks_first_whatever_else() -> None:
    for better, worse in pairwise(Priority):
        assert rank_key(better, Interest(None, 0, None), "z") < rank_key(worse, Interest(0, 999, 9.0), "a")


@pytest.mark.parametrize("wrong", [{"fresh_days": 14}, {"recent_days": 30}, {"rate_lost": 0.9}])
def test_steps_out_of_order_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must hold"):
        LeadPolicy(**wrong)
