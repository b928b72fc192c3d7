"""`ebbtide bench`."""

from __future__ import annotations

from importlib import import_module

import click

from ebbtide.streams.cli.options import echo_json, json_option

BENCHES = ("transport", "pipeline", "identity", "state", "learning")


@click.command(epilog="Example: ebbtide bench pipeline --json")
@click.argument("which", nargs=-1, type=click.Choice(BENCHES))
@json_option
def command(which: tuple[str, ...], *, as_json: bool) -> None:
    """Measure against named baselines in the same run; a ratio says more than a rate on a shared machine.

    transport: record batches against a plain Faust agent. pipeline: a replay against just reading the file.
    identity: links and restores of one identity graph against a dict, a union-find, and decoding the records.
    state: bytes of an account after 30, 365 and 1,000 days, and its packing against plain msgpack.
    learning: to learn an example and to score a customer with reasons, against a bare River pipeline.
    """
    results = {}
    for name in which or BENCHES:
        bench = import_module(f"ebbtide.streams.bench.{name}")
        results[name] = bench.run()
        if not as_json:
            click.echo(f"{name}\n{bench.render(results[name])}\n")
    if as_json:
        echo_json(results)
