"""CRM facts, however they come: native, as a ``track`` call named after one, as traits of ``group`` and ``identify``.

One event results either way. A ``track`` call whose event is ``deal.won`` or ``Deal Won`` is that fact: its properties
are the fields, the user and the group are the subject, with the identifiers among the properties.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from ebbtide.models.intake.decode import Call, PlainFact
from ebbtide.models.intake.people import PEOPLE, people_of
from ebbtide.models.intake.refusal import RefusedInputError
from ebbtide.models.profile.money import MICROS
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.facts import FACTS, TRAITS_OF, FactError, fitting, read
from ebbtide.schemas.fleet import ChannelSpend, SourceHeartbeat
from ebbtide.schemas.raw import RawBehaviour, RawFact

BEHAVIOUR = "behaviour"
"""Source of calls that name none."""

IN_PROPERTIES = (
    IdentifierType.CRM_CONTACT_ID,
    IdentifierType.CRM_LEAD_ID,
    IdentifierType.GROUP_ID,
    IdentifierType.CRM_ACCOUNT_ID,
    IdentifierType.BILLING_ID,
    IdentifierType.DOMAIN,
)
"""Identifiers that are read among the properties of a fact."""
OF_PEOPLE = (IdentifierType.EMAIL, IdentifierType.PHONE)
"""Those that are read there too where the fact is about a person: an account has addresses as well."""
ABOUT_PEOPLE = ("contact.", "lead.")

_TYPES = {kind.value: kind for kind in IdentifierType}


class Fact(NamedTuple):
    """A fact, whatever it came in: who says it, whom it is about, and its fields as declared."""

    id: str
    type: str
    source: str
    ids: list[tuple[IdentifierType, str]]
    data: dict[str, Any]


def tracked_names(product_events: Iterable[str]) -> dict[str | None, str]:
    """Names of ``track`` calls that are facts, each with its type; ``product_events`` are none."""
    names: dict[str | None, str] = {}
    for kind in FACTS:
        names |= {kind: kind, kind.replace(".", " ").title(): kind}
    for name in product_events:
        names.pop(name, None)
    return names


def native(raw: PlainFact | RawFact) -> Fact:
    """A fact in its own format; its fields were read with it. Raises ``RefusedInputError``."""
    ids: list[tuple[IdentifierType, str]] = []
    for kind, value in raw.ids.items():
        known = _TYPES.get(kind)
        if known is None:
            raise RefusedInputError(DeadLetterReason.INVALID, f"ids.{kind}: no such identifier type")
        ids.append((known, value))
    return Fact(raw.id, raw.type, raw.source, ids, raw.data)


def tracked(raw: Call | RawBehaviour, kind: str, event_id: str) -> Fact:
    """A fact that came as a ``track`` call. Raises ``RefusedInputError``."""
    context, properties = raw.context, dict(raw.properties or {})
    ids = [(named, value) for named, value in zip(PEOPLE, people_of(raw), strict=True) if value is not None]
    group = raw.group_id or (context.group_id if context else None)
    if group:
        ids.append((IdentifierType.GROUP_ID, group))
    for named in (*IN_PROPERTIES, *(OF_PEOPLE if kind.startswith(ABOUT_PEOPLE) else ())):
        value = properties.pop(named, None)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str):
            if named is not IdentifierType.GROUP_ID or not group:
                ids.append((named, value))
        elif value is not None:
            raise RefusedInputError(DeadLetterReason.INVALID, f"properties.{named}: an identifier is text")
    try:
        data = read(kind, properties)
    except FactError as error:
        raise RefusedInputError(DeadLetterReason.INVALID, error.told("properties")) from None
    return Fact(event_id, kind, (context.source if context else None) or BEHAVIOUR, ids, data)


def heartbeat(fact: Fact, tenant: str, occurred_at: datetime) -> SourceHeartbeat:
    """A heartbeat; the source is the sender where it names no other."""
    return SourceHeartbeat(
        tenant=tenant,
        source=fact.data.get("source", fact.source),
        occurred_at=occurred_at,
        interval_seconds=fact.data["expected_interval_seconds"],
    )


def spend(fact: Fact, tenant: str, occurred_at: datetime) -> ChannelSpend:
    """What a channel cost; in US dollars where no currency is named."""
    data = fact.data
    return ChannelSpend(
        tenant=tenant,
        spend_id=fact.id,
        occurred_at=occurred_at,
        channel=data["channel"],
        keyword=data.get("keyword") or "",
        amount_micros=round(data["amount"] * MICROS),
        clicks=data.get("clicks", 0),
        currency=data.get("currency", "USD"),
    )


def traits(call: str, given: dict[str, Any] | None) -> dict[str, Any]:
    """Traits of a call as its event keeps them."""
    if not given:
        return {}
    kind = TRAITS_OF.get(call)
    return given if kind is None else fitting(kind, given)
