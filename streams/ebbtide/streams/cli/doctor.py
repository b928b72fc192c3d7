"""`ebbtide doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ebbtide.streams.cli.options import echo_json, json_option
from ebbtide.streams.doctor import Check, Status, examine, worst

_STYLE = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "bold red"}


@click.command(epilog="Example: ebbtide doctor --json")
@click.option("--settings", "path", type=click.Path(path_type=Path, dir_okay=False), help="YAML file with settings.")
@json_option
def command(path: Path | None, *, as_json: bool) -> None:
    """Look at this machine, the settings and what they point to; exit 1 when something is broken."""
    checks = examine(path)
    if as_json:
        rows = [{"name": c.name, "status": c.status, "found": c.found, "advice": c.advice} for c in checks]
        echo_json({"status": worst(checks), "checks": rows})
    else:
        Console().print(_table(checks))
    if worst(checks) is Status.FAIL:
        sys.exit(1)


def _table(checks: list[Check]) -> Table:
    table = Table(box=SIMPLE, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for check in checks:
        found = Text(check.found)
        if check.advice and check.status is not Status.OK:
            found.append(f"\n→ {check.advice}", style=_STYLE[check.status])
        table.add_row(Text(check.status, style=_STYLE[check.status]), check.name, found)
    return table
