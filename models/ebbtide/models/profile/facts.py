"""CRM facts and traits as profile content: last-writer-wins traits, and what they tell of membership (signals §1)."""

from __future__ import annotations

from math import isfinite
from typing import Any

from ebbtide.schemas.events import Event
from ebbtide.schemas.facts import TRAITS_OF
from ebbtide.schemas.identity import MembershipKind

_INT64 = 2**63

ATTRIBUTES, PERSON_ATTRIBUTES = "attributes", "person_attributes"
"""Traits that hold the vendor's own facts of an account and of a person: all of them, as they were told together."""

TRAITS: dict[str, dict[str, str]] = {
    "account.upserted": {
        "name": "name",
        "industry": "industry",
        "tier": "service_tier",
        "owner": "owner",
        "region": "region",
        "seats": "seats",
        "employees": "employees",
        "parent": "parent",
        "plan": "plan",
        "mrr": "mrr",
        "currency": "currency",
        "attributes": ATTRIBUTES,
    },
    "contract.signed": {
        "start": "contract_start",
        "end": "contract_end",
        "value": "contract_value",
        "currency": "currency",
    },
    "contact.upserted": {"role": "role", "name": "person_name", "title": "title", "attributes": PERSON_ATTRIBUTES},
    "lead.upserted": {
        "owner": "owner",
        "name": "person_name",
        "status": "lead_status",
        "channel": "channel",
        "keyword": "keyword",
        "trial_start": "trial_start",
        "attributes": PERSON_ATTRIBUTES,
    },
}
"""By type of event: its field, as ``ebbtide.schemas.facts`` names it, and the trait that it sets."""
TRAITS |= {call: TRAITS[kind] for call, kind in TRAITS_OF.items()}

NAMING = frozenset(kind for kind, wanted in TRAITS.items() if wanted.get("name") == "name")
"""Types of events whose ``name`` is that of the account."""

MEMBERSHIP = {"contact.left": MembershipKind.LEFT, "contact.upserted": MembershipKind.BACK}
"""Facts that tell when a person is in an account; all others that name one tell that it was seen there."""


def traits_of(event: Event) -> dict[str, Any]:
    """Traits that the event sets. A null value sets nothing: CRMs send every column."""
    wanted = TRAITS.get(event.type)
    if wanted is None:
        return {}
    found: dict[str, Any] = {}
    for field, value in event.properties.items():
        name = wanted.get(field)
        if name is not None and value is not None:
            found[name] = storable(value)
    return found


def storable(value: Any) -> Any:
    """A JSON value as the state tables can keep it: numbers beyond 64 bits become floats, else null."""
    if isinstance(value, dict):
        return {key: storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        try:
            return float(value)
        except OverflowError:
            return None
    return value if not isinstance(value, float) or isfinite(value) else None
