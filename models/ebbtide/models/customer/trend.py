"""Activity against the customer's own past: the numbers behind sudden drop and surge (signals §7)."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import msgspec

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import DaySeries, median
from ebbtide.models.policy import BaselinePolicy

_WEEK = 7


class Comparison(msgspec.Struct, frozen=True):
    """Actions in the window before an instant, and the usual number in such a window."""

    value: int
    baseline: float
    window_days: int
    weeks: int

    @property
    def ratio(self) -> float:
        """Value over baseline."""
        return self.value / self.baseline


def compare(series: DaySeries, day: int, own: Cadence, policy: BaselinePolicy) -> Comparison | None:
    """Compare the window before ``day`` with the weeks before it; None where there is too little to compare with.

    The window is whole weeks, so that weekdays match, and at least two cadences long. The baseline is the median of the
    newest ``policy.weeks`` weeks before the window, scaled to its length; the week of the first activity is left out
    where it is not whole.
    """
    first = series.first_day()
    if first is None:
        return None
    window = _WEEK * ceil(max(_WEEK, 2 * own.days) / _WEEK)
    weeks = min(policy.weeks, (day - window - first) // _WEEK)
    if weeks < policy.min_weeks:
        return None
    newest = window // _WEEK
    before = series.by_weeks(day, newest + weeks)
    baseline = median([after - earlier for after, earlier in pairwise(before[newest:])]) * window / _WEEK
    if baseline < policy.min_actions:
        return None
    return Comparison(before[0] - before[newest], baseline, window, weeks)
