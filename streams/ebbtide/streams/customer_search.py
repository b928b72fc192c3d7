"""Which customer somebody means: by id, by an identifier, by a name or a bare value."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.events import Identifier, subject_key
from ebbtide.schemas.identity import IdentityAssignment
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TICK_KEY
from ebbtide.streams.customer_states import StoredCustomer, read_customers
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import Progress, read_topic, unseen


@dataclass(frozen=True, slots=True)
class Found:
    """Customers that may be meant, each with why; where it is one, ``also`` are other customers that the person acts
    for."""

    customers: list[tuple[StoredCustomer, str]]
    also: list[str] = field(default_factory=list)


def find_by_id(settings: Settings, tenant: str, customer_id: str, progress: Progress = unseen) -> Found:
    """The customer of an id. Of one for which nothing counts any more, or a person's: whoever has what it did."""
    stored = read_customers(settings, [customer_id], progress).get(customer_id)
    if stored is not None and stored.customer.tenant == tenant:
        return (
            Found([(stored, "id")])
            if stored.is_live
            else find_by_identifier(settings, tenant, stored.customer.anchor, progress)
        )
    assigned = last_values(settings, Topic.IDENTITY_ASSIGNMENTS, containing=customer_id, progress=progress)
    owners = {
        owner: f"{assignment.identifier.key}, which counted for {customer_id}, counts for it"
        for assignment in map(IdentityAssignment.from_json, assigned.values())
        if assignment.tenant == tenant and assignment.owner_id == customer_id
        for owner in owners_of(assignment)
    }
    return _live(settings, owners, progress)


def find_by_identifier(settings: Settings, tenant: str, named: Identifier, progress: Progress = unseen) -> Found:
    """The customer that an identifier names or was merged into; else those that the person it names acts for."""
    own = canonical_id(tenant, named)
    assigned = last_values(
        settings, Topic.IDENTITY_ASSIGNMENTS, keys=[subject_key(tenant, named).encode()], progress=progress
    )
    owners = [owner for value in assigned.values() for owner in owners_of(IdentityAssignment.from_json(value))]
    found = _live(settings, dict.fromkeys([own, *owners], f"{named.key} acts for it"), progress)
    itself = [own, *owners[:1]]
    for stored, _ in found.customers:
        if stored.customer.customer_id in itself:
            also = [other.customer.customer_id for other, _ in found.customers if other is not stored]
            return Found([(stored, f"identifier {named.key}")], also)
    return found


def find_by_words(settings: Settings, tenant: str, words: str, progress: Progress = unseen) -> Found:
    """Customers whose name or identifier the words are; where there is none, those that have the words in it."""
    records = last_values(settings, Topic.CUSTOMER_RECORDS, containing=words, progress=progress)
    assigned = last_values(settings, Topic.IDENTITY_ASSIGNMENTS, containing=words, progress=progress)
    exact, partial = matches(
        tenant,
        words,
        map(CustomerRecord.from_json, records.values()),
        map(IdentityAssignment.from_json, assigned.values()),
    )
    found = _live(settings, exact, progress)
    return found if found.customers else _live(settings, partial, progress)


def matches(
    tenant: str, words: str, records: Iterable[CustomerRecord], assigned: Iterable[IdentityAssignment]
) -> tuple[dict[str, str], dict[str, str]]:
    """Ids of the customers that are called so, and of those that have it in their name or identifier; each with why.

    Case does not matter. The second are without the first.
    """
    wanted = words.casefold()
    exact: dict[str, str] = {}
    partial: dict[str, str] = {}
    for record in records:
        if record.tenant == tenant:
            name = str(record.fields["name"].value or "")
            for text, why in ((name, f"named {name}"), (record.anchor.value, f"identifier {record.anchor.key}")):
                if wanted == text.casefold():
                    exact.setdefault(record.customer_id, why)
                elif wanted in text.casefold():
                    partial.setdefault(record.customer_id, why)
    for assignment in assigned:
        if assignment.tenant == tenant and assignment.identifier.value.casefold() == wanted:
            for owner in owners_of(assignment):
                exact.setdefault(owner, f"{assignment.identifier.key} acts for it")
    return exact, {customer_id: why for customer_id, why in partial.items() if customer_id not in exact}


def owners_of(assignment: IdentityAssignment) -> list[str]:
    """Whoever may have what an identifier did: its owner, then the accounts of the person, then the guess."""
    anchors = [account.anchor for account in assignment.accounts]
    if assignment.by_domain is not None:
        anchors.append(assignment.by_domain)
    return [assignment.owner_id, *(canonical_id(assignment.tenant, anchor) for anchor in anchors)]


def last_values(
    settings: Settings,
    topic: Topic,
    *,
    keys: Collection[bytes] | None = None,
    containing: str = "",
    progress: Progress = unseen,
) -> dict[bytes, bytes]:
    """The last value of each key of a compacted topic, where it contains the text in whichever case.

    With ``keys`` of these alone, from their partitions.
    """
    # As it stands in JSON; only a last value that has it is kept, so that a search keeps little in memory.
    needle = json.dumps(containing.casefold(), ensure_ascii=False)[1:-1]
    found: dict[bytes, bytes] = {}
    for record in read_topic(settings, topic.topic_name, keys=keys, progress=progress):
        if record.key == TICK_KEY or (keys is not None and record.key not in keys):
            continue
        if record.value is not None and needle in record.value.decode().casefold():
            found[record.key] = record.value
        else:
            found.pop(record.key, None)
    return found


def _live(settings: Settings, reasons: Mapping[str, str], progress: Progress = unseen) -> Found:
    """Those of the customers for which something counts, in their order."""
    stored = read_customers(settings, reasons, progress)
    return Found([(stored[one], why) for one, why in reasons.items() if one in stored and stored[one].is_live])
