"""People of a customer by role: who was active last, and which key persons left (signals §1, §6)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ebbtide.models.standing.history import History

LEFT = "contact.left"

WATCHED_DAYS = 49
"""A key person whose last active day lies further back carries nothing any more."""

Roles = Mapping[str, tuple[str, int | None]]
"""By profile id: role, and last active day before the grid day (None: never active)."""


class Role(StrEnum):
    """What a contact is to the vendor (signals §1)."""

    KEY_PERSON = "key_person"
    ADMIN = "admin"
    END_USER = "end_user"


def left_key_persons(history: History, roles: Roles, day: int, within_days: int) -> dict[str, int]:
    """Key persons who left in the ``within_days`` days before grid day ``day``, with the day of it.

    The fact's own ``role`` decides, else the person's. Who was active after that day came back and is left out.
    A fact that names nobody counts as one person.
    """
    found: dict[str, int] = {}
    for fact in history.before(day, LEFT, since_day=day - within_days):
        person = fact.person
        role, last_day = roles.get(person, ("", None))
        if (fact.text("role") or role) == Role.KEY_PERSON and (last_day is None or last_day <= fact.day):
            found[person] = fact.day
    return found


def last_active_day(roles: Roles, role: Role) -> int | None:
    """The last active day of anybody in a role; None where nobody in it ever was."""
    return max([day for own, day in roles.values() if own == role and day is not None], default=None)
