"""`ebbtide demo`."""

from __future__ import annotations

import sys

import click
from rich.console import Console

from ebbtide.streams.demo.interrupts import INTERRUPTED
from ebbtide.streams.demo.plan import Plan


@click.command(epilog="Example: ebbtide demo --duration 90")
@click.option("--customers", type=click.IntRange(1, 5_000), default=Plan.customers, show_default=True)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.01, max=100),
    default=Plan.speed,
    show_default=True,
    help="Simulated days per second, after the first weeks, which go as fast as the worker takes them.",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=1),
    help="Seconds to run once everything is up, then sum up and exit.  [default: until Ctrl-C]",
)
@click.option("--keep", is_flag=True, help="Keep broker data, worker state and logs in .ebbtide/demo.")
@click.option(
    "--no-open",
    is_flag=True,
    help="Open no browser. Without effect: nothing is opened yet, as the console page does not exist.",
)
def command(customers: int, speed: float, duration: float | None, *, keep: bool, no_open: bool) -> None:
    """Show Ebbtide at work on a simulated customer book: broker, worker and live view, on this machine alone.

    Nothing is left behind. EBBTIDE_… settings have no effect here; the data are made up.
    """
    from ebbtide.streams.demo.run import run_demo  # noqa: PLC0415  (kafka and rich's live view are slow to import)

    plan = Plan(customers=customers, speed=speed, duration=duration)
    if not run_demo(plan, Console(), keep=keep):
        click.echo("stopped; nothing is left running", err=True)
        sys.exit(INTERRUPTED)
