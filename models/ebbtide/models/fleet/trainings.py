"""What all customers told about trainings, week by week, and the effect that follows from the newest weeks [KJ]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from ebbtide.models.policy import TrainingPolicy
from ebbtide.models.value.attendance import UNTRAINED, Changes, Group, merged
from ebbtide.models.value.moments import Moments
from ebbtide.models.value.training import Effect, training_effect
from ebbtide.schemas.fleet import EffectStats, TrainingStats

TRAINING_KEY = b"training/"

TRAINERS = 50
"""So many are told, those who trained most."""

_WEEK = 7


class Told(NamedTuple):
    """At which instant which tenant's customers told of trainings."""

    tenant: str
    day: int


class TrainingBook:
    """Changes by instant: what was told of an instant replaces what was told of it before. Kept in table values."""

    def __init__(self) -> None:
        self._groups: dict[Told, dict[Group, Changes]] = {}
        self._changed: set[Told] = set()

    def restore(self, key: bytes, value: bytes) -> None:
        """Take up a stored instant."""
        told = msgspec.json.decode(key.removeprefix(TRAINING_KEY), type=Told)
        rows = msgspec.json.decode(value, type=list[tuple[int, str, str, list[int], list[int]]])
        self._groups[told] = {
            Group(week, module, trainer): Changes(Moments(*own), Moments(*relative))
            for week, module, trainer, own, relative in rows
        }

    def put(self, tenant: str, day: int, groups: Mapping[Group, Changes]) -> None:
        """Take in all of an instant. Untrained customers are kept where there are trained ones to compare with."""
        trained = {(group.week, group.module) for group in groups if group.trainer != UNTRAINED}
        kept = {group: groups[group] for group in sorted(groups) if (group.week, group.module) in trained}
        if kept:
            told = Told(tenant, day)
            self._groups[told] = kept
            self._changed.add(told)

    def groups(self, tenant: str, day: int, weeks: int) -> dict[Group, Changes]:
        """All groups that were told in the ``weeks`` up to and including the instant ``day``."""
        first = day - weeks * _WEEK
        return merged(
            found for told, found in self._groups.items() if told.tenant == tenant and first < told.day <= day
        )

    def forget(self, through: int) -> None:
        """Drop what was told up to and including the instant ``through``."""
        old = [told for told in self._groups if told.day <= through]
        self._changed.update(old)
        for told in old:
            del self._groups[told]

    def take_writes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Table values since the last time."""
        changed, self._changed = self._changed, set()
        for told in sorted(changed):
            known = self._groups.get(told)
            yield TRAINING_KEY + msgspec.json.encode(told), None if known is None else _encode(known)


def _encode(groups: Mapping[Group, Changes]) -> bytes:
    return msgspec.json.encode(
        [
            (group.week, group.module, group.trainer, _numbers(changes.own), _numbers(changes.relative))
            for group, changes in groups.items()
        ]
    )


def _numbers(moments: Moments) -> tuple[int, int, int]:
    return moments.n, moments.total, moments.squares


def training_stats(groups: Mapping[Group, Changes], policy: TrainingPolicy) -> list[TrainingStats]:
    """The effect of all trainings, then of each module's, then of each trainer's, in the order of their names.

    Of modules and trainers those with most trained customers are told. Empty without a training.
    """
    modules: dict[str, int] = {}
    trainers: dict[str, int] = {}
    for group, changes in groups.items():
        if group.trainer != UNTRAINED:
            modules[group.module] = modules.get(group.module, 0) + changes.own.n
            trainers[group.trainer] = trainers.get(group.trainer, 0) + changes.own.n
    if not modules:
        return []
    return [
        _row(groups, sum(modules.values()), policy),
        *(_row(groups, modules[name], policy, module=name) for name in _most(modules, policy.max_modules)),
        *(_row(groups, trainers[name], policy, trainer=name) for name in _most(trainers, TRAINERS)),
    ]


def _most(counts: Mapping[str, int], most: int) -> list[str]:
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:most])


def _row(
    groups: Mapping[Group, Changes],
    trained: int,
    policy: TrainingPolicy,
    *,
    module: str | None = None,
    trainer: str | None = None,
) -> TrainingStats:
    found = training_effect(groups, policy, module=module, trainer=trainer)
    return TrainingStats(
        module=module,
        trainer=trainer,
        trained=trained,
        against_customers=_effect(found.against_customers),
        against_features=_effect(found.against_features),
        against_both=_effect(found.against_both),
    )


def _effect(found: Effect | None) -> EffectStats | None:
    if found is None:
        return None
    return EffectStats(
        uses=found.uses,
        low=found.low,
        high=found.high,
        trained=found.trained,
        untrained=found.untrained,
        proven=found.proven,
    )
