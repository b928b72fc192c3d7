"""Which feature modules a customer uses, by week (signals §3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ebbtide.models.adoption.uses import last_monday
from ebbtide.models.portrait.dates import date_of
from ebbtide.models.profile.profile import USE_DAYS
from ebbtide.schemas.profile_state import MACHINE

RECENT_DAYS = 28
WEEKS = USE_DAYS // 7
_WEEK = 7


@dataclass(frozen=True, slots=True)
class ModuleUse:
    """Use of one module: in the last 28 days, and by calendar week, oldest first; the last week may be under way."""

    module: str
    uses_28d: int
    weekly: list[int]


@dataclass(frozen=True, slots=True)
class ModulesUsed:
    """``used`` in the last 28 days, most first; ``dropped`` were used in the weeks before only.

    ``machine`` is use by API keys and integrations.

    ``first_week`` is the Monday of the oldest week.
    """

    first_week: date
    used: list[ModuleUse]
    dropped: list[ModuleUse]
    machine: ModuleUse | None


def modules_used(uses: Mapping[int, Mapping[str, int]], day: int) -> ModulesUsed:
    """Modules as of grid instant ``day``; ``uses`` as ``View.uses`` tells them."""
    first_week = last_monday(day - 1) - _WEEK * (WEEKS - 1)
    weekly: dict[str, list[int]] = defaultdict(lambda: [0] * WEEKS)
    recent: dict[str, int] = defaultdict(int)
    for used_on, modules in uses.items():
        if first_week <= used_on < day:
            for module, times in modules.items():
                weekly[module][(used_on - first_week) // _WEEK] += times
                # Older uses lie under the Monday of their week; these weeks are kept day by day.
                if used_on >= day - RECENT_DAYS:
                    recent[module] += times
    found = [ModuleUse(module, recent[module], row) for module, row in weekly.items()]
    found.sort(key=lambda use: (-use.uses_28d, -sum(use.weekly), use.module))
    people = [use for use in found if use.module != MACHINE]
    return ModulesUsed(
        date_of(first_week),
        used=[use for use in people if use.uses_28d],
        dropped=[use for use in people if not use.uses_28d],
        machine=next((use for use in found if use.module == MACHINE), None),
    )
