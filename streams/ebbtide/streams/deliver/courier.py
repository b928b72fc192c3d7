"""One endpoint's deliveries: what stays from one connection to Kafka to the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiokafka.errors import KafkaError

from ebbtide.models.delivery.formats.registry import FORMATS
from ebbtide.models.delivery.standing import disabled, is_disabled
from ebbtide.schemas.deliveries import EndpointState
from ebbtide.streams.deliver.client import Client
from ebbtide.streams.deliver.exchange import Exchange
from ebbtide.streams.deliver.policy import choice_of
from ebbtide.streams.deliver.secrets import SecretError, Watched, target_of
from ebbtide.streams.deliver.settings import DeliverSettings, EndpointSettings
from ebbtide.streams.deliver.shift import Shift
from ebbtide.streams.deliver.source import SourceUnavailableError
from ebbtide.streams.deliver.standing import Standings, output_of
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
        standings: Standings,
        metrics: Metrics,
        health: SinkHealth,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.settings = settings
        self.connection = connection
        self.producer = producer
        self._standings = standings
        self._unwritten: EndpointState | None = None
        self.metrics = metrics
        self.health = health
        self.format = FORMATS[endpoint.format]
        self.choice = choice_of(endpoint)
        self.target = target_of(name, endpoint)
        self._watched = Watched(endpoint)
        self.group = group
        self.session_s = session_s
        self._backoff = Backoff()

    @property
    def disabled(self) -> EndpointState | None:
        """What it answered that nothing is sent to it, if so."""
        state = self._standings.of(self.name)
        return state if is_disabled(state, self.target.url) else None

    def disable(self, said: str) -> None:
        """It answered 410: from now on here, and wherever it is read once `write_standing` came to pass."""
        self._unwritten = disabled(self.name, self.target.url, said, datetime.now(UTC))
        self._standings.decide(self._unwritten)

    async def write_standing(self) -> None:
        """Write down what was decided here; where Kafka does not take it, the next call tries again."""
        state = self._unwritten
        if state is not None:
            await self.producer.send_all([output_of(state)])
            if self._unwritten is state:
                self._unwritten = None

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until ``stop`` is set. Waits for a Kafka that is away, as long as it takes."""
        failures = 0
        await self._standings_known(stop)
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

    async def _standings_known(self, stop: asyncio.Event) -> None:
        """Who does not know whether it may ask does not."""
        waits = [asyncio.create_task(one.wait()) for one in (self._standings.known, stop)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    def refresh(self) -> None:
        """Take secrets that were changed."""
        if not self._watched.changed():
            return
        try:
            self.target = target_of(self.name, self.endpoint)
            log.info("%s: secrets were read anew", self.name)
        except SecretError as error:
            log.warning("%s; the old ones stay in use", error)
