"""`ebbtide forget`."""

from __future__ import annotations

from uuid import UUID

import click

from ebbtide.models.identity.identifiers import PERSON_TYPES, is_person
from ebbtide.schemas.events import Identifier
from ebbtide.streams.cli.identity import IDENTIFIER
from ebbtide.streams.cli.options import at_terminal, echo_json, json_option, settings_option, short_text, stderr
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings


class _Person(click.ParamType):
    """An identifier of a person, or an id that Ebbtide gave."""

    name = "person"

    def convert(
        self, value: str | Identifier, param: click.Parameter | None, ctx: click.Context | None
    ) -> Identifier | str:
        if isinstance(value, str) and _is_id(value):
            return value.lower()
        found: Identifier = IDENTIFIER.convert(value, param, ctx)
        if not is_person(found.type):
            people = ", ".join(PERSON_TYPES)
            self.fail(f"{found.key!r} names an account, and only people are forgotten: {people}", param, ctx)
        return found


@click.command(epilog="Example: ebbtide forget email/jane@acme.example --dry-run")
@click.argument("person", nargs=-1, required=True, type=_Person())
@click.option("--tenant", callback=short_text, help="Tenant; the settings' if none is named.")
@click.option("--dry-run", is_flag=True, help="Count what would be erased, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@settings_option
@json_option
def command(
    person: tuple[Identifier | str, ...],
    tenant: str | None,
    settings: Settings,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase a person's personal data from the history.

    PERSON is an identifier, type/value, or the id of a person or a profile; several name one person. All identifiers
    that count as the same person by then go with it. Rows about the person are deleted; in rows about an account the
    words that name the person go. It can be run again at any time, and has to be when the person's data come again.
    """
    from ebbtide.streams.sinks.clickhouse.choose import open_database, personal_data  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.sinks.clickhouse.forget import NOT_REACHED, count, erase  # noqa: PLC0415
    from ebbtide.streams.sinks.clickhouse.person import find_person  # noqa: PLC0415
    from ebbtide.streams.sinks.writer import WriterUnavailableError  # noqa: PLC0415

    database = open_database(settings)
    try:
        with stderr().status("looking for the person"):
            found = find_person(database, tenant or settings.tenant, person, personal_data(settings))
            rows = count(database, found)
        if not dry_run and any(each.deleted or each.changed for each in rows):
            if not yes and at_terminal():
                _ask(sum(each.deleted for each in rows), sum(each.changed for each in rows))
            with stderr().status("erasing; every part that has such a row is written anew"):
                rows = erase(database, found)
    except WriterUnavailableError as error:
        raise EbbtideError(f"the history does not answer: {error}") from error
    finally:
        database.close()
    if as_json:
        echo_json(
            {
                "dry_run": dry_run,
                "tenant": found.tenant,
                "profiles": found.profile_ids,
                "tables": {row.table: {"deleted": row.deleted, "changed": row.changed} for row in rows},
                "not_reached": NOT_REACHED,
            }
        )
        return
    would = "would be " if dry_run else ""
    for row in rows:
        if row.deleted or row.changed:
            click.echo(f"{row.table:<20} {row.deleted:>8,} {would}deleted  {row.changed:>8,} {would}changed")
    if not any(row.deleted or row.changed for row in rows):
        click.echo("the history has nothing of this person")
    click.echo("\nNot reached:")
    for line in NOT_REACHED:
        click.echo(f"- {line}")


def _ask(deleted: int, changed: int) -> None:
    click.confirm(f"Delete {deleted:,} rows and change {changed:,} for ever?", abort=True, err=True)


def _is_id(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
