"""Who a person is in the history: the ids and the words that stand for one.

Pure, but for the questions that it asks a `Database`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from ebbtide.models.identity.identifiers import canonical_id, profile_id_of
from ebbtide.schemas.events import Identifier
from ebbtide.streams.sinks.clickhouse.sql import listed, quoted
from ebbtide.streams.sinks.personal_data import PersonalData
from ebbtide.streams.sinks.writer import Database

_MOST_FACTS = 10_000
"""Records of a person that are looked through for names."""
_WHOLE_NAMES = ("name", "full_name", "fullName")
_HALVES = (("first_name", "last_name"), ("firstName", "lastName"))


SHORTEST_WORD = 4
"""Letters of an identifier that is looked for among the words of others: `7` may be anything."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the history has of a person, within one tenant.

    ``owner_ids`` are the ids of a person (`customer_id` of who is a customer by itself) that ever stood for this one,
    ``profile_ids`` those of the profiles (`person_id` of alerts). ``identifiers`` are types and values as they stand
    there; ``words`` are names, and identifiers that are too long to be anything else, longest first.
    """

    tenant: str
    owner_ids: tuple[str, ...]
    profile_ids: tuple[str, ...]
    identifiers: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()


def find_person(database: Database, tenant: str, given: Iterable[Identifier | str], personal: PersonalData) -> Person:
    """The person whom these identifiers, or ids, belong to by the newest word of identity in the history.

    Asked again after everything was erased there are the given ones alone.
    """
    ids, identifiers = set[str](), set[tuple[str, str]]()
    for each in given:
        if isinstance(each, str):
            ids.add(each)
        else:
            ids |= {canonical_id(tenant, each), profile_id_of(tenant, each.type, each.value)}
            identifiers |= {(each.type, each.value), (each.type, personal.identifier(each.type, each.value))}
    owners, profiles = set(ids), set(ids)
    for owner_id, profile_id, kind, value in _members(database, tenant, sorted(ids)):
        owners.add(owner_id)
        profiles.add(profile_id)
        identifiers.add((kind, value))
    identifiers = {(kind, value) for kind, value in identifiers if value not in _HIDDEN}
    words = {value for _, value in identifiers if len(value) >= SHORTEST_WORD} | _told(
        database, tenant, sorted(profiles)
    )
    return Person(
        tenant,
        tuple(sorted(owners)),
        tuple(sorted(profiles)),
        tuple(sorted(identifiers)),
        tuple(sorted(words, key=lambda word: (-len(word), word))),
    )


_HIDDEN = frozenset({"", "[email]", "[phone]"})
"""What stands for everybody's identifiers where they are dropped."""


def _members(database: Database, tenant: str, ids: list[str]) -> list[tuple[str, str, str, str]]:
    """Identifiers of one owner with those of the ids: id as an anchor, id of the profile, type, value."""
    of_owners = ", ".join(
        f"argMax(current_{part}, epoch) AS owner_{name}"
        for part, name in (("owner_id", "id"), ("profile_id", "profile"), ("type", "type"), ("value", "value"))
    )
    newest = (
        "SELECT identifier_owner_id AS id, identifier_profile_id AS profile, argMax(identifier_type, epoch) AS type, "
        f"argMax(identifier_value, epoch) AS value, {of_owners} FROM identity_audit "
        f"WHERE tenant = {quoted(tenant)} AND kind = 'owner' GROUP BY identifier_owner_id, identifier_profile_id"
    )
    among = " OR ".join(f"{column} IN {listed(ids)}" for column in ("id", "profile", "owner_id", "owner_profile"))
    owners = database.execute(f"SELECT DISTINCT owner_id FROM ({newest}) WHERE owner_id != '' AND ({among})")
    if not owners:
        return []
    members = database.execute(
        "SELECT id, profile, type, value, owner_id, owner_profile, owner_type, owner_value "
        f"FROM ({newest}) WHERE owner_id IN {listed([str(owner) for (owner,) in owners])}"
    )
    found = set[tuple[str, str, str, str]]()
    for row in members:
        one, two, three, four, *owner = map(str, row)
        found |= {(one, two, three, four), (owner[0], owner[1], owner[2], owner[3])}
    return sorted(found)


def _told(database: Database, tenant: str, profiles: list[str]) -> set[str]:
    """Names in what the person told and what the CRM says of it."""
    rows = database.execute(
        "SELECT DISTINCT properties FROM events "
        f"WHERE tenant = {quoted(tenant)} AND profile_id IN {listed(profiles)} "
        "AND (type = 'identify' OR type LIKE 'contact.%' OR type LIKE 'lead.%') "
        f"LIMIT {_MOST_FACTS}"
    )
    return {name for (properties,) in rows for name in names_in(orjson.loads(str(properties)))}


def names_in(properties: dict[str, Any]) -> set[str]:
    """What a person is called in the properties of an `identify` or a contact."""
    found = {properties.get(name) for name in _WHOLE_NAMES}
    for first, last in _HALVES:
        if isinstance(properties.get(first), str) and isinstance(properties.get(last), str):
            found.add(f"{properties[first]} {properties[last]}")
    return {name.strip() for name in found if isinstance(name, str) and name.strip()}
