"""How a window compares with the same weekdays of the weeks before it: by that a drop ends, and a surge is one.

Counts of actions are far from Poisson: people do much on a day or nothing, and the usual itself wanders. So an excess
is judged in standard deviations of its own: those of the windows it is compared with, drawn towards what such windows
show in general. The same is done for the days of people (one for every person and day), which are steadier than what
people do.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import NamedTuple

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import EVENTS, DaySeries, median
from ebbtide.models.policy import BaselinePolicy, SurgePolicy

_WEEK = 7
LONGEST_DAYS = 28
"""The longest window by which a drop ends: that of who does little."""

_LEAST_VARIANCE = 0.3
"""Of days of people: they are whole, and a spread of none is luck."""


class Window(NamedTuple):
    """Actions of the ``width`` days before an instant, in the comparable windows, newest first, and usually.

    The first of the comparable windows ends ``lag`` days before the instant, each other one a week before that.
    """

    width: int
    lag: int
    value: int
    past: list[int]
    usual: float

    @property
    def ratio(self) -> float:
        """Value over usual."""
        return self.value / self.usual


def window(
    series: DaySeries, day: int, width: int, own: Cadence, policy: BaselinePolicy, least: int | None = None
) -> Window | None:
    """The window before ``day``; None where it is under two cadences, or there is too little to compare with.

    ``least`` actions must be usual, or those of the policy.
    """
    first = series.first_day()
    lag = _WEEK * ceil(width / _WEEK)
    if first is None or width < 2 * own.days:
        return None
    weeks = min(policy.weeks, (day - lag - width - first) // _WEEK + 1)
    if weeks < policy.min_weeks:
        return None
    latest = day - lag
    ends = series.totals_before(EVENTS, range(latest, latest - _WEEK * weeks, -_WEEK))
    latest -= width
    starts = series.totals_before(EVENTS, range(latest, latest - _WEEK * weeks, -_WEEK))
    past = [end - start for end, start in zip(ends, starts, strict=True)]
    usual = median(past.copy())
    enough = policy.min_actions if least is None else least
    return None if usual < enough else Window(width, lag, series.window(EVENTS, day, width), past, usual)


def recovery(series: DaySeries, day: int, own: Cadence, policy: BaselinePolicy) -> Window | None:
    """The window of whole weeks by which a drop ends: the shortest with enough usual actions, or else the longest."""
    longest: Window | None = None
    for width in range(_WEEK, LONGEST_DAYS + 1, _WEEK):
        judged = window(series, day, width, own, policy, least=1)
        longest = judged or longest
        if judged is not None and judged.usual >= policy.min_actions:
            break
    return longest


def excess(judged: Window, people: Sequence[int], policy: SurgePolicy) -> float:
    """By how many of its standard deviations a window lies over its usual.

    ``people`` are days of people in the window, and then in each of the comparable ones.
    """
    actions = _deviations(judged.value, judged.usual, judged.past, policy.actions_noise, policy.actions_wander, policy)
    value, past = people[0], people[1:]
    days = _deviations(value, sum(past) / len(past), past, policy.people_noise, policy.people_wander, policy)
    return (1 - policy.people_weight) * actions + policy.people_weight * days


def _deviations(
    value: int, usual: float, past: Sequence[int], noise: float, wander: float, policy: SurgePolicy
) -> float:
    """How many standard deviations ``value`` lies over ``usual``."""
    mean = sum(past) / len(past)
    squares = sum((other - mean) ** 2 for other in past)
    weeks = policy.noise_weeks + len(past) - 1
    variance = (policy.noise_weeks * noise * usual + squares) / weeks + (wander * usual) ** 2 + _LEAST_VARIANCE
    return (value - usual) / sqrt(variance)
