"""Erases a person from the history.

Rows that are about the person go; in rows about an account that name the person the words go, and the numbers stay.
What is erased last is what the person is found by, so that a run that was broken off is finished by the next.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sinks.clickhouse.person import Person
from ebbtide.streams.sinks.clickhouse.sql import listed, quoted
from ebbtide.streams.sinks.writer import Database

PATIENCE_S = 600.0
"""For a mutation: it rewrites every part of the table that it touches."""
POLL_S = 0.05

NOT_REACHED = (
    "the topics in Kafka and the workers' state: what comes from there again is written again, so forget once more "
    "after a replay, a reset of the sink's group, or new events of the person",
    "backups and copies of the database, and what was exported or delivered to the CRM and to webhooks",
    "parts that were replaced: the database removes them from its disk some minutes later",
    "names and addresses that somebody wrote into a text of an account (a ticket's subject, a reason of churn)",
    "what models learned: they hold no person, only weights",
)
"""What the command says of itself."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One change of one table: without ``change`` the rows of ``where`` go."""

    table: str
    where: str
    change: str = ""

    @property
    def mutation(self) -> str:
        """The statement."""
        action = f"UPDATE {self.change}" if self.change else "DELETE"
        return f"ALTER TABLE `{self.table}` {action} WHERE {self.where}"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows of a table were, or would be, deleted and changed. Rows that lie there twice count twice."""

    table: str
    deleted: int
    changed: int


def erasures(person: Person) -> Iterator[Erasure]:
    """What is to be done, in order."""
    mine = f"tenant = {quoted(person.tenant)}"
    owners, profiles = listed(list(person.owner_ids)), listed(list(person.profile_ids))
    for table in ("scores", "state_changes", "customer_records", "customer_tombstones", "deliveries"):
        yield Erasure(table, f"{mine} AND customer_id IN {owners}")
    yield Erasure("alerts", f"{mine} AND customer_id IN {owners}")
    named = " OR ".join([f"person_id IN {profiles}", _mentions(["evidence"], person)])
    yield Erasure(
        "alerts",
        f"{mine} AND ({named})",
        "person_id = '', evidence = '{}', reasons_en = '[]', reasons_zh = '[]'",
    )
    if person.words:
        texts = ("field_values", "fields")
        changes = ", ".join(f"{column} = {_without(column, person)}" for column in texts)
        yield Erasure("customer_records", f"{mine} AND ({_mentions(list(texts), person)})", changes)
    # Of somebody else, or of the account: who did it stays, whom it was about goes.
    strangers = f"{mine} AND profile_id NOT IN {profiles}"
    known = [f"position(identifiers, {quoted(json)}) > 0" for json in _json_identifiers(person)]
    mentioned = " OR ".join([*known, _mentions(["properties"], person)])
    yield Erasure("events", f"{strangers} AND ({mentioned})", "identifiers = '[]', properties = '{}'")
    yield Erasure("events", f"{mine} AND profile_id IN {profiles}")
    columns = ("identifier", "other", "previous", "current")
    audit = [
        f"{name}_{kind}_id IN {ids}" for name in columns for kind, ids in (("owner", owners), ("profile", profiles))
    ]
    yield Erasure("identity_audit", f"{mine} AND ({' OR '.join(audit)})")


def count(database: Database, person: Person) -> list[Erased]:
    """What there is to erase, by table. Changes nothing."""
    found: dict[str, list[int]] = {}
    for each in erasures(person):
        ((rows,),) = database.execute(f"SELECT count() FROM `{each.table}` WHERE {each.where}")
        found.setdefault(each.table, [0, 0])[bool(each.change)] += int(rows or 0)
    return [Erased(table, deleted, changed) for table, (deleted, changed) in found.items()]


def erase(database: Database, person: Person) -> list[Erased]:
    """Erase, wait until it is done, and tell how many rows it was. Raises EbbtideError where it takes too long."""
    found: dict[str, list[int]] = {}
    for each in erasures(person):
        ((rows,),) = database.execute(f"SELECT count() FROM `{each.table}` WHERE {each.where}")
        found.setdefault(each.table, [0, 0])[bool(each.change)] += int(rows or 0)
        if rows:
            database.execute(each.mutation)
            _await(database, each.table)
    return [Erased(table, deleted, changed) for table, (deleted, changed) in found.items()]


def _await(database: Database, table: str) -> None:
    """Mutations run in the background; there is no asking for them to be waited for on 18.16."""
    deadline = time.monotonic() + PATIENCE_S
    left = (
        "SELECT count() FROM system.mutations "
        f"WHERE database = currentDatabase() AND table = {quoted(table)} AND is_done = 0"
    )
    while database.execute(left) != [(0,)]:
        if time.monotonic() > deadline:
            raise EbbtideError(
                f"the database is still rewriting {table} after {PATIENCE_S:.0f} s; it goes on by itself. "
                "See system.mutations, and run `ebbtide forget` again when it is done"
            )
        time.sleep(POLL_S)


def _mentions(columns: list[str], person: Person) -> str:
    """Whether a JSON text has one of the words as a value."""
    found = [f"position({column}, {quoted(json)}) > 0" for column in columns for json in _json_words(person)]
    return " OR ".join(found) or "0"


def _without(column: str, person: Person) -> str:
    for json in _json_words(person):
        column = f"replaceAll({column}, {quoted(json)}, 'null')"
    return column


def _json_identifiers(person: Person) -> list[str]:
    return [orjson.dumps({"type": kind, "value": value}).decode() for kind, value in person.identifiers]


def _json_words(person: Person) -> list[str]:
    return [orjson.dumps(word).decode() for word in person.words]
