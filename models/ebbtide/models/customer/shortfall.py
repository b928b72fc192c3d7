"""How far a customer is off its usual, and whether that is more than its own noise (signals §7).

A window is held against the same weekdays of the weeks before it. Counts of actions are far from Poisson: people do
much on a day or nothing, and the usual itself wanders. So a window is judged in standard deviations of its own: those
of the windows it is compared with, drawn towards what such windows show in general. The same is done for the days of
people (one for every person and day), which are steadier than what people do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log, sqrt
from typing import NamedTuple

from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import EVENTS, DaySeries, median
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.policy import BaselinePolicy, DropPolicy

_WEEK = 7
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


class Shortfall(NamedTuple):
    """A window, its days of people and their usual number, and how many of its standard deviations it is off."""

    window: Window
    people_days: int
    usual_people_days: float
    strength: float


def window(series: DaySeries, day: int, width: int, own: Cadence, policy: BaselinePolicy) -> Window | None:
    """The window before ``day``; None where it is under two cadences, or there is too little to compare with."""
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
    return None if usual < policy.min_actions else Window(width, lag, series.window(EVENTS, day, width), past, usual)


def low_windows(
    series: DaySeries,
    day: int,
    own: Cadence,
    weekly: Comparison | None,
    baseline: BaselinePolicy,
    policy: DropPolicy,
    *,
    longest: bool,
) -> list[Window]:
    """Windows in which a drop may begin at ``day``, shortest first; ``weekly`` is how the newest weeks compare.

    One that is longer than a week counts only while the newest week is low: a drop that is over is none. One of more
    than two weeks is looked at with ``longest`` alone, and is for who does too little in two to tell anything.
    """
    of_a_week = weekly if weekly is not None and weekly.window_days == _WEEK else None
    found: list[Window] = []
    told = False
    for width in policy.windows:
        if width > 2 * _WEEK and (told or not longest):
            break
        if width > _WEEK and not _is_low_lately(series, day, of_a_week, baseline):
            break
        if of_a_week is not None and width <= _WEEK:
            # What is usual in a part of a week is no more than what is usual in all of it: so it mostly ends here.
            told = told or width == _WEEK
            if series.window(EVENTS, day, width) >= baseline.drop_enter * of_a_week.baseline:
                continue
        judged = window(series, day, width, own, baseline)
        if judged is not None:
            told = told or width >= _WEEK
            if judged.ratio < baseline.drop_enter:
                found.append(judged)
    return found


def _is_low_lately(series: DaySeries, day: int, of_a_week: Comparison | None, policy: BaselinePolicy) -> bool:
    """Whether the newest week is below the share at which a drop ends, be it ever so little."""
    if of_a_week is not None:
        return of_a_week.ratio < policy.drop_leave
    before = series.totals_before(EVENTS, range(day, day - _WEEK * (policy.weeks + 2), -_WEEK))
    weeks = [late - early for late, early in pairwise(before)]
    return weeks[0] < policy.drop_leave * median(weeks[1:])


def recovery(series: DaySeries, day: int, own: Cadence, baseline: BaselinePolicy, policy: DropPolicy) -> Window | None:
    """The shortest window of a week or more that can be judged: by it a drop ends."""
    whole = (width for width in policy.windows if width >= _WEEK)
    return next((judged for width in whole if (judged := window(series, day, width, own, baseline))), None)


def threshold(width: int, policy: DropPolicy) -> float:
    """The strength that a window of ``width`` days must show."""
    return policy.strength + policy.by_length * log(_WEEK / width)


def strength(judged: Window, people: Sequence[int], weight: float, policy: DropPolicy) -> Shortfall:
    """How strong the shortfall is; negative where there is more than usual.

    ``people`` are days of people in the window, and then in each of the comparable ones; their ``weight`` is 0 to 1.
    """
    actions = _deviations(judged.value, judged.usual, judged.past, policy.actions_noise, policy.actions_wander, policy)
    value, past = people[0], people[1:]
    usual = sum(past) / len(past)
    days = _deviations(value, usual, past, policy.people_noise, policy.people_wander, policy)
    told = (1 - weight) * actions + weight * days
    return Shortfall(judged, value, usual, told)


def _deviations(
    value: int, usual: float, past: Sequence[int], noise: float, wander: float, policy: DropPolicy
) -> float:
    """How many standard deviations ``value`` lies below ``usual``."""
    mean = sum(past) / len(past)
    squares = sum((other - mean) ** 2 for other in past)
    weeks = policy.noise_weeks + len(past) - 1
    variance = (policy.noise_weeks * noise * usual + squares) / weeks + (wander * usual) ** 2 + _LEAST_VARIANCE
    return (usual - value) / sqrt(variance)
