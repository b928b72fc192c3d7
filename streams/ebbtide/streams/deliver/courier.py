"""One endpoint's deliveries: what stays from one connection to Kafka to the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError

from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.exchange import Exchange
from ebbtide.streams.deliver.policy import choice_of
from ebbtide.streams.deliver.secrets import SecretError, Watched, target_of
from ebbtide.streams.deliver.settings import DeliverSettings, EndpointSettings
from ebbtide.streams.deliver.shift import Shift
from ebbtide.streams.deliver.source import SourceUnavailableError
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sinks.backoff import Backoff
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.transport import BatchProducer

log = logging.getLogger(__name__)


class Courier:
    """One endpoint's."""

    def __init__(
        self,
        name: str,
        endpoint: EndpointSettings,
        settings: DeliverSettings,
        *,
        connection: Mapping[str, Any],
        group: str,
        session_s: float,
        producer: BatchProducer,
        metrics: Metrics,
        health: SinkHealth,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.settings = settings
        self.connection = connection
        self.producer = producer
        self.metrics = metrics
        self.health = health
        self.format = FORMATS[endpoint.format]
        self.choice = choice_of(endpoint)
        self.target = target_of(name, endpoint)
        self._watched = Watched(endpoint)
        self.group = group
        self.session_s = session_s
        self._backoff = Backoff()
        self.disabled = False

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set. Waits for a Kafka that is away, as long as it takes."""
        failures = 0
        async with Client(self.endpoint) as client:
            exchange = Exchange(self.name, self.endpoint, client)
            while not stop.is_set():
                shift = Shift(self, exchange)
                try:
                    await shift.run(stop)
                    failures = 0
                except Exception as error:  # whatever it is, it must end no other endpoint's deliveries
                    if not isinstance(error, KafkaError | SourceUnavailableError | OSError):
                        log.exception("%s: a fault of ours", self.name)
                    failures = 1 if shift.worked else failures + 1
                    self.health.failed(self.name, f"{self.name}: {error}")
                    log.warning("%s: begins anew from the last commit: %s", self.name, error)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), self._backoff.seconds(failures))

    def refresh(self) -> None:
        """Take secrets that were changed."""
        if not self._watched.changed():
            return
        try:
            self.target = target_of(self.name, self.endpoint)
            log.info("%s: secrets were read anew", self.name)
        except SecretError as error:
            log.warning("%s; the old ones stay in use", error)
