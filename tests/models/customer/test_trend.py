"""Drop and surge: the window against the median of comparable weeks."""

from __future__ import annotations

import pytest

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.trend import Comparison, compare
from ebbtide.models.policy import BaselinePolicy

POLICY = BaselinePolicy()
DAILY = Cadence(1.0, business=False)


def weekly(*counts: int) -> DaySeries:
    """Weeks from day 0 on, all of a week's events on its first day."""
    series = DaySeries()
    for week, count in enumerate(counts):
        series.put(7 * week, [count, 0, 0, 0, 0, 0, 0, -1, -1])
    return series


@pytest.mark.parametrize(
    ("counts", "own", "expected"),
    [
        # Eight weeks with median 40, then a week of 10.
        ((10, 20, 30, 40, 40, 50, 60, 70, 10), DAILY, Comparison(10, 40.0, 7, 8)),
        # Only the newest eight count: the first two weeks of 1,000 are forgotten.
        ((1_000, 1_000, 20, 20, 20, 20, 20, 20, 20, 20, 5), DAILY, Comparison(5, 20.0, 7, 8)),
        # The window is at least two cadences long, in whole weeks: 2 × 5 days are 14. Baseline 30 a week is 60.
        ((30, 30, 30, 30, 30, 10, 10), Cadence(5.0, business=False), Comparison(20, 60.0, 14, 5)),
        # Five business days are seven calendar days, twice that is 14.
        ((30, 30, 30, 30, 10, 10), Cadence(5.0, business=True), Comparison(20, 60.0, 14, 4)),
        ((20, 20, 20, 20, 9), DAILY, Comparison(9, 20.0, 7, 4)),
        ((20, 20, 20, 9), DAILY, None),  # three weeks are too few
        ((19, 19, 19, 19, 9), DAILY, None),  # under 20 actions a window
        ((), DAILY, None),
    ],
)
def test_the_comparison(counts: tuple[int, ...], own: Cadence, expected: Comparison | None) -> None:
    series = weekly(*counts)
    assert compare(series, 7 * len(counts), own, POLICY) == expected


def test_the_ratio_and_a_broken_first_week() -> None:
    assert Comparison(10, 40.0, 7, 8).ratio == 0.25
    series = weekly(20, 20, 20, 20, 9)
    assert compare(series, 34, DAILY, POLICY) is None  # 34 days hold four whole weeks with the window, not five
