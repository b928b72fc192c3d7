"""Persons and accounts as they stand at the end of a replay, a row each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from ebbtide.models.customer.view import trait_values
from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.profile.profile import NO_ACCOUNT, Profile
from ebbtide.schemas.profile_state import Trait

Row = dict[str, Any]


def persons(pipeline: Pipeline) -> Iterator[Row]:
    """Everybody who did anything, with all their identifiers and source profiles."""
    profiles: dict[tuple[str, str], list[Profile]] = defaultdict(list)
    for profile in pipeline.profiles.profiles:
        if profile.is_person and profile.slots:
            profiles[profile.tenant, profile.anchor or profile.subject].append(profile)
    for (tenant, anchor), found in sorted(profiles.items()):
        graph = pipeline.identity.graphs.get(tenant)
        identifiers = [anchor] if graph is None else graph.members(anchor)
        found.sort(key=attrgetter("subject"))
        yield {
            "person_id": canonical_id(tenant, identifier_of(anchor)),
            "identifiers": [_identifier(key) for key in identifiers],
            "customers": sorted({slot.owner for profile in found for slot in profile.slots.values() if slot.owner}),
            "events": sum(slot.accepted for profile in found for slot in profile.slots.values()),
            "profiles": [
                {
                    "profile_id": profile.subject,
                    "events": slot.accepted,
                    "account": None if account == NO_ACCOUNT else account,
                }
                for profile in found
                for account, slot in sorted(profile.slots.items())
            ],
        }


def accounts(pipeline: Pipeline, members: dict[str, set[str]]) -> Iterator[Row]:
    """Every account that anything counts for, with its identifiers, its names over time, and its ``members``.

    These are person ids by customer id.
    """
    for customer_id, customer in sorted(pipeline.customers.customers.items()):
        if not customer.is_account or customer.is_vacant:
            continue
        graph = pipeline.identity.graphs.get(customer.tenant)
        anchor = f"{customer.anchor_type}/{customer.anchor_value}"
        yield {
            "customer_id": customer_id,
            "identifiers": [_identifier(key) for key in ([anchor] if graph is None else graph.members(anchor))],
            "names": _names(trait_values(customer, "name")),
            "members": sorted(members.get(customer_id, ())),
        }


def _identifier(key: str) -> Row:
    named = identifier_of(key)
    return {"type": named.type, "value": named.value}


def _names(values: list[Trait]) -> list[Row]:
    """Name history: a row for each change."""
    rows: list[Row] = []
    for name, at_ms, _, _ in values:
        if rows and rows[-1]["name"] == name:
            continue
        if rows:
            rows[-1]["valid_to"] = _iso(at_ms)
        rows.append({"name": name, "valid_from": _iso(at_ms), "valid_to": None})
    return rows


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
