"""A customer's own rhythm, and how long it has been silent against it (signals §4)."""

from __future__ import annotations

from bisect import bisect_left, insort
from enum import StrEnum
from math import ceil
from operator import sub
from typing import NamedTuple

from ebbtide.models.customer.series import DaySeries, median
from ebbtide.models.customer.workdays import day_after_workdays, is_weekend, workdays_before
from ebbtide.models.policy import CadencePolicy

_WORKDAYS = 5
_WEEK = 7


class SilenceState(StrEnum):
    """Awake, silent for 2 cadences, silent for 7.5."""

    AWAKE = "awake"
    ASLEEP = "asleep"
    LEFT = "left"


class Cadence(NamedTuple):
    """Median gap between active days; in business days where the customer is hardly ever active at weekends."""

    gap: float
    business: bool

    @property
    def days(self) -> float:
        """The gap in calendar days."""
        return self.gap * _WEEK / _WORKDAYS if self.business else self.gap


def cadence(series: DaySeries, day: int, policy: CadencePolicy) -> Cadence:
    """Cadence as of ``day``: the median of the newest gaps, or the prior until enough are seen."""
    end = series.count_before(day)
    recent = slice(max(0, end - policy.max_gaps - 1), end)
    # The series has told days of the weekend and business days apart before: they are asked for every day.
    return _cadence(series.days[recent], series.workdays[recent], sum(series.weekends[recent]), policy)


class Gaps:
    """The newest gaps before the active day number ``end`` of a series, by length: they move on from day to day.

    ``disorder`` is that of the series: with another they are to be told anew.
    """

    __slots__ = ("_business", "_policy", "_sorted", "_weekend", "disorder", "end", "own")

    def __init__(self, series: DaySeries, end: int, policy: CadencePolicy) -> None:
        start = max(0, end - policy.max_gaps - 1)
        days = series.days[start:end]
        self._policy, self.disorder, self.end = policy, series.disorder, end
        self._weekend = sum(series.weekends[start:end])
        self._business = _rests_at_weekends(len(days), self._weekend, policy.weekend_rate)
        steps = series.workdays[start:end] if self._business else days
        self._sorted = sorted(map(sub, steps[1:], steps))
        self.own = self._cadence(len(days), None)

    def move(self, series: DaySeries) -> bool:
        """Go on by one active day, not the first; false where weekends are seen otherwise with it."""
        last, start = self.end, self.end - self._policy.max_gaps - 1
        weekend = self._weekend + series.weekends[last]
        if start >= 0:
            weekend -= series.weekends[start]
        days = last + 1 - max(0, start + 1)
        if _rests_at_weekends(days, weekend, self._policy.weekend_rate) is not self._business:
            return False
        self.end, self._weekend = last + 1, weekend
        steps, known = series.workdays if self._business else series.days, self._sorted
        insort(known, steps[last] - steps[last - 1])
        if start >= 0:
            del known[bisect_left(known, steps[start + 1] - steps[start])]
        self.own = self._cadence(days, self.own)
        return True

    def _cadence(self, days: int, before: Cadence | None) -> Cadence:
        if days <= self._policy.min_gaps:
            return before or Cadence(self._policy.prior_days, business=False)
        known = self._sorted
        middle = len(known) // 2
        gap = float(known[middle]) if len(known) % 2 else (known[middle - 1] + known[middle]) / 2
        if before is not None and before.gap == gap and before.business is self._business:
            return before
        return Cadence(gap, self._business)


def cadence_of(recent: list[int], policy: CadencePolicy) -> Cadence:
    """Cadence of who was active on the days ``recent``, ascending."""
    return _cadence(recent, list(map(workdays_before, recent)), sum(map(is_weekend, recent)), policy)


def _cadence(days: list[int], workdays: list[int], weekend: int, policy: CadencePolicy) -> Cadence:
    """Cadence by active days, as they are and as business days; on ``weekend`` of them it was weekend."""
    if len(days) <= policy.min_gaps:
        return Cadence(policy.prior_days, business=False)
    business = _rests_at_weekends(len(days), weekend, policy.weekend_rate)
    steps = workdays if business else days
    return Cadence(median(list(map(sub, steps[1:], steps))), business)


def _rests_at_weekends(days: int, weekend: int, rate: float) -> bool:
    """Whether a day of the weekend is active less than ``rate`` times as often as a workday, or never."""
    return not weekend or weekend / (_WEEK - _WORKDAYS) < rate * (days - weekend) / _WORKDAYS


def asleep_after(own: Cadence, policy: CadencePolicy) -> float:
    """Silence, in the cadence's days, from which the customer is asleep."""
    return max(policy.min_asleep_days, policy.asleep_gaps * own.gap)


def left_after(own: Cadence, policy: CadencePolicy) -> float:
    """Silence, in the cadence's days, from which the customer has left. Never before it is asleep."""
    return max(asleep_after(own, policy), policy.left_gaps * own.gap)


def silence(last_day: int, day: int, own: Cadence) -> int:
    """Days from the last active day, or another, to the grid instant ``day``, in the cadence's days."""
    return workdays_before(day) - workdays_before(last_day) if own.business else day - last_day


def silence_state(silent: float, own: Cadence, policy: CadencePolicy) -> SilenceState:
    """State for a silence: with a cadence of two days, 4 days is asleep, 15 days is left [CRM]."""
    asleep = asleep_after(own, policy)
    if silent < asleep:
        return SilenceState.AWAKE
    return SilenceState.LEFT if silent >= max(asleep, policy.left_gaps * own.gap) else SilenceState.ASLEEP


def instant_of(last_day: int, silent: float, own: Cadence) -> int:
    """The first grid instant at which the silence since ``last_day`` reaches ``silent``."""
    steps = ceil(silent)
    return day_after_workdays(workdays_before(last_day) + steps) if own.business else last_day + steps
