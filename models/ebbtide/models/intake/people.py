"""Whom a Segment call is about: the identifiers in it, and the strongest of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from ebbtide.models.identity.identifiers import identifier, strongest
from ebbtide.models.intake.decode import Call
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key
from ebbtide.schemas.raw import RawBehaviour

_Reachable = tuple[str | None, str | None]
_NOWHERE: _Reachable = (None, None)
People = tuple[str | None, str | None, str | None, str | None, str | None, str | None, str | None, str | None]
PEOPLE = (
    IdentifierType.USER_ID,
    IdentifierType.ANONYMOUS_ID,
    IdentifierType.ANONYMOUS_ID,
    IdentifierType.EMAIL,
    IdentifierType.PHONE,
    IdentifierType.EMAIL,
    IdentifierType.PHONE,
    IdentifierType.DEVICE_ID,
)


def people_of(raw: Call | RawBehaviour) -> People:
    """Raw person values of a call, typed by ``PEOPLE``: ids, and e-mail, phone and device where the SDK puts them."""
    email, phone = _reachable(raw.traits) if raw.type == "identify" else _NOWHERE
    context = raw.context
    if context is None:
        return raw.user_id, raw.anonymous_id, raw.previous_id, email, phone, None, None, None
    known_email, known_phone = _reachable(context.traits) if context.traits else _NOWHERE
    device = context.device.get("id") if context.device else None
    if not isinstance(device, str):
        device = None
    return raw.user_id, raw.anonymous_id, raw.previous_id, email, phone, known_email, known_phone, device


def _reachable(traits: dict[str, Any] | None) -> _Reachable:
    if not traits:
        return _NOWHERE
    email, phone = traits.get("email"), traits.get("phone")
    return email if isinstance(email, str) else None, phone if isinstance(phone, str) else None


class Resolved(NamedTuple):
    """Whom a call names: the identifiers of the person, the subject with its key (None, "": nobody), the account."""

    identifiers: list[Identifier]
    subject: Identifier | None
    key: str
    slot: Identifier | None


@lru_cache(maxsize=65_536)
def resolved(tenant: str, account: str | None, *people: str | None) -> Resolved:
    """Whom the values of a call name. A person's calls bring the same values; do not change the list."""
    identifiers = identifiers_of((kind, value) for kind, value in zip(PEOPLE, people, strict=True) if value is not None)
    subject = strongest(identifiers)
    slot = identifier(IdentifierType.GROUP_ID, account) if account else None
    return Resolved(identifiers, subject, "" if subject is None else subject_key(tenant, subject), slot)


def identifiers_of(raw: Iterable[tuple[IdentifierType, str]]) -> list[Identifier]:
    found: list[Identifier] = []
    for kind, value in raw:
        named = identifier(kind, value)
        if named is not None and named not in found:
            found.append(named)
    return found
