"""`ebbtide sink clickhouse` as a coroutine."""

import asyncio
from collections.abc import Mapping

from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.sinks.kafka_source import KafkaSource
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.settings import ClickHouseSettings, SinkSettings
from ebbtide.streams.sinks.sink import Sink
from ebbtide.streams.sinks.table import Pipeline


async def run_sink(
    settings: SinkSettings,
    clickhouse: ClickHouseSettings,
    *,
    metrics: Metrics,
    stop: asyncio.Event,
    health: SinkHealth | None = None,
    pipelines: Mapping[str, Pipeline] = PIPELINES,
) -> None:
    """Bring scores, alerts, customer records and changes of states into ClickHouse until `stop` is set.

    Waits for a Kafka or a ClickHouse that is away, as long as it takes. Raises MigrationError when the database was
    written by a newer version. `health.reasons` is for the admin port's `/readyz`; `pipelines` are keyed by topic.
    """
    source = KafkaSource(settings, pipelines, metrics)
    writer = ClickHouseWriter(clickhouse)
    await Sink(settings, source, writer, metrics, health=health, pipelines=pipelines).run(stop)
