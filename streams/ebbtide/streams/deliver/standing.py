"""Which endpoints are disabled: topic `endpoint-states`, read to its end before anything is sent, and followed then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from ebbtide.models.delivery.standing import is_disabled
from ebbtide.schemas.deliveries import EndpointState
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.secrets import SecretError, target_of
from ebbtide.streams.settings import Settings
from ebbtide.streams.sinks.backoff import Backoff
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.topic_reader import NoTopicError, read_topic
from ebbtide.streams.transport import Output

log = logging.getLogger(__name__)

STATES = Topic.ENDPOINT_STATES.topic_name
POLL_MS = 500


class Standings:
    """What is known of all endpoints, in one process for all of them."""

    def __init__(self, connection: Mapping[str, Any], health: SinkHealth) -> None:
        self._connection = dict(connection)
        self._health = health
        self._read: dict[str, EndpointState] = {}
        self._own: dict[str, EndpointState] = {}
        self._backoff = Backoff()
        self._failures = 0
        self.known = asyncio.Event()
        """Set once all is read that was there."""

    def of(self, endpoint: str) -> EndpointState | None:
        """What was said last."""
        return self._own.get(endpoint) or self._read.get(endpoint)

    def decide(self, state: EndpointState) -> None:
        """It was decided here, and counts before it is read back: what lies before it on the topic is older."""
        self._own[state.endpoint] = state

    def learn(self, states: Iterable[EndpointState]) -> None:
        """They were read, in this order."""
        for state in states:
            self._read[state.endpoint] = state
            own = self._own.get(state.endpoint)
            if own is not None and (state == own or state.decided_at > own.decided_at):
                del self._own[state.endpoint]

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the topic until ``stop`` is set. While Kafka is away, what was known stays."""
        while not stop.is_set():
            try:
                await self._follow(stop)
            except Exception as error:  # whatever it is, it must end nobody's deliveries
                if not isinstance(error, KafkaError | OSError):
                    log.exception("a fault of ours")
                self._failures += 1
                self._health.failed(STATES, f"{STATES}: {error}")
                log.warning("%s cannot be read: %s", STATES, error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._backoff.seconds(self._failures))

    async def _follow(self, stop: asyncio.Event) -> None:
        consumer = AIOKafkaConsumer(
            STATES, **self._connection, enable_auto_commit=False, auto_offset_reset="earliest", group_id=None
        )
        try:
            await consumer.start()
            partitions = list(consumer.assignment())
            ends = await consumer.end_offsets(partitions)
            # Of an endpoint only the last counts: nothing is believed before all is read, neither at first nor again.
            found: list[EndpointState] = []
            caught_up = False
            while not stop.is_set():
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    found += _states(records)
                caught_up = caught_up or all([await consumer.position(tp) >= ends[tp] for tp in partitions])
                if caught_up:
                    self.learn({state.endpoint: state for state in found}.values())
                    found, self._failures = [], 0
                    self.known.set()
                    self._health.works(STATES)
        finally:
            await consumer.stop()


def read_states(settings: Settings) -> dict[str, EndpointState]:
    """What was said last of each endpoint. Raises ``EbbtideError`` where Kafka cannot be read."""
    try:
        return {state.endpoint: state for state in _states(read_topic(settings, STATES))}
    except NoTopicError:  # nothing was delivered yet, or not since it is declared
        return {}


def disabled_now(settings: Settings) -> list[EndpointState]:
    """Those of the settings' endpoints that are sent nothing. Raises ``EbbtideError`` where Kafka cannot be read."""
    states = read_states(settings)
    return [states[name] for name in sorted(settings.deliver.endpoints) if _applies(settings, states.get(name))]


def told(state: EndpointState) -> str:
    """It in words, with what to do."""
    return (
        f"{state.endpoint} answered 410 Gone at {state.decided_at:%Y-%m-%d %H:%M:%S} UTC and is not asked any more; "
        f"its records wait in Kafka. Correct its url or take it out of the settings; if it is there again, "
        f"`ebbtide deliveries enable {state.endpoint}`"
    )


def output_of(state: EndpointState) -> Output:
    """As it is written down."""
    return Output(STATES, state.endpoint.encode(), state.to_json())


def _applies(settings: Settings, state: EndpointState | None) -> bool:
    if state is None:
        return False
    try:
        url = target_of(state.endpoint, settings.deliver.endpoints[state.endpoint]).url
    except SecretError:  # an address that cannot be read now; it was this one's when it answered
        return state.disabled
    return is_disabled(state, url)


def _states(records: Iterable[Any]) -> Iterator[EndpointState]:
    for record in records:
        try:
            yield EndpointState.from_json(record.value or b"")
        except ValidationError as error:
            log.error("cannot read %s/%d/%d: %s", record.topic, record.partition, record.offset, error)
