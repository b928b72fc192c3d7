"""`ebbtide deliver` as a coroutine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from aiokafka.errors import KafkaError

from ebbtide.models.delivery.message import KINDS
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.courier import Courier
from ebbtide.streams.deliver.secrets import SecretError
from ebbtide.streams.deliver.standing import STATES, Standings
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.settings import Settings
from ebbtide.streams.sinks.backoff import Backoff
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.transport import BatchProducer

log = logging.getLogger(__name__)

NEEDED = (
    *KINDS,
    Topic.DELIVERIES.topic_name,
    Topic.PARKED_DELIVERIES.topic_name,
    Topic.DELIVERY_REQUESTS.topic_name,
    STATES,
)


def group_of(settings: Settings, endpoint: str) -> str:
    """The consumer group of an endpoint: its cursor."""
    return f"{settings.worker.app_id}-deliver-{endpoint}"


def chosen(settings: Settings, names: Collection[str]) -> list[str]:
    """The endpoints of these names, or all. Raises ``EbbtideError`` on an unknown one, or where there is none."""
    known = settings.deliver.endpoints
    if not known:
        raise EbbtideError("no endpoint is set; see deliver.endpoints in the settings, and `ebbtide config show`")
    if unknown := sorted(set(names) - set(known)):
        raise EbbtideError(f"no such endpoint: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return sorted(names or known)


async def run_deliver(
    settings: Settings, names: Collection[str], *, metrics: Metrics, stop: asyncio.Event, health: SinkHealth
) -> None:
    """Deliver to these endpoints, or all, until ``stop`` is set. Waits for a Kafka that is away.

    Raises ``EbbtideError`` with everything that is wrong with secrets, or where topics are missing.
    """
    connection = client_settings(settings)
    producer = BatchProducer(connection, idempotent=settings.broker.idempotent)
    standings = Standings(connection, health)
    couriers, faults = [], []
    for name in chosen(settings, names):
        try:
            couriers.append(
                Courier(
                    name,
                    settings.deliver.endpoints[name],
                    settings.deliver,
                    connection=connection,
                    group=group_of(settings, name),
                    session_s=settings.worker.session_timeout_seconds,
                    producer=producer,
                    standings=standings,
                    metrics=metrics,
                    health=health,
                )
            )
        except SecretError as error:
            faults.append(str(error))
    if faults:
        raise EbbtideError("; ".join(faults))
    try:
        if await _started(producer, settings, health, stop):
            health.works("start")
            await asyncio.gather(standings.run(stop), *(courier.run(stop) for courier in couriers))
    finally:
        health.failed("start", "delivery has stopped")
        await producer.stop()


async def _started(producer: BatchProducer, settings: Settings, health: SinkHealth, stop: asyncio.Event) -> bool:
    backoff, failures = Backoff(), 0
    while not stop.is_set():
        try:
            await producer.start()
            for topic in NEEDED:
                await producer.partitions_of(topic)
            health.works("broker")
            return True
        except KafkaError as error:
            failures += 1
            fault = f"Kafka at {settings.broker.bootstrap}: {error}"
            health.failed("broker", fault)
            log.warning("%s", fault)
            try:
                await asyncio.wait_for(stop.wait(), backoff.seconds(failures))
            except TimeoutError:
                continue
    return False
