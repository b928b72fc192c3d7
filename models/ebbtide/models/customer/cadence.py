"""A customer's own rhythm, and how long it has been silent against it (signals §4)."""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from operator import sub
from typing import NamedTuple

from ebbtide.models.customer.series import DaySeries, median
from ebbtide.models.policy import CadencePolicy

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0.
_SATURDAY, _SUNDAY = 5, 6
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


def workdays_before(day: int) -> int:
    """Monday-to-Friday days since the week of the epoch, before ``day``."""
    weeks, weekday = divmod(day + _EPOCH_WEEKDAY, _WEEK)
    return weeks * _WORKDAYS + min(weekday, _WORKDAYS)


def day_after_workdays(count: int) -> int:
    """The first day before which ``count`` business days lie: the inverse of ``workdays_before``."""
    weeks, weekday = divmod(count - 1, _WORKDAYS)
    return weeks * _WEEK + weekday - _EPOCH_WEEKDAY + 1


def cadence(series: DaySeries, day: int, policy: CadencePolicy) -> Cadence:
    """Cadence as of ``day``: the median of the newest gaps, or the prior until enough are seen."""
    end = series.count_before(day)
    return cadence_of(series.days[max(0, end - policy.max_gaps - 1) : end], policy)


def cadence_of(recent: list[int], policy: CadencePolicy) -> Cadence:
    """Cadence of who was active on the days ``recent``, ascending."""
    if len(recent) <= policy.min_gaps:
        return Cadence(policy.prior_days, business=False)
    weekdays = [(active + _EPOCH_WEEKDAY) % _WEEK for active in recent]
    sundays = weekdays.count(_SUNDAY)
    business = _rests_at_weekends(len(recent), weekdays.count(_SATURDAY) + sundays, policy.weekend_rate)
    if business:
        # ``workdays_before``, less a constant: over fifty days a third of its cost.
        recent = [active - 2 * ((active + _EPOCH_WEEKDAY) // _WEEK) for active in recent]
        if sundays:
            recent = [active - (weekday == _SUNDAY) for active, weekday in zip(recent, weekdays, strict=True)]
    return Cadence(median(list(map(sub, recent[1:], recent))), business)


def _rests_at_weekends(days: int, weekend: int, rate: float) -> bool:
    """Whether a day of the weekend is active less than ``rate`` times as often as a workday, or never."""
    return not weekend or weekend / (_WEEK - _WORKDAYS) < rate * (days - weekend) / _WORKDAYS


def length(first: int, end: int, own: Cadence) -> int:
    """Number of days from ``first`` to before ``end``, in the cadence's days."""
    return workdays_before(end) - workdays_before(first) if own.business else end - first


def asleep_after(own: Cadence, policy: CadencePolicy) -> float:
    """Silence, in the cadence's days, from which the customer is asleep."""
    return max(policy.min_asleep_days, policy.asleep_gaps * own.gap)


def left_after(own: Cadence, policy: CadencePolicy) -> float:
    """Silence, in the cadence's days, from which the customer has left. Never before it is asleep."""
    return max(asleep_after(own, policy), policy.left_gaps * own.gap)


def silence(last_day: int, day: int, own: Cadence) -> int:
    """Days from the last active day to the grid instant ``day``, in the cadence's days."""
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
