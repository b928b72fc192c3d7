"""Days of the week, and business days, Monday to Friday, counted since the week of the epoch."""

from __future__ import annotations

_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday; Monday is 0.
_WORKDAYS = 5
_WEEK = 7


def weekday_of(day: int) -> int:
    """Day of the week, 0 is Monday."""
    return (day + _EPOCH_WEEKDAY) % _WEEK


def workdays_before(day: int) -> int:
    """Monday-to-Friday days since the week of the epoch, before ``day``."""
    weeks, weekday = divmod(day + _EPOCH_WEEKDAY, _WEEK)
    return weeks * _WORKDAYS + min(weekday, _WORKDAYS)


def day_after_workdays(count: int) -> int:
    """The first day before which ``count`` business days lie: the inverse of ``workdays_before``."""
    weeks, weekday = divmod(count - 1, _WORKDAYS)
    return weeks * _WEEK + weekday - _EPOCH_WEEKDAY + 1


def is_weekend(day: int) -> bool:
    """Whether it is a Saturday or a Sunday."""
    return weekday_of(day) >= _WORKDAYS
