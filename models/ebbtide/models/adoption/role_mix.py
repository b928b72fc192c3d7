"""Role mix: who of a customer is active, key persons, admins or end users [FX]."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

ROLES = ("key_person", "admin", "end_user")
OTHER = "other"
"""People whose role the CRM does not tell, or tells in another word."""


@dataclass(frozen=True, slots=True)
class RoleUse:
    """People of one role: how many are known, how many were active, and their share of all who were active."""

    known: int
    active: int
    share: float | None


def role_mix(people: Iterable[tuple[str | None, Collection[int]]], day: int, width: int) -> dict[str, RoleUse]:
    """Every role's part of the people active in the ``width`` days before ``day``.

    ``people`` gives each person's role and active days. All roles are in the answer; shares add up to 1, or are None
    where nobody was active.
    """
    known = dict.fromkeys((*ROLES, OTHER), 0)
    active = dict(known)
    first = day - width
    for role, days in people:
        name = role if role in ROLES else OTHER
        known[name] += 1
        active[name] += any(first <= at < day for at in days)
    everyone = sum(active.values())
    return {role: RoleUse(known[role], active[role], active[role] / everyone if everyone else None) for role in known}
