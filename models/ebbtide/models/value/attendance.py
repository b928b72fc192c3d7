"""What one customer tells about trainings: its change of weekly use around a week, trained or not [KJ]."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ebbtide.models.adoption.uses import last_monday
from ebbtide.models.policy import TrainingPolicy
from ebbtide.models.value.first_touch import DatedFact
from ebbtide.models.value.moments import NONE, Moments, moments
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.profile_state import MACHINE

UNTRAINED = ""
UNNAMED = "unknown"
"""Trainer of a training that names none."""

UNIT = 1_000
"""Changes are whole thousandths of a use per week: sums are exact, and squares stay far from 2^63."""

_WEEK = 7


@dataclass(frozen=True, slots=True)
class Attendance:
    """A customer attended a training of a feature's module on a day."""

    module: str
    trainer: str
    day: int


def attendances(facts: Iterable[DatedFact]) -> list[Attendance]:
    """The trainings among a customer's facts: touchpoints of kind `training` that name a feature."""
    return [
        Attendance(feature, trainer if isinstance(trainer := data.get("trainer"), str) else "", at // DAY_MS)
        for kind, at, data in facts
        if kind == "touchpoint" and data.get("kind") == "training" and isinstance(feature := data.get("feature"), str)
    ]


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Customers that belong together: first day of the week of the training, module, and trainer (or none)."""

    week: int
    module: str
    trainer: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of weekly use of the module, and of the module less the mean of the untrained ones. They add up."""

    own: Moments = NONE
    relative: Moments = NONE

    def __add__(self, other: Changes) -> Changes:
        return Changes(self.own + other.own, self.relative + other.relative)


@dataclass(frozen=True, slots=True)
class Around:
    """Uses of modules by people in the weeks compared: before and after the ``week`` of the training."""

    week: int
    before: Mapping[str, int]
    after: Mapping[str, int]


def compared_week(day: int, policy: TrainingPolicy) -> int:
    """First day of the week whose trainings are looked at as of ``day``: whole weeks lie between it and the last
    Monday."""
    return last_monday(day) - (policy.weeks + 1) * _WEEK


def around(uses: Iterable[Mapping[int, Mapping[str, int]]], day: int, policy: TrainingPolicy) -> Around:
    """Adds up uses, ``{day: {module: count}}``, of one user or several, over the weeks compared as of ``day``.

    Uses of older days may be added up by weeks, under their Mondays.
    """
    week, span = compared_week(day, policy), policy.weeks * _WEEK
    first, following, end = week - span, week + _WEEK, week + _WEEK + span
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    for by_day in uses:
        for at, modules in by_day.items():
            if first <= at < week:
                side = before
            elif following <= at < end:
                side = after
            else:
                continue
            for module, count in modules.items():
                side[module] = side.get(module, 0) + count
    before.pop(MACHINE, None)
    return Around(week, before, after)


def changes(
    used: Around,
    first_day: int,
    attended: Iterable[Attendance],
    modules: Collection[str],
    day: int,
    policy: TrainingPolicy,
    *,
    untrained_in: Collection[str] | None = None,
) -> dict[Group, Changes]:
    """One customer's changes around the week that lies ``policy.weeks`` whole weeks before the last Monday.

    ``modules`` are all that may be trained; ``first_day`` is the customer's first active day, and who is newer than the
    weeks compared, or used nothing in those before, tells nothing. For a module the customer is trained if it attended
    in that week for the first time (by the first trainer, if there were several), untrained if it never attended before
    ``day``; else it tells nothing. So it is counted as trained in a module once in its life. To be asked once a week.
    ``untrained_in``: as an untrained one it is wanted for these modules alone.
    """
    week = used.week
    if first_day > week - policy.weeks * _WEEK or not any(used.before.values()):
        return {}
    first: dict[str, tuple[int, str]] = {}
    for at, trainer, module in sorted((a.day, a.trainer or UNNAMED, a.module) for a in attended if a.day < day):
        first.setdefault(module, (at, trainer))
    before, after, span, most = used.before, used.after, policy.weeks, policy.max_change * UNIT
    # Mean weekly use after less before, thousandths.
    change = {
        module: max(-most, min(most, round((after.get(module, 0) - before.get(module, 0)) * UNIT / span)))
        for module in sorted(set(modules))
    }
    untrained = [module for module in change if module not in first]
    wanted = modules if untrained_in is None else untrained_in
    rest_of_all = sum(change[module] for module in untrained)
    found: dict[Group, Changes] = {}
    for module, own in change.items():
        at, trainer = first.get(module, (week, UNTRAINED))
        if not week <= at < week + _WEEK or (module not in first and module not in wanted):
            continue
        # The module itself is no untrained one beside itself.
        rest, count = rest_of_all, len(untrained)
        if module not in first:
            rest, count = rest - own, count - 1
        found[Group(week, module, trainer)] = Changes(
            moments(own), moments(own - round(rest / count)) if count else NONE
        )
    return found


def merged(parts: Iterable[Mapping[Group, Changes]]) -> dict[Group, Changes]:
    """Changes of several customers or partitions in one. Their order does not matter."""
    total: dict[Group, Changes] = {}
    for part in parts:
        for group, one in part.items():
            total[group] = total.get(group, Changes()) + one
    return total
