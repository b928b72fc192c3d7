"""`ebbtide history`."""

from __future__ import annotations

import sys

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from ebbtide.streams.cli.options import echo_json, json_option, settings_option
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings

_READS = ("select", "with", "describe", "desc", "show", "explain", "exists")


@click.group()
def command() -> None:
    """Ask the history, on whichever database it is."""


@command.command("query", epilog='Example: ebbtide history query "SELECT count() FROM scores_once"')
@click.argument("question")
@settings_option
@json_option
def query(question: str, settings: Settings, *, as_json: bool) -> None:
    """Print what QUESTION, one SELECT, finds; `-` reads it from standard input.

    An embedded history is asked through the sink that has it, or read here where none has it. Nothing can be changed.
    """
    from ebbtide.streams.sinks.clickhouse.choose import open_database  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.sinks.writer import RefusedError, WriterUnavailableError  # noqa: PLC0415

    text = (sys.stdin.read() if question == "-" else question).strip().rstrip(";").strip()
    if text.partition(" ")[0].partition("\n")[0].lower() not in _READS:
        raise click.UsageError(f"a question begins with one of {', '.join(word.upper() for word in _READS)}")
    database = open_database(settings)
    try:
        rows = database.execute(text)
    except RefusedError as error:
        raise EbbtideError(f"the history refuses the question: {error}") from error
    except WriterUnavailableError as error:
        raise EbbtideError(f"the history does not answer: {error}") from error
    finally:
        database.close()
    if as_json:
        echo_json(rows)
        return
    table = Table(box=SIMPLE, show_header=False)
    for _ in rows[0] if rows else ():
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(highlight=False, markup=False).print(table)
