"""`ebbtide topology`."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from ebbtide.streams.cli.options import echo_json, json_option
from ebbtide.streams.topology import SERVICES, TOPOLOGY


@click.command(epilog="Example: ebbtide topology --json")
@json_option
def command(*, as_json: bool) -> None:
    """Print which agent or service reads and writes which topic."""
    nodes = {**TOPOLOGY, **SERVICES}
    if as_json:
        echo_json(
            {name: {"reads": node.reads, "writes": node.writes, "table": node.table} for name, node in nodes.items()}
        )
        return
    table = Table("agent", "reads", "table", "writes")
    for name, node in nodes.items():
        table.add_row(name, "\n".join(node.reads), node.table or "-", "\n".join(node.writes))
    Console().print(table)
