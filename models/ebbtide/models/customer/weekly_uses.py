"""Uses of modules: of the newest days one by one, of those before by whole weeks.

An older week stands under its Monday. Whoever reads uses sees them so whether they are kept so or not; therefore what
is told does not depend on when they were added up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from ebbtide.models.adoption.uses import last_monday
from ebbtide.models.profile.modules import MOST_MODULES, OTHER
from ebbtide.models.profile.profile import USE_DAYS
from ebbtide.schemas.profile_state import MACHINE

ByDay = dict[int, dict[str, int]]


def whole_from(day: int, use_days: int) -> int:
    """The Monday from which the uses of every day count by themselves, as of ``day``."""
    return last_monday(day - use_days)


def kept_from(day: int) -> int:
    """The Monday from which uses are known at all, as of ``day``."""
    return last_monday(day) - USE_DAYS


def by_weeks(uses: ByDay, day: int, use_days: int) -> ByDay:
    """Uses as of ``day``: by day for the newest ``use_days`` and back to a Monday, by week before, for nine weeks.

    Doing it twice, or as of an earlier day before, changes nothing. The days' own counts are shared, not copied.
    """
    whole, first = whole_from(day, use_days), kept_from(day)
    days = sorted(uses)
    newest = bisect_left(days, whole)
    weeks: dict[int, list[dict[str, int]]] = {}
    for used in days[bisect_left(days, first) : newest]:
        weeks.setdefault(last_monday(used), []).append(uses[used])
    found = {monday: _week(told) for monday, told in weeks.items()}
    found.update([(used, uses[used]) for used in days[newest:]])
    return found


def add_uses(uses: ByDay, day: int, modules: Mapping[str, int]) -> None:
    """Add counts of modules to those of a day."""
    known = uses.get(day)
    if known is None:
        uses[day] = dict(modules)
        return
    for module, times in modules.items():
        known[module] = known.get(module, 0) + times


def _week(days: list[dict[str, int]]) -> dict[str, int]:
    """Uses of a week: of the modules that were used most; a producer that makes up names must not fill the memory."""
    if len(days) == 1 and len(days[0]) <= MOST_MODULES:
        # Mostly it was added up before.
        return days[0]
    total: ByDay = {}
    for modules in days:
        add_uses(total, 0, modules)
    week = total[0]
    own = week.keys() - {OTHER, MACHINE}
    if len(own) > MOST_MODULES:
        for module in sorted(own, key=lambda name: (-week[name], name))[MOST_MODULES:]:
            week[OTHER] = week.get(OTHER, 0) + week.pop(module)
    return week
