"""A CRM fact before delivery, and the words every fact of an account or person shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.book import Account
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.contract import Term
from ebbtide.streams.simulator.people import Person


@dataclass(frozen=True)
class Fact:
    """One native fact. ``at_ms`` is when it occurred."""

    at_ms: int
    type: str
    source: str
    ids: dict[str, str]
    data: dict[str, Any]


def timestamp(ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 UTC."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1000:03d}Z"


def midnight(config: BookConfig, day: int) -> str:
    """The start of a day as RFC 3339 UTC, for contract dates and due dates."""
    return timestamp(config.start_ms + day * DAY_MS)


def account_ids(account: Account) -> dict[str, str]:
    """Identifiers of an account; a free-mail domain is none."""
    ids = {"group_id": account.group_id, "crm_account_id": account.crm_account_id}
    if account.domain.endswith(".example"):
        ids["domain"] = account.domain
    return ids


def contact_ids(account: Account, person: Person) -> dict[str, str]:
    """Identifiers of a contact and of its account."""
    return {
        "crm_contact_id": person.contact_id,
        "email": person.email,
        "user_id": person.user_id,
        "group_id": account.group_id,
        "crm_account_id": account.crm_account_id,
    }


def lead_ids(account: Account) -> dict[str, str]:
    """Identifiers of a lead: its first person by e-mail, no account yet."""
    assert account.lead is not None
    ids = {"crm_lead_id": account.lead.lead_id, "email": account.people[0].email}
    if account.domain.endswith(".example"):
        ids["domain"] = account.domain
    return ids


def account_data(account: Account, name: str, term: Term) -> dict[str, Any]:
    """Fields of ``account.upserted`` (signals §1), with the seats and monthly revenue of a term."""
    return {
        "name": name,
        "industry": account.industry,
        "tier": account.tier,
        "owner": account.csm,
        "region": account.region.name,
        "seats": term.seats,
        "plan": account.plan.name,
        "mrr": round(term.value / (term.ends - term.starts) * 30.4, 2),
        "currency": "USD",
    }


def contact_data(person: Person) -> dict[str, Any]:
    """Fields of ``contact.upserted``."""
    return {"name": person.name, "email": person.email, "role": person.role}
