"""`ebbtide sink`."""

from __future__ import annotations

import asyncio
import signal

import click

from ebbtide.streams.cli.options import settings_option
from ebbtide.streams.settings import Settings


@click.group()
def command() -> None:
    """Write scores, alerts, records and changes of states to a history."""


@command.command("clickhouse", epilog="Example: EBBTIDE_CLICKHOUSE__HOST=clickhouse ebbtide sink clickhouse")
@settings_option
def clickhouse(settings: Settings) -> None:
    """Write to ClickHouse over its native protocol until SIGTERM or SIGINT."""
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:

    from ebbtide.streams.admin import AdminServer  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.metrics import Metrics  # noqa: PLC0415
    from ebbtide.streams.sinks.clickhouse.run import run_sink  # noqa: PLC0415
    from ebbtide.streams.sinks.health import SinkHealth  # noqa: PLC0415
    from ebbtide.streams.sinks.settings import ClickHouseSettings, SinkSettings  # noqa: PLC0415

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    house = settings.clickhouse
    metrics, health = Metrics(), SinkHealth()
    admin = AdminServer(
        metrics, not_ready=health.reasons, service="sink", host=settings.admin.host, port=settings.admin.port
    )
    await admin.start()
    try:
        await run_sink(
            SinkSettings(bootstrap=settings.broker.bootstrap),
            ClickHouseSettings(
                host=house.host,
                port=house.port,
                user=house.user,
                password=house.password.get_secret_value(),
                database=house.database,
            ),
            metrics=metrics,
            stop=stop,
            health=health,
        )
    finally:
        await admin.stop()
