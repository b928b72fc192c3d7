"""Evenness of weekly use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.standing.stability import variation
from support.standing import MONDAY, used

WEEKLY = Cadence(7.0, business=False)


def weeks(*counts: int) -> dict[int, int]:
    """Events on the Wednesdays of consecutive weeks, the last of which ends with Sunday before MONDAY."""
    return {MONDAY - 7 * (len(counts) - n) + 2: count for n, count in enumerate(counts)}


@pytest.mark.parametrize(
    ("counts", "expected", "every"),
    [
        ((1, 1, 1, 1), 0.0, True),  # weekly use, even
        ((18, 6, 18, 6), 0.5, True),  # mean 12, deviation 6
        ((2, 4, 4, 2), 1 / 3, True),  # mean 3, deviation 1
        ((5, 5, 5, 0), 0.57735, False),  # mean 3.75, deviation 2.165: one idle week in four
        ((4, 0, 0, 0), 1.73205, False),  # mean 1, deviation sqrt 3
        ((99, 1, 1, 1, 1), 0.0, True),  # only the newest four count
    ],
)
def test_of_four_weeks(counts: tuple[int, ...], expected: float, every: bool) -> None:
    found = variation(used(weeks(*counts)), MONDAY, WEEKLY, 4)
    assert found is not None
    assert found.value == pytest.approx(expected, abs=1e-5)
    assert (found.every_period_active, found.start_day, found.period_days) == (every, MONDAY - 28, 7)


def test_nothing_is_no_variation() -> None:
    assert variation(used({MONDAY - 40: 3}), MONDAY, WEEKLY, 4) is None


@pytest.mark.parametrize("weekday", range(7))
def test_a_week_is_whole_before_it_counts(weekday: int) -> None:
    series = used({**weeks(3, 3, 3, 3), MONDAY: 50, MONDAY + 6: 50})
    found = variation(series, MONDAY + weekday, WEEKLY, 4)
    assert found is not None
    assert (found.value, found.start_day) == (0.0, MONDAY - 28)


@pytest.mark.parametrize(
    ("own", "period"),
    [
        (Cadence(1.0, business=True), 7),
        (Cadence(5.0, business=True), 7),  # every Monday
        (Cadence(7.5, business=False), 14),
        (Cadence(14.0, business=False), 14),
        (Cadence(30.0, business=False), 35),
    ],
)
def test_slow_customers_are_judged_by_longer_periods(own: Cadence, period: int) -> None:
    series = used({MONDAY - period * n - 1: 4 for n in range(4)})
    found = variation(series, MONDAY, own, 4)
    assert found is not None
    assert (found.value, found.period_days, found.every_period_active) == (0.0, period, True)
    assert found.start_day == MONDAY - 4 * period


@given(st.lists(st.tuples(st.integers(MONDAY, MONDAY + 30), st.integers(0, 5), st.integers(28, 37)), max_size=20))
def test_what_was_told_of_weeks_is_told_anew_once_one_of_their_days_changes(puts: list[tuple[int, int, int]]) -> None:
    series, own = DaySeries(), Cadence(4.0, business=False)
    known: dict[int, int] = {}
    for day, events, at in puts:
        known[day] = events
        series.put(day, [events, 0, 0, 0, 0, 0, 0, -1, -1])
        new = DaySeries()
        for active, count in known.items():
            new.put(active, [count, 0, 0, 0, 0, 0, 0, -1, -1])
        periods = 4 - (events == 1)
        assert variation(series, MONDAY + at, own, periods) == variation(new, MONDAY + at, own, periods)
