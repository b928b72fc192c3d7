"""How even the use of the newest whole weeks is: what makes a customer mature (signals §4)."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, sqrt
from typing import NamedTuple

from ebbtide.models.churn.grid import last_observation_day
from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import DaySeries

_WEEK = 7


class Variation(NamedTuple):
    """Coefficient of variation of the events of some equal periods of whole weeks; ``start_day`` is the first's."""

    value: float
    start_day: int
    period_days: int
    every_period_active: bool


def variation(series: DaySeries, day: int, own: Cadence, periods: int) -> Variation | None:
    """Variation of the newest ``periods`` periods before grid day ``day``; None where nothing happened in them.

    A period is one calendar week (Monday to Sunday), or as many as it takes to hold one own cadence: whoever comes
    every second week is judged by fortnights. The standard deviation is that of these periods, not of a sample: they
    are all that is told about.
    """
    weeks = max(1, ceil(own.days / _WEEK))
    width = _WEEK * weeks
    end = last_observation_day(day, _WEEK)
    known = series.evenness
    if known is not None and known[0] == end and known[1] == width and known[2] == periods:
        # It is asked for every day, and is another once a week.
        return known[3]
    found = _variation(series, end, weeks, periods)
    series.evenness = end, width, periods, found
    return found


def _variation(series: DaySeries, end: int, weeks: int, periods: int) -> Variation | None:
    before = series.by_weeks(end, weeks * periods)[::weeks]
    counts = [after - earlier for after, earlier in pairwise(before)]
    total = sum(counts)
    if total == 0:
        return None
    # The deviation over the mean, in whole numbers up to the root.
    squares = sum([count * count for count in counts])
    width = _WEEK * weeks
    return Variation(sqrt(periods * squares - total * total) / total, end - width * periods, width, min(counts) > 0)
