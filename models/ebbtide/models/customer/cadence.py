"""A customer's own rhythm, and how long it has been silent against it (signals §4)."""

from __future__ import annotations

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
    if silent >= left_after(own, policy):
        return SilenceState.LEFT
    return SilenceState.ASLEEP if silent >= asleep_after(own, policy) else SilenceState.AWAKE


def instant_of(last_day: int, silent: float, own: Cadence) -> int:
    """The first grid instant at which the silence since ``last_day`` reaches ``silent``."""
    steps = ceil(silent)
    return day_after_workdays(workdays_before(last_day) + steps) if own.business else last_day + steps
