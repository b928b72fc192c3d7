"""`ebbtide simulate`."""

from __future__ import annotations

from pathlib import Path

import click

from ebbtide.streams.cli.options import progress_bar
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write


@click.command(
    epilog="Example: ebbtide simulate --customers 200 --seed 7 --days 180 -o book.ndjson.gz --truth truth.ndjson"
)
@click.option("--customers", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=180, show_default=True)
@click.option("--events", type=click.IntRange(min=1), help="Wanted number of events; sets the intensity.")
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help=".ndjson or .ndjson.gz"
)
@click.option("--truth", type=click.Path(path_type=Path, dir_okay=False), help="Where to write what was planted.")
def command(customers: int, seed: int, days: int, events: int | None, out: Path, truth: Path | None) -> None:
    """Write a seeded B2B customer book as raw events in arrival order, and its hidden truth apart."""
    config = (
        BookConfig(customers=customers, seed=seed, days=days)
        if events is None
        else BookConfig.sized(events=events, customers=customers, seed=seed, days=days)
    )
    with progress_bar("simulating", events) as progress:
        lines = write(config, out, truth, progress)
    click.echo(f"{lines:,} events to {out}", err=True)
