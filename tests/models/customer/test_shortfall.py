"""Shortfalls: windows against the same weekdays of the weeks before, in the customer's own standard deviations."""

from __future__ import annotations

from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.shortfall import Window, low_windows, recovery, strength, threshold, window
from ebbtide.models.customer.trend import compare
from ebbtide.models.policy import BaselinePolicy, DropPolicy

BASELINE, DROPS = BaselinePolicy(), DropPolicy()
DAILY, WEEKLY = Cadence(1.0, business=False), Cadence(7.0, business=False)


def daily(*counts: int) -> DaySeries:
    """Activity from day 0 on."""
    series = DaySeries()
    for day, count in enumerate(counts):
        series.put(day, [count, 0, 0, 0, 0, 0, 0, -1, -1])
    return series


def low(series: DaySeries, day: int, own: Cadence = DAILY, *, longest: bool = True) -> list[int]:
    """Widths of the windows in which a drop may begin, however the newest weeks are told to compare."""
    weekly = compare(series, day, own, BASELINE)
    found = low_windows(series, day, own, weekly, BASELINE, DROPS, longest=longest)
    alone = low_windows(series, day, own, None, BASELINE, DROPS, longest=longest)
    assert found == alone
    return [one.width for one in found]


def test_a_window_and_those_it_is_compared_with() -> None:
    series = daily(*[5] * 35, *[10] * 7, 1, 2, 3, 4)
    # Four days up to day 46, and the same weekdays of the five weeks before.
    assert window(series, 46, 4, DAILY, BASELINE) == Window(4, 7, 10, [40, 20, 20, 20, 20, 20], 20.0)
    assert window(series, 46, 4, Cadence(2.5, business=False), BASELINE) is None  # under two cadences
    assert window(series, 30, 4, DAILY, BASELINE) is None  # three weeks are too few
    assert window(daily(*[4] * 60), 60, 4, DAILY, BASELINE) is None  # 16 actions are
    assert window(daily(), 60, 7, DAILY, BASELINE) is None
    assert Window(4, 7, 10, [], 20.0).ratio == 0.5


@pytest.mark.parametrize(
    ("counts", "own", "longest", "expected"),
    [
        ([10] * 70, DAILY, True, []),
        ([10] * 67 + [0] * 3, DAILY, True, [4]),  # a total stop shows first in the shortest window
        ([10] * 63 + [3] * 7, DAILY, True, [4, 7]),
        ([10] * 56 + [3] * 14, DAILY, True, [4, 7, 14]),
        ([10] * 56 + [0] * 7 + [9] * 7, DAILY, True, []),  # what is over is no drop
        ([10] * 56 + [3] * 14, WEEKLY, True, [14]),
        ([2] * 80 + [0] * 18, DAILY, True, [14]),  # 14 actions a week, 28 in two
        ([1] * 90 + [0] * 18, DAILY, True, [28]),  # only four weeks have 20
        ([1] * 90 + [0] * 18, DAILY, False, []),
        ([1] * 20, DAILY, True, []),
    ],
)
def test_windows_in_which_a_drop_may_begin(counts: list[int], own: Cadence, longest: bool, expected: list[int]) -> None:
    assert low(daily(*counts), len(counts), own, longest=longest) == expected


@given(st.lists(st.integers(0, 12), min_size=30, max_size=130), st.sampled_from([DAILY, Cadence(3.0, business=False)]))
def test_the_short_cut_over_the_newest_weeks_changes_nothing(counts: list[int], own: Cadence) -> None:
    for day in range(len(counts) - 3, len(counts) + 1):
        low(daily(*counts), day, own)


def test_a_drop_ends_by_the_shortest_window_of_a_week_or_more() -> None:
    found = [recovery(daily(*counts), len(counts), DAILY, BASELINE, DROPS) for counts in ([10] * 70, [2] * 90, [0] * 9)]
    assert [None if one is None else one.width for one in found] == [7, 14, None]


def test_the_strength_by_hand() -> None:
    judged = Window(7, 7, 10, [40, 40, 30, 50, 40, 40], 40.0)
    found = strength(judged, [3, 10, 10, 8, 12, 10, 10], DROPS.people_weight, DROPS)
    # Four weeks of general noise with the spread of six: (4 · 4 · 40 + 200) / 9, and 40 % of wandering.
    actions = 30 / sqrt(840 / 9 + 16.0**2 + 0.3)
    people = 7 / sqrt((4 * 1.4 * 10 + 8) / 9 + 2.0**2 + 0.3)
    assert found[:3] == (judged, 3, 10.0)
    assert found.strength == pytest.approx(0.2 * actions + 0.8 * people)


def test_a_customer_that_varies_must_fall_further() -> None:
    steady = strength(Window(7, 7, 10, [40] * 8, 40.0), [3, *[10] * 8], DROPS.people_weight, DROPS)
    wild = strength(Window(7, 7, 10, [10, 70] * 4, 40.0), [3, *[2, 18] * 4], DROPS.people_weight, DROPS)
    assert steady.strength > 2 * wild.strength > 0


def test_a_short_window_must_show_more() -> None:
    assert [threshold(width, DROPS) for width in (7, 14)] == [1.9, pytest.approx(1.9 - log(2))]
    assert threshold(4, DROPS) > threshold(7, DROPS)


@pytest.mark.parametrize("windows", [(7, 4), (0, 7), (7, 7), (7, 29)])
def test_windows_ascend(windows: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must ascend, from 1 to 28 days"):
        DropPolicy(windows=windows)
