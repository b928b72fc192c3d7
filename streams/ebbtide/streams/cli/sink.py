"""`ebbtide sink`."""

from __future__ import annotations

import asyncio
import signal

import click

from ebbtide.streams.cli.options import settings_option
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Write events, scores, alerts, records, states, identity and models to a history."""


@command.command("clickhouse", epilog="Example: EBBTIDE_CLICKHOUSE__HOST=clickhouse ebbtide sink clickhouse")
@settings_option
def clickhouse(settings: Settings) -> None:
    """Write to ClickHouse until SIGTERM or SIGINT: to a server over its native protocol, or, with
    EBBTIDE_CLICKHOUSE__EMBEDDED, to the engine in this process (chDB).
    """
    import uvloop  # noqa: PLC0415  (slow imports)

    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    from ebbtide.streams.admin import AdminServer  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.garbage import rarely_collect  # noqa: PLC0415
    from ebbtide.streams.metrics import Metrics  # noqa: PLC0415
    from ebbtide.streams.sinks.clickhouse.choose import open_writer, personal_data, sink_settings  # noqa: PLC0415
    from ebbtide.streams.sinks.clickhouse.run import run_sink  # noqa: PLC0415
    from ebbtide.streams.sinks.health import SinkHealth  # noqa: PLC0415
    from ebbtide.streams.sinks.pipelines import pipelines  # noqa: PLC0415

    rarely_collect()  # rows are tuples: they hold no cycles, and walking a batch of them costs as much as reading it
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    metrics, health = Metrics(), SinkHealth()
    admin = AdminServer(
        metrics, not_ready=health.reasons, service="sink", host=settings.admin.host, port=settings.admin.port
    )
    await admin.start()
    try:
        await run_sink(
            sink_settings(settings),
            open_writer(settings),
            metrics=metrics,
            stop=stop,
            health=health,
            pipelines=pipelines(personal_data(settings)),
            owned=settings.clickhouse.embedded,
        )
    finally:
        await admin.stop()
