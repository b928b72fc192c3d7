"""`ebbtide deliver`."""

from __future__ import annotations

import asyncio
import logging
import signal

import click

from ebbtide.streams.cli.options import settings_option
from ebbtide.streams.settings import Settings


@click.command(epilog="Example: ebbtide deliver --settings ebbtide.yml --endpoint crm")
@click.option("--endpoint", "names", multiple=True, help="Only this endpoint; may be given several times.  [all]")
@settings_option
def command(names: tuple[str, ...], settings: Settings) -> None:
    """Push scores, alerts and customer records to CRMs, chats and webhooks until SIGTERM or SIGINT.

    Each endpoint under deliver.endpoints has a consumer group of its own as its cursor, so that a dead one delays no
    other and a restart loses nothing.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    asyncio.run(_run(settings, names))


async def _run(settings: Settings, names: tuple[str, ...]) -> None:
    from ebbtide.streams.admin import AdminServer  # noqa: PLC0415  (slow imports)
    from ebbtide.streams.deliver.run import chosen, run_deliver  # noqa: PLC0415
    from ebbtide.streams.metrics import Metrics  # noqa: PLC0415
    from ebbtide.streams.sinks.health import SinkHealth  # noqa: PLC0415

    chosen(settings, names)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    metrics, health = Metrics(), SinkHealth()
    admin = AdminServer(
        metrics, not_ready=health.reasons, service="deliver", host=settings.admin.host, port=settings.admin.port
    )
    await admin.start()
    try:
        await run_deliver(settings, names, metrics=metrics, stop=stop, health=health)
    finally:
        await admin.stop()
