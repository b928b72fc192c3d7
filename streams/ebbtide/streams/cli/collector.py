"""`ebbtide collector`."""

from __future__ import annotations

import asyncio
import logging

import click

from ebbtide.streams.cli.options import settings_option
from ebbtide.streams.garbage import collect_young
from ebbtide.streams.settings import Settings


@click.command(epilog="Example: EBBTIDE_COLLECTOR__WRITE_KEYS_FILE=/run/secrets/keys ebbtide collector")
@settings_option
def command(settings: Settings) -> None:
    """Take events over HTTP until SIGTERM or SIGINT, from the SDKs of Segment, RudderStack, PostHog and Sensors.

    An answer of 200 means that the broker has it. Without keys it listens to this machine only.
    """
    import uvloop  # noqa: PLC0415  (slow imports)

    from ebbtide.streams.collector.run import serve  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    collect_young()

    def ready(address: str) -> None:
        click.echo(f"collector listens on {address}")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, ready=ready))
