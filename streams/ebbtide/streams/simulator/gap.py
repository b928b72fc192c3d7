"""The usual gap between a user's active days, as its habit implies it: what a silence is measured against."""

from __future__ import annotations

from collections.abc import Sequence

from ebbtide.streams.simulator.behaviour import FREQUENCY_POWER, MOST_CHANCE
from ebbtide.streams.simulator.people import PATTERN_DAYS, Person

_SATURDAYS_AND_SUNDAYS = frozenset({5, 6, 12, 13})
_CALENDAR_PER_WORKDAY = 7 / 5
# Who comes at weekends under a quarter as often as on a workday rests there: see ``people.WEEKEND_FACTOR``.
_REST = 0.25


def works_weekdays_only(person: Person) -> bool:
    """Whether the user hardly ever works at weekends."""
    weekend = sum(person.pattern[day] for day in _SATURDAYS_AND_SUNDAYS) / len(_SATURDAYS_AND_SUNDAYS)
    workday = (sum(person.pattern) - weekend * len(_SATURDAYS_AND_SUNDAYS)) / (
        PATTERN_DAYS - len(_SATURDAYS_AND_SUNDAYS)
    )
    return weekend < _REST * workday


def gap_days(person: Person, level: float) -> float:
    """Median gap between active days, calendar days; ``level`` is how active its account is against a plain one.

    Of somebody who works on weekdays only the gap is the median in business days times 7/5, as a cadence is told.
    """
    weekdays_only = works_weekdays_only(person)
    kept = [day for day in range(PATTERN_DAYS) if not (weekdays_only and day in _SATURDAYS_AND_SUNDAYS)]
    chances = [min(MOST_CHANCE, person.pattern[day] * level**FREQUENCY_POWER) for day in kept]
    return _median_gap(chances) * (_CALENDAR_PER_WORKDAY if weekdays_only else 1.0)


def _median_gap(chances: Sequence[float]) -> int:
    """The smallest gap that at least half of all gaps do not exceed; ``chances`` repeat, one for each day.

    A gap begins on each day as often as that day is active.
    """
    still = list(chances)
    half = sum(chances) / 2
    gap, closed = 0, 0.0
    while closed < half:
        gap += 1
        for day, open_share in enumerate(still):
            closes = open_share * chances[(day + gap) % len(chances)]
            closed += closes
            still[day] = open_share - closes
    return gap
