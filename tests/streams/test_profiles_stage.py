"""Orders whose money does not count are counted by currency, each batch's once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import CollectorRegistry

from ebbtide.models.intake.accept import Door
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.topics import Topic
from ebbtide.streams.app import partition_counts
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.settings import Settings
from ebbtide.streams.stages import profiles
from ebbtide.streams.stages.context import Context
from ebbtide.streams.transport import App, ConsumerRecord, Output, RecordBatch
from support.raw import NOW, at, messages, track

Agent = Callable[[Any], Awaitable[None]]


class Desk:
    """Plays the app, its stage and its empty table."""

    def __init__(self, batches: list[RecordBatch]) -> None:
        self._batches = batches
        self.assign: Callable[[frozenset[int]], Awaitable[None]]
        self.run: Agent

    def state_table(self, _name: str) -> Desk:
        return self

    def stage(self, _name: str, _topics: list[str], _table: Desk, *, echoes: bool) -> Desk:
        assert echoes
        return self

    def get(self, _partition: int, _key: bytes) -> None:
        return

    def on_assigned(self, assign: Callable[[frozenset[int]], Awaitable[None]]) -> None:
        self.assign = assign

    def on_revoked(self, _revoke: object) -> None:
        return

    async def aside(self, build: Callable[[int], object], partition: int) -> object:
        return build(partition)

    def agent(self, run: Agent) -> Agent:
        self.run = run
        return run

    async def batches(self, _stream: Any, *, linger: float) -> AsyncIterator[list[RecordBatch]]:
        assert linger >= 0
        for batch in self._batches:
            yield [batch]

    async def flush(self, _batches: list[RecordBatch], outputs: Iterable[Output], _writes: object) -> None:
        list(outputs)


def batch(first: int, currencies: list[object]) -> RecordBatch:
    bodies = [
        track("order", at(0, offset), f"o{offset}", properties={"revenue": 10, "currency": currency})
        for offset, currency in enumerate(currencies, first)
    ]
    door, topic = Door(CorePolicy().intake, "t"), Topic.EVENTS.topic_name
    events = [cast(Event, door.accept(message, now_ms=to_ms(NOW))) for message in messages(bodies, first)]
    records = [
        SimpleNamespace(topic=topic, partition=0, offset=offset, key=b"", value=event.to_json())
        for offset, event in enumerate(events, first)
    ]
    return RecordBatch(topic, 0, cast("list[ConsumerRecord]", records), first, first + len(records))


async def test_each_order_without_a_rate_is_counted_once() -> None:
    first, second = batch(0, ["JPY", "USD", "jpy", 5]), batch(4, ["JPY", None])
    desk, settings, metrics = Desk([first, first, second]), Settings(), Metrics(CollectorRegistry())
    profiles.declare(cast(App, desk), Context(settings, metrics, partition_counts(settings)))
    await desk.assign(frozenset({0}))
    await desk.run(None)
    [family] = metrics.orders_without_rate.collect()
    counted = {one.labels["currency"]: one.value for one in family.samples if one.name.endswith("_total")}
    assert counted == {"JPY": 3, "no_code": 1}
