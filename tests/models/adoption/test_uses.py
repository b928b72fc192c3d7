"""Uses of modules by day and by whole week. Day 20,094 is Monday, 2025-01-06."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.adoption.uses import Uses, last_monday

MONDAY = 20_094
DAYS = st.integers(MONDAY - 80, MONDAY + 20)
USES = st.dictionaries(DAYS, st.dictionaries(st.sampled_from("abc"), st.integers(-2, 50)), max_size=40)


@given(st.integers(-5_000, 40_000))
def test_the_last_monday_is_a_monday_at_most_six_days_back(day: int) -> None:
    monday = last_monday(day)
    assert date.fromordinal(719_163 + monday).weekday() == 0
    assert 0 <= day - monday <= 6


def test_counts_of_a_window() -> None:
    uses = Uses({MONDAY - 8: {"a": 9}, MONDAY - 7: {"a": 2, "b": 1}, MONDAY - 1: {"a": 3, "c": 0}, MONDAY: {"a": 70}})
    assert uses.counts(MONDAY, 7) == {"a": 5, "b": 1}
    assert uses.counts(MONDAY, 8) == {"a": 14, "b": 1}
    assert uses.counts(MONDAY + 1, 1) == {"a": 70}


@pytest.mark.parametrize("day", [MONDAY, MONDAY + 1, MONDAY + 6])
def test_weeks_end_with_the_last_sunday(day: int) -> None:
    uses = Uses(
        {MONDAY - 15: {"a": 9}, MONDAY - 14: {"a": 4}, MONDAY - 8: {"a": 1}, MONDAY - 1: {"b": 3}, MONDAY: {"b": 8}}
    )
    assert uses.weeks(day, 2) == {"a": [5, 0], "b": [0, 3]}
    assert uses.weeks(day, 3) == {"a": [9, 5, 0], "b": [0, 0, 3]}


@given(USES, USES, DAYS, st.integers(1, 70), st.integers(1, 9))
def test_nothing_at_or_after_the_day_matters(
    before: dict[int, dict[str, int]], after: dict[int, dict[str, int]], day: int, width: int, weeks: int
) -> None:
    past = {at: counts for at, counts in before.items() if at < day}
    other = past | {at: counts for at, counts in after.items() if at >= day}
    assert Uses(other).counts(day, width) == Uses(past).counts(day, width)
    assert Uses(other).weeks(day, weeks) == Uses(past).weeks(day, weeks)


@given(USES, DAYS, st.integers(1, 9))
def test_weeks_add_up_to_the_window(by_day: dict[int, dict[str, int]], day: int, weeks: int) -> None:
    uses = Uses(by_day)
    assert {m: sum(w) for m, w in uses.weeks(day, weeks).items()} == uses.counts(last_monday(day), 7 * weeks)
