"""`ebbtide send`."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click

from ebbtide.streams.cli.options import Instant, progress_bar, settings_option
from ebbtide.streams.ndjson import read_lines
from ebbtide.streams.sender import send
from ebbtide.streams.settings import Settings


@click.command(epilog="Example: ebbtide send events.ndjson.gz --until 1998-07-01")
@click.argument("file")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Most records per second.")
@click.option("--topic", help="Topic for all records.  [default: raw-crm for facts, raw-behavior for the rest]")
@click.option("--until", type=Instant(), help="Close the backfill: time comes to stand there and everybody is scored.")
@settings_option
def command(file: str, rate: float | None, topic: str | None, until: datetime | None, settings: Settings) -> None:
    """Send raw records to Kafka, one a line, bytes unchanged. FILE is .ndjson, .ndjson.gz or - for standard input."""
    with progress_bar("sending") as progress:
        sent = asyncio.run(send(read_lines(file), settings, topic=topic, rate=rate, until=until, progress=progress))
    click.echo(f"{sent:,} records sent and acknowledged", err=True)
