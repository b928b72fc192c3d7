"""`ebbtide sink clickhouse` as a coroutine."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sinks.clickhouse.asked import Owner
from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.sinks.kafka_source import KafkaSource
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.settings import SinkSettings
from ebbtide.streams.sinks.sink import Sink
from ebbtide.streams.sinks.table import Pipeline


async def run_sink(
    settings: SinkSettings,
    writer: ClickHouseWriter | EmbeddedWriter,
    *,
    metrics: Metrics,
    stop: asyncio.Event,
    health: SinkHealth | None = None,
    pipelines: Mapping[str, Pipeline] = PIPELINES,
    owned: Path | None = None,
) -> None:
    """Bring what goes into history into ClickHouse until `stop` is set.

    Waits for a Kafka or a ClickHouse that is away, as long as it takes. Raises MigrationError when the database was
    written by a newer version, and DirectoryInUseError. `health.reasons` is for the admin port's `/readyz`; `pipelines`
    are keyed by topic; `owned` is the directory of an embedded history, whose questions are answered meanwhile.
    """
    source = KafkaSource(settings, pipelines, metrics)
    sink = Sink(settings, source, writer, metrics, health=health, pipelines=pipelines)
    if owned is None:
        await sink.run(stop)
        return
    owner = Owner(owned, lambda statement: sink.in_writers_thread(lambda: writer.execute(statement)))
    running = asyncio.create_task(sink.run(stop))
    try:
        await asyncio.wait([running, asyncio.create_task(sink.prepared.wait())], return_when=asyncio.FIRST_COMPLETED)
        if sink.prepared.is_set():
            await owner.start()
        await running
    finally:
        await owner.stop()
