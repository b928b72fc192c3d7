"""`ebbtide replay`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ebbtide.streams.cli.options import Instant, echo_json, json_option, progress_bar, settings_option
from ebbtide.streams.replay import Summary, replay
from ebbtide.streams.settings import Settings


@click.command(epilog="Example: ebbtide replay orders.ndjson.gz --out result --until 1997-09-30")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Directory for the results."
)
@click.option("--until", type=Instant(), help="Let time stand there at the end; a date means the end of that day.")
@click.option("--feedback", help="What people told of customers: records of topic `feedback`, a line each.")
@settings_option
@json_option
def command(
    files: tuple[str, ...],
    out: Path,
    until: datetime | None,
    feedback: str | None,
    settings: Settings,
    *,
    as_json: bool,
) -> None:
    """Run raw events through the core in one process and write scores, alerts and records.

    FILES are .ndjson or .ndjson.gz in arrival order, or - for standard input.
    """
    with progress_bar("replaying") as progress:
        summary = replay(files, out, settings, until=until, feedback=feedback, progress=progress)
    if as_json:
        echo_json(summary.as_dict())
    else:
        _show(summary, out)


def _show(summary: Summary, out: Path) -> None:
    table = Table(title=f"Replay to {out}", show_header=False)
    for name, value in summary.as_dict().items():
        if name == "peak_memory_bytes":
            table.add_row("peak memory", f"{value / 2**20:,.0f} MiB")
            table.add_row("memory per customer", f"{value / max(1, summary.customers) / 1024:,.1f} KiB")
            continue
        shown = (
            f"{value:,}"
            if isinstance(value, int | float)
            else ", ".join(f"{k} {v:,}" for k, v in value.items())
            if isinstance(value, dict)
            else str(value)
        )
        table.add_row(name.replace("_", " "), shown)
    Console().print(table)
