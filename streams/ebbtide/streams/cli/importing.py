"""`ebbtide import`."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import click

from ebbtide.streams.csv_import import Mapping, import_csv


@click.group()
def command() -> None:
    """History from other formats to raw events."""


@command.command(
    "csv",
    epilog="Example: ebbtide import csv orders.csv.gz --user customer --time date --value amount -o orders.ndjson",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--user", required=True, metavar="COL", help="Column with the user's id.")
@click.option(
    "--time", required=True, metavar="COL", help="Column with the time: RFC 3339, date, YYYYMMDD, Unix seconds."
)
@click.option("--event", metavar="NAME", help="Name of every row's event.  [default: Order Completed]")
@click.option("--event-col", metavar="COL", help="Column with the event's name.")
@click.option("--account", metavar="COL", help="Column with the account's id.")
@click.option("--value", metavar="COL", help="Column with an amount of money.")
@click.option(
    "--property", "properties", multiple=True, metavar="COL", help="Column to keep as a property; repeatable."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write, .ndjson or .ndjson.gz.  [default: standard output]",
)
def import_csv_command(
    file: Path,
    user: str,
    time: str,
    event: str | None,
    event_col: str | None,
    account: str | None,
    value: str | None,
    properties: tuple[str, ...],
    out: Path | None,
) -> None:
    """Turn a CSV file (also .gz) into raw Segment-spec events, sorted by time, with stable message ids."""
    if event and event_col:
        raise click.UsageError("give --event or --event-col, not both")
    lines = import_csv(file, Mapping(user, time, event, event_col, account, value, properties))
    text = b"\n".join(lines) + (b"\n" if lines else b"")
    if out is None or str(out) == "-":
        sys.stdout.buffer.write(text)
        return
    # No name and no time in the gzip header: importing again gives the same bytes.
    out.write_bytes(gzip.compress(text, mtime=0) if out.suffix == ".gz" else text)
    click.echo(f"{len(lines):,} events to {out}", err=True)
