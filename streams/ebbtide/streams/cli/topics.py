"""`ebbtide topics`."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from ebbtide.schemas.topics import Topic
from ebbtide.streams.app import partition_counts
from ebbtide.streams.cli.options import echo_json, json_option, settings_option
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Declared topics against the broker."""


@command.command(epilog="Example: EBBTIDE_BROKER__URL=kafka://kafka:9092 ebbtide topics create")
@settings_option
def create(settings: Settings) -> None:
    """Create the topics that are missing."""
    from ebbtide.streams.topics import create_topics  # noqa: PLC0415  (kafka is slow to import)

    created = create_topics(settings)
    click.echo(f"created {', '.join(created)}" if created else "all topics exist")


@command.command(epilog="Example: ebbtide topics check --json")
@settings_option
@json_option
def check(settings: Settings, *, as_json: bool) -> None:
    """Compare the broker's topics with the declared ones; exit 1 on a difference."""
    from ebbtide.streams.topics import check_topics  # noqa: PLC0415

    states = check_topics(settings)
    if as_json:
        echo_json([{"name": s.name, "partitions": s.partitions, "faults": list(s.faults)} for s in states])
    else:
        table = Table("topic", "partitions", "state")
        for state in states:
            table.add_row(state.name, str(state.partitions or "-"), "; ".join(state.faults) or "ok")
        Console().print(table)
    if any(state.faults for state in states):
        sys.exit(1)


@command.command(epilog="Example: ebbtide topics describe")
@settings_option
@json_option
def describe(settings: Settings, *, as_json: bool) -> None:
    """List the declared topics; asks no broker."""
    counts = partition_counts(settings)
    if as_json:
        rows = [
            {
                "name": topic.topic_name,
                "contract": topic.spec.contract,
                "key": topic.spec.key,
                "partitions": counts[topic.topic_name],
                **topic.spec.config(),
            }
            for topic in Topic
        ]
        echo_json(rows)
        return
    table = Table("topic", "contract", "key", "partitions", "clean-up", "holds")
    for topic in Topic:
        spec = topic.spec
        table.add_row(spec.name, spec.contract, spec.key, str(counts[spec.name]), spec.cleanup, spec.doc)
    Console().print(table)
