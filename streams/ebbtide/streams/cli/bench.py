"""`ebbtide bench`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from ebbtide.streams.cli.options import echo_json, json_option, progress_bar
from ebbtide.streams.errors import EbbtideError

BENCHES = (
    *("transport", "pipeline", "latency", "collector", "sink", "webhook"),
    *("identity", "state", "learning", "detection"),
)
OPTIONS = {"seconds": ("latency", "collector"), "load": ("latency",)}
WITH_PROGRESS = ("latency", "collector")


@click.command(epilog="Example: ebbtide bench latency --seconds 60 --load 0.5")
@click.argument("which", nargs=-1, type=click.Choice(BENCHES))
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3_600),
    help="latency, collector: how long it is measured under load.  [default: 60]",
)
@click.option(
    "--load",
    type=click.FloatRange(0.01, 1),
    help="latency: the load, as a share of the greatest that the worker takes.  [default: 0.5]",
)
@json_option
def command(which: tuple[str, ...], seconds: float | None, load: float | None, *, as_json: bool) -> None:
    """Measure against named baselines in the same run; a ratio says more than a rate on a shared machine.

    transport: record batches against a plain Faust agent. pipeline: a replay against just reading the file.
    latency: from an event to its alert, live under load, against a bare round trip by the same broker.
    sink: from Kafka into the history, against a bare columnar insert of the same rows.
    collector: 1,000 batches a second by wrk, against a bare handler that only sends them to the same broker.
    identity: links and restores of one identity graph against a dict, a union-find, and decoding the records.
    state: bytes of an account after 30, 365 and 1,000 days, and its packing against plain msgpack.
    detection: how soon a planted decline is told, against whoever knows everybody's true habits.
    webhook: deliveries against a bare client loop, and what a dead endpoint costs another.
    learning: to learn an example and to score a customer with reasons, against a bare River pipeline.
    """
    names = which or BENCHES
    given = {name: value for name, value in (("seconds", seconds), ("load", load)) if value is not None}
    for option in given:
        if not set(OPTIONS[option]) & set(names):
            raise click.UsageError(f"--{option} is for {' and '.join(OPTIONS[option])}")
    options: dict[str, dict[str, Any]] = {
        name: {
            **{option: value for option, value in given.items() if name in OPTIONS[option]},
            "progress": progress_bar,
        }
        for name in WITH_PROGRESS
    }
    results, faults = {}, []
    for name in names:
        bench = import_module(f"ebbtide.streams.bench.{name}")
        results[name] = bench.run(**options.get(name, {}))
        if not as_json:
            click.echo(f"{name}\n{bench.render(results[name])}\n")
        if hasattr(bench, "fault") and (found := bench.fault(results[name])):
            faults.append(f"{name}: {found}")
    if as_json:
        echo_json(results)
    if faults:
        raise EbbtideError("; ".join(faults))
