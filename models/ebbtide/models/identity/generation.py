"""Generations of a tenant: its clustering under one policy, numbered from 1 (identity §1).

Another policy moves people and their history, so it holds from a record of the log on, never because a worker started
with other settings.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import NamedTuple

import msgspec
from pydantic import ValidationError

from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import IdentityRebuild, IdentityRules

LAYOUT = b"\x01"
_NAMES = [field.name for field in fields(IdentityRules)]
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[int, int, bytes]).decode


class Generation(NamedTuple):
    """What a tenant is clustered under, and since which epoch; 0 for the first."""

    number: int
    epoch: int
    rules: IdentityRules


class RuleChange(NamedTuple):
    """A setting that differs, ``limits.user_id``, with both values as text; None where one side has none."""

    setting: str
    old: str | None
    new: str | None


def rules_of(policy: IdentityPolicy) -> IdentityRules:
    """The policy as records carry it: equal for policies that cluster alike."""
    return IdentityRules(
        limits=dict(sorted(policy.limits.items())),
        max_owners=dict(sorted(policy.max_owners.items())),
        limit_decided=policy.limit_decided,
        ranks=list(policy.ranks),
        blocked=sorted({value.strip().lower() for value in policy.blocked}),
        soft_size=policy.soft_size,
        hard_size=policy.hard_size,
        rename_share=policy.rename_share,
    )


def policy_of(rules: IdentityRules) -> IdentityPolicy:
    """The policy of a record. Raises ``ValueError`` on one that cannot be."""
    try:
        return IdentityPolicy.model_validate({name: getattr(rules, name) for name in _NAMES})
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def first(rules: IdentityRules) -> Generation:
    """The generation that a tenant begins with."""
    return Generation(1, 0, rules)


def following(known: Generation, record: IdentityRebuild, epoch: int) -> Generation:
    """The generation that a switch makes. Raises ``ValueError`` if it is not the next one, or its policy cannot be.

    Of two people who switch at once the second is refused: what moves would not be what was shown to them.
    """
    if record.generation != known.number + 1:
        raise ValueError(f"generation {record.generation} does not follow generation {known.number}, which is in force")
    return Generation(record.generation, epoch, rules_of(policy_of(record.rules)))


def rule_changes(old: IdentityRules, new: IdentityRules) -> list[RuleChange]:
    """The settings that differ, sorted by name; limits are compared by type, blocked values one by one."""
    before, after = _flat(old), _flat(new)
    return [
        RuleChange(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def generation_value(generation: Generation) -> bytes:
    """The stored form."""
    return LAYOUT + _pack((generation.number, generation.epoch, generation.rules.to_json()))


def stored_generation(value: bytes) -> Generation:
    """A generation from its stored form. Raises ``ValueError`` on a layout that this version does not know."""
    if value[:1] != LAYOUT:
        raise ValueError(f"generation layout {value[:1]!r} is unknown; this version reads {LAYOUT!r}")
    number, epoch, rules = _unpack(value[1:])
    return Generation(number, epoch, _rules(rules))


@lru_cache(maxsize=256)
def _rules(text: bytes) -> IdentityRules:
    """Tenants of a deployment mostly have the same: one value for all of them."""
    return IdentityRules.from_json(text)


def _flat(rules: IdentityRules) -> dict[str, str]:
    return {
        **{f"limits.{kind}": str(most) for kind, most in rules.limits.items()},
        **{f"max_owners.{kind}": str(most) for kind, most in rules.max_owners.items()},
        "limit_decided": str(rules.limit_decided).lower(),
        "ranks": " ".join(rules.ranks),
        **{f"blocked.{value}": "yes" for value in rules.blocked},
        "soft_size": str(rules.soft_size),
        "hard_size": str(rules.hard_size),
        "rename_share": str(rules.rename_share),
    }
