"""`ebbtide customer`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ebbtide.models.customer.sources import SourceBook
from ebbtide.models.identity.identifiers import identifier
from ebbtide.models.portrait.portrait import Portrait, portrait
from ebbtide.schemas.events import IdentifierType
from ebbtide.streams.cli.customer_page import name_of, page
from ebbtide.streams.cli.identity_story import shown
from ebbtide.streams.cli.language import Language, language_option
from ebbtide.streams.cli.options import json_option, print_page, progress_bar, settings_option, words
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings

if TYPE_CHECKING:
    from ebbtide.streams.customer_search import Found
    from ebbtide.streams.customer_states import StoredCustomer

MOST_HITS = 20
_LIST_WIDTH = 160


@click.group()
def command() -> None:
    """Look at customers as the worker knows them."""


@command.command(epilog="Example: ebbtide customer show group_id/acme")
@click.argument("customer", metavar="ID", callback=words)
@click.option("--tenant", callback=words, help="Tenant; the settings' if none is named.")
@click.option("--sources", is_flag=True, help="Add every field of the record with its source and time.")
@language_option
@settings_option
@json_option
def show(
    customer: str, tenant: str | None, language: Language, settings: Settings, *, sources: bool, as_json: bool
) -> None:
    """Show one customer on one page: health, rhythm, alerts, activity, modules, people, facts.

    ID is a customer id, an identifier as type/value, or a name or a part of one. Exit 1 if none matches, or several,
    with a list of them. Reads what workers have stored, whether one runs or not.
    """
    found = the_one(settings, tenant or settings.tenant, customer, as_json=as_json)
    ((stored, why),) = found.customers
    told = _portrait(stored, settings)
    if as_json:
        _echo(_answer(told, stored, why, found.also))
        return
    where = f"{stored.topic}, partition {stored.partition}, offset {stored.offset}; found by {why}"
    print_page(lambda _width: page(told, shown(where), also=found.also, sources=sources, language=language))


def the_one(settings: Settings, tenant: str, asked: str, *, as_json: bool) -> Found:
    """The only customer that is meant. Of several they are listed, and the process exits 1."""
    found = _find(settings, tenant, asked)
    if not found.customers:
        raise EbbtideError(
            f"no customer of tenant {shown(tenant)} is {shown(asked)}: see that it is written as producers send it "
            "(group_id/acme, user_id/u-42), that --tenant is right, and that the worker has read its events"
        )
    if len(found.customers) > 1:
        _choose(found, settings, asked, as_json=as_json)
        sys.exit(1)
    return found


def _find(settings: Settings, tenant: str, asked: str) -> Found:
    """By whichever of the three it is."""
    # Kafka and the model are slow to import.
    from ebbtide.streams.customer_search import (  # noqa: PLC0415
        find_by_id,
        find_by_identifier,
        find_by_words,
    )

    with suppress(ValueError):
        return find_by_id(settings, tenant, str(UUID(asked)), progress_bar)
    kind, slash, raw = asked.partition("/")
    if not slash or kind not in list(IdentifierType):
        return find_by_words(settings, tenant, asked, progress_bar)
    named = identifier(IdentifierType(kind), raw)
    if named is None:
        raise click.UsageError(
            f"{raw!r} names nobody as {kind}: empty, null, zeros, role mailboxes, free-mail domains and the like are "
            "blocked for everybody"
        )
    return find_by_identifier(settings, tenant, named, progress_bar)


def _portrait(stored: StoredCustomer, settings: Settings) -> Portrait:
    book = SourceBook(settings.core.sources, stored.heartbeats)
    return portrait(stored.customer, stored.settled_day, settings.core, stored.fleet, book)


def _choose(found: Found, settings: Settings, asked: str, *, as_json: bool) -> None:
    """Tell who may be meant, with the ids to ask again with."""
    count = len(found.customers)
    rows = [
        {
            "customer_id": stored.customer.customer_id,
            "kind": stored.customer.kind,
            "anchor": stored.customer.anchor.key,
            "name": name_of(_portrait(stored, settings)),
            "why": why,
        }
        for stored, why in (found.customers if as_json else found.customers[:MOST_HITS])
    ]
    if as_json:
        _echo({"asked": asked, "matches": rows})
    else:
        table = Table("id", "kind", "customer", "name", "why", box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(Text(shown(row[name])) for name in ("customer_id", "kind", "anchor", "name", "why")))
        console = Console(highlight=False)
        console.width = console.width if console.is_terminal else _LIST_WIDTH
        console.print(table)
    listed = f" (the first {len(rows)} are listed)" if len(rows) < count else ""
    click.echo(f"ebbtide: {count} customers match {shown(asked)}{listed}: ask again with the id of one", err=True)


def _answer(told: Portrait, stored: StoredCustomer, why: str, also: list[str]) -> dict[str, Any]:
    """All of the answer for scripts."""
    record = told.record.model_dump(mode="json")
    return {
        **{name: record[name] for name in ("tenant", "customer_id", "anchor", "version", "as_of")},
        "found_by": why,
        "also": also,
        "read_from": {"topic": stored.topic, "partition": stored.partition, "offset": stored.offset},
        "fields": record["fields"],
        **{part.name: getattr(told, part.name) for part in fields(told) if part.name != "record"},
    }


def _echo(value: object) -> None:
    """JSON with the core's values as they are; times as in the contracts."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
    click.echo(orjson.dumps(value, option=options).decode())
