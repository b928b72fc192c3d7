"""`ebbtide collector`: the parts of the service, started in order and stopped without losing what was answered."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from time import time_ns

from aiohttp import web

from ebbtide.streams.admin import AdminServer
from ebbtide.streams.collector.server import Collector
from ebbtide.streams.collector.store import Store
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import BatchProducer

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 75.0
"""For connections on which nothing happens; longer than proxies keep theirs."""
STOP_S = 15.0
"""For requests that are under way when it is stopped."""


async def serve(settings: Settings, *, ready: Callable[[str], None] = log.info) -> None:
    """Run until SIGTERM or SIGINT. ``ready`` is told the address. Raises ``EbbtideError`` where the port is taken."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Of bytes that are no HTTP it logs a traceback each; the server's own log tells of bugs.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    metrics = Metrics()
    store = Store(lambda: producer(settings), patience=settings.collector.acknowledge_seconds, metrics=metrics)
    admin = AdminServer(
        metrics,
        not_ready=lambda: [fault] if (fault := store.fault()) else [],
        service="collector",
        host=settings.admin.host,
        port=settings.admin.port,
    )
    await admin.start()
    store.start()
    runner = web.AppRunner(
        collector(settings, store, metrics).application(),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=STOP_S,
        keepalive_timeout=KEEP_ALIVE_S,
        auto_decompress=False,
    )
    try:
        await runner.setup()
        ready(await _listen(runner, settings))
        await stop.wait()
    finally:
        await runner.cleanup()  # no new requests; those under way are answered
        await store.stop()
        await admin.stop()


def collector(settings: Settings, store: Store, metrics: Metrics) -> Collector:
    """The door under these settings."""
    return Collector(
        settings.collector, settings.intake, settings.tenant, store, metrics, now_ms=lambda: time_ns() // 1_000_000
    )


def producer(settings: Settings) -> BatchProducer:
    """A producer like the worker's: idempotent, all in-sync replicas, Kafka's own partitioner."""
    return BatchProducer(client_settings(settings), idempotent=settings.broker.idempotent)


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    host, port = settings.collector.host, settings.collector.port
    try:
        await web.TCPSite(runner, host, port, backlog=1_024).start()
    except OSError as error:
        raise EbbtideError(
            f"port {port} on {host} cannot be opened ({error.strerror}): stop the program that listens there, or set "
            "EBBTIDE_COLLECTOR__PORT"
        ) from None
    return f"http://{host}:{runner.addresses[0][1]}"
