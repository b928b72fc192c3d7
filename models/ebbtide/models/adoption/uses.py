"""Use of feature modules by day, readable as of any day."""

from __future__ import annotations

from collections.abc import Mapping

from ebbtide.models.churn.grid import last_observation_day

_WEEK = 7

NO_USE: Mapping[str, int] = {}


def last_monday(day: int) -> int:
    """The newest Monday that is not after ``day``: whole weeks as of ``day`` end there."""
    return last_observation_day(day, _WEEK)


class Uses:
    """Uses of modules by UTC day, as ``{day: {module: count}}``; the mapping is read, not copied.

    A count of nought or less is no use. "As of ``day``" sees days before it only.
    """

    __slots__ = ("_by_day",)

    def __init__(self, by_day: Mapping[int, Mapping[str, int]]) -> None:
        self._by_day = by_day

    def counts(self, day: int, width: int) -> dict[str, int]:
        """Uses of every used module in the ``width`` days before ``day``."""
        total: dict[str, int] = {}
        for at in range(day - width, day):
            for module, count in self._by_day.get(at, NO_USE).items():
                if count > 0:
                    total[module] = total.get(module, 0) + count
        return total

    def weeks(self, day: int, weeks: int) -> dict[str, list[int]]:
        """Uses of every used module in each of the newest whole weeks (Monday to Sunday), oldest first.

        The newest week ends with the Sunday before the last Monday that is not after ``day``.
        """
        start = last_monday(day) - weeks * _WEEK
        total: dict[str, list[int]] = {}
        for week in range(weeks):
            for module, count in self.counts(start + (week + 1) * _WEEK, _WEEK).items():
                total.setdefault(module, [0] * weeks)[week] = count
        return total
