"""The first core value."""

from __future__ import annotations

from typing import Literal

import pytest

from ebbtide.models.policy import LifecyclePolicy
from ebbtide.models.standing.core_value import core_day
from support.standing import MONDAY, used

DAYS = dict.fromkeys(range(MONDAY, MONDAY + 10), 1)
LATE_QUERY = used(DAYS, [MONDAY + 6])
EARLY_QUERY = used(DAYS, [MONDAY + 1, MONDAY + 6])
NO_QUERY = used(DAYS)
Core = Literal["auto", "query", "active_days"]


@pytest.mark.parametrize(
    ("core", "tenant_has_queries", "late", "early", "none"),
    [
        ("query", False, 6, 1, None),
        ("query", True, 6, 1, None),
        ("active_days", False, 2, 2, 2),  # the third active day
        ("active_days", True, 2, 2, 2),
        ("auto", False, 2, 1, 2),  # whichever comes first
        ("auto", True, 6, 1, None),  # here only queries count
    ],
)
def test_a_query_or_the_third_active_day(
    core: Core, tenant_has_queries: bool, late: int, early: int, none: int | None
) -> None:
    policy = LifecyclePolicy(core=core)
    found = [
        core_day(series, MONDAY + 10, policy, tenant_has_queries=tenant_has_queries)
        for series in (LATE_QUERY, EARLY_QUERY, NO_QUERY)
    ]
    assert found == [None if n is None else MONDAY + n for n in (late, early, none)]


@pytest.mark.parametrize(("day", "expected"), [(1, None), (2, 1), (6, 1), (30, 1)])
def test_only_days_before_count(day: int, expected: int | None) -> None:
    found = core_day(EARLY_QUERY, MONDAY + day, LifecyclePolicy(core="query"), tenant_has_queries=True)
    assert found == (None if expected is None else MONDAY + expected)


@pytest.mark.parametrize(
    ("start", "query", "active"), [(0, 1, 2), (1, 1, 3), (2, 6, 4), (6, 6, 8), (7, None, 9), (8, None, None)]
)
def test_the_first_from_a_day_on(start: int, query: int | None, active: int | None) -> None:
    for policy, expected in ((LifecyclePolicy(core="query"), query), (LifecyclePolicy(core="active_days"), active)):
        found = core_day(EARLY_QUERY, MONDAY + 10, policy, tenant_has_queries=True, start=MONDAY + start)
        assert found == (None if expected is None else MONDAY + expected)


def test_too_few_active_days_are_none() -> None:
    series = used({MONDAY: 5, MONDAY + 1: 5})
    assert core_day(series, MONDAY + 9, LifecyclePolicy(), tenant_has_queries=False) is None
