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
from ebbtide.streams.sinks.writer import Cell, Database

_MOST_FACTS = 10_000
"""Records of a person that are looked through for names; the newest."""
_WHOLE_NAMES = ("name", "full_name", "fullName")
_HALVES = (("first_name", "last_name"), ("firstName", "lastName"))


@dataclass(frozen=True, slots=True)
class Person:
    """What the history has of a person, within one tenant.

    ``owner_ids`` are the ids of a person (`customer_id` of who is a customer by itself) that ever stood for this one,
    ``profile_ids`` those of the profiles (`person_id` of alerts). ``words`` are names and identifiers as they are
    written there, longest first.
    """

    tenant: str
    owner_ids: tuple[str, ...]
    profile_ids: tuple[str, ...]
    words: tuple[str, ...]


def find_person(
    database: Database, tenant: str, given: Iterable[Identifier | str], personal: PersonalData
) -> Person:
    """The person whom these identifiers, or ids, belong to by the newest word of identity in the history.

    Asked again after everything was erased there are the given ones alone.
    """
    ids, words = set[str](), set[str]()
    for each in given:
        if isinstance(each, str):
            ids.add(each)
        else:
            ids |= {canonical_id(tenant, each), profile_id_of(tenant, each.type, each.value)}
            words |= {each.value, personal.identifier(each.type, each.value)}
    owners, profiles = set(ids), set(ids)
    for owner_id, profile_id, value in _members(database, tenant, sorted(ids)):
        owners.add(owner_id)
        profiles.add(profile_id)
        words.add(value)
    words |= _told(database, tenant, sorted(profiles))
    words.discard("")
    return Person(tenant, tuple(sorted(owners)), tuple(sorted(profiles)), tuple(sorted(words, key=lambda w: (-len(w), w))))


def _members(database: Database, tenant: str, ids: list[str]) -> list[tuple[str, str, str]]:
    """Identifiers of one owner with those of the ids: id as an anchor, id of the profile, value."""
    mine = f"tenant = {quoted(tenant)} AND kind = 'owner'"
    newest = (
        "SELECT identifier_owner_id, identifier_profile_id, argMax(identifier_value, epoch) AS value, "
        "argMax(current_owner_id, epoch) AS owner, argMax(current_profile_id, epoch) AS owner_profile, "
        f"argMax(current_value, epoch) AS owner_value FROM identity_audit WHERE {mine} "
        "GROUP BY identifier_owner_id, identifier_profile_id"
    )
    named = listed(ids)
    owners = database.execute(
        f"SELECT DISTINCT owner FROM ({newest}) "
        f"WHERE owner != '' AND (identifier_owner_id IN {named} OR identifier_profile_id IN {named} OR owner IN {named} "
        f"OR owner_profile IN {named})"
    )
    if not owners:
        return []
    of_them = listed(_texts(owners))
    members = database.execute(
        f"SELECT identifier_owner_id, identifier_profile_id, value, owner, owner_profile, owner_value FROM ({newest}) "
        f"WHERE owner IN {of_them}"
    )
    found = {(str(row[0]), str(row[1]), str(row[2])) for row in members}
    return sorted(found | {(str(row[3]), str(row[4]), str(row[5])) for row in members})


def _told(database: Database, tenant: str, profiles: list[str]) -> set[str]:
    """Identifiers and names in what the person did and what the CRM says of it."""
    rows = database.execute(
        f"SELECT DISTINCT subject_value, identifiers, properties FROM events "
        f"WHERE tenant = {quoted(tenant)} AND profile_id IN {listed(profiles)} "
        "AND (type = 'identify' OR type LIKE 'contact.%' OR type LIKE 'lead.%') "
        f"ORDER BY occurred_at DESC LIMIT {_MOST_FACTS}"
    )
    words = set[str]()
    for subject, _identifiers, properties in rows:
        words.add(str(subject))
        words |= names_in(orjson.loads(str(properties)))
    return words


def names_in(properties: dict[str, Any]) -> set[str]:
    """What a person is called in the properties of an `identify` or a contact."""
    found = {properties.get(name) for name in _WHOLE_NAMES}
    for first, last in _HALVES:
        if isinstance(properties.get(first), str) and isinstance(properties.get(last), str):
            found.add(f"{properties[first]} {properties[last]}")
    return {name.strip() for name in found if isinstance(name, str) and name.strip()}


def _texts(rows: list[tuple[Cell, ...]]) -> list[str]:
    return [str(row[0]) for row in rows]
