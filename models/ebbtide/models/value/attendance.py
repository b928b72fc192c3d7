"""What one customer tells about trainings: its change of weekly use around a week, trained or not [KJ]."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ebbtide.models.adoption.uses import Uses, last_monday
from ebbtide.models.policy import TrainingPolicy
from ebbtide.models.value.first_touch import DatedFact
from ebbtide.models.value.moments import NONE, Moments, moments

UNTRAINED = ""
UNNAMED = "unknown"
"""Trainer of a training that names none."""

UNIT = 1_000
"""Changes are whole thousandths of a use per week: sums are exact, and squares stay far from 2^63."""

_WEEK = 7
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Attendance:
    """A customer attended a training of a feature's module on a day."""

    module: str
    trainer: str
    day: int


def attendances(facts: Iterable[DatedFact]) -> list[Attendance]:
    """The trainings among a customer's facts: touchpoints of kind `training` that name a feature."""
    return [
        Attendance(feature, trainer if isinstance(trainer := data.get("trainer"), str) else "", at // _DAY_MS)
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


def changes(
    uses: Uses,
    first_day: int,
    attended: Iterable[Attendance],
    modules: Collection[str],
    day: int,
    policy: TrainingPolicy,
) -> dict[Group, Changes]:
    """One customer's changes around the week that lies ``policy.weeks`` whole weeks before the last Monday.

    ``modules`` are all that may be trained; ``first_day`` is the customer's first active day, and who is newer than the
    weeks compared, or used nothing in those before, tells nothing. For a module the customer is trained if it attended
    in that week for the first time (by the first trainer, if there were several), untrained if it never attended before
    ``day``; else it tells nothing. So it is counted as trained in a module once in its life. To be asked once a week.
    """
    span = policy.weeks
    monday = last_monday(day)
    week = monday - (span + 1) * _WEEK
    weeks = uses.weeks(day, 2 * span + 1)
    if first_day > week - span * _WEEK or not any(any(counts[:span]) for counts in weeks.values()):
        return {}
    first: dict[str, tuple[int, str]] = {}
    for at, trainer, module in sorted((a.day, a.trainer or UNNAMED, a.module) for a in attended if a.day < day):
        first.setdefault(module, (at, trainer))
    untrained = sorted(set(modules) - first.keys())
    other = [_change(weeks.get(module, ()), span, policy) for module in untrained]
    found: dict[Group, Changes] = {}
    for module in sorted(set(modules)):
        at, trainer = first.get(module, (week, UNTRAINED))
        if not week <= at < week + _WEEK:
            continue
        own = _change(weeks.get(module, ()), span, policy)
        # The module itself is no untrained one beside itself.
        rest, count = sum(other), len(other)
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


def _change(weeks: Sequence[int], span: int, policy: TrainingPolicy) -> int:
    """Mean weekly use after less before, thousandths. The week of the training itself is left out."""
    change = round((sum(weeks[span + 1 :]) - sum(weeks[:span])) * UNIT / span)
    most = policy.max_change * UNIT
    return max(-most, min(most, change))
