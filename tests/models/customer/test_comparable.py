"""Windows against the same weekdays of the weeks before, in the customer's own standard deviations."""

from __future__ import annotations

from math import sqrt

import pytest

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.comparable import Window, excess, recovery, window
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import BaselinePolicy, SurgePolicy

BASELINE, SURGES = BaselinePolicy(), SurgePolicy()
DAILY = Cadence(1.0, business=False)


def daily(*counts: int) -> DaySeries:
    """Activity from day 0 on."""
    series = DaySeries()
    for day, count in enumerate(counts):
        series.put(day, [count, 0, 0, 0, 0, 0, 0, -1, -1])
    return series


def test_a_window_and_those_it_is_compared_with() -> None:
    series = daily(*[5] * 35, *[10] * 7, 1, 2, 3, 4)
    # Four days up to day 46, and the same weekdays of the five weeks before.
    assert window(series, 46, 4, DAILY, BASELINE) == Window(4, 7, 10, [40, 20, 20, 20, 20, 20], 20.0)
    assert window(series, 46, 4, Cadence(2.5, business=False), BASELINE) is None  # under two cadences
    assert window(series, 30, 4, DAILY, BASELINE) is None  # three weeks are too few
    assert window(daily(*[4] * 60), 60, 4, DAILY, BASELINE) is None  # 16 actions are
    assert window(daily(), 60, 7, DAILY, BASELINE) is None
    assert Window(4, 7, 10, [], 20.0).ratio == 0.5


def test_a_drop_ends_by_the_shortest_window_of_whole_weeks() -> None:
    found = [
        recovery(daily(*counts), len(counts), DAILY, BASELINE) for counts in ([10] * 70, [2] * 90, [1] * 99, [0] * 9)
    ]
    assert [None if one is None else one.width for one in found] == [7, 14, 21, None]
    weekly = recovery(daily(*[10] * 99), 99, Cadence(7.0, business=False), BASELINE)
    assert weekly is not None
    assert weekly.width == 14


def test_the_excess_by_hand() -> None:
    judged = Window(7, 7, 90, [40, 40, 30, 50, 40, 40], 40.0)
    # Four weeks of general noise with the spread of six: (4 · 4 · 40 + 200) / 9, and 40 % of wandering.
    actions = 50 / sqrt(840 / 9 + 16.0**2 + 0.3)
    people = 6 / sqrt((4 * 1.4 * 10 + 8) / 9 + 2.0**2 + 0.3)
    assert excess(judged, [16, 10, 10, 8, 12, 10, 10], SURGES) == pytest.approx(0.5 * actions + 0.5 * people)


def test_a_customer_that_varies_must_rise_further() -> None:
    steady = excess(Window(7, 7, 90, [40] * 8, 40.0), [17, *[10] * 8], SURGES)
    wild = excess(Window(7, 7, 90, [10, 70] * 4, 40.0), [17, *[2, 18] * 4], SURGES)
    assert steady > 1.5 * wild > 0
