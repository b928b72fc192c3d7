"""What a channel cost is on the broker before the time that covers it sets out: the two go different ways."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from ebbtide.schemas.base import to_ms
from ebbtide.schemas.topics import Topic
from ebbtide.streams.app import partition_counts
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.settings import Settings
from ebbtide.streams.stages import intake
from ebbtide.streams.stages.context import Context
from ebbtide.streams.transport import App, ConsumerRecord, Output, RecordBatch
from support.raw import at, fact, track

Agent = Callable[[Any], Awaitable[None]]


class Desk:
    """Plays the app, its stage and its producer, and writes down what was sent in which step."""

    def __init__(self, batch: RecordBatch, *, fails: bool = False) -> None:
        self.steps: list[tuple[str, set[str]]] = []
        self.batch_producer = self
        self._batch, self._fails = batch, fails
        self.run: Agent

    def stage(self, _name: str, _topics: list[str]) -> Desk:
        return self

    def on_assigned(self, assign: Callable[[frozenset[int]], None]) -> None:
        assign(frozenset({0}))

    def on_revoked(self, _revoke: Callable[[frozenset[int]], None]) -> None:
        return

    def task(self, _task: Callable[[], Awaitable[None]]) -> None:
        return

    def agent(self, run: Agent) -> Agent:
        self.run = run
        return run

    async def batches(self, _stream: Any, *, linger: float) -> AsyncIterator[list[RecordBatch]]:
        assert linger >= 0
        yield [self._batch]

    async def send_all(self, outputs: Iterable[Output]) -> None:
        self.steps.append(("sent", {output.topic for output in outputs}))
        if self._fails:
            raise ConnectionError

    async def flush(self, _batches: list[RecordBatch], outputs: Iterable[Output]) -> None:
        self.steps.append(("flushed", {output.topic for output in outputs}))


def batch(bodies: list[dict[str, Any]]) -> RecordBatch:
    topic = Topic.RAW_CRM.topic_name
    records = [
        SimpleNamespace(
            topic=topic,
            partition=0,
            offset=offset,
            timestamp=to_ms(at(10)),
            key=None,
            value=json.dumps(body).encode(),
            headers=(),
        )
        for offset, body in enumerate(bodies)
    ]
    return RecordBatch(topic, 0, cast("list[ConsumerRecord]", records), 0, len(records))


def begun(desk: Desk) -> Agent:
    settings = Settings()
    intake.declare(cast(App, desk), Context(settings, Metrics(CollectorRegistry()), partition_counts(settings)))
    return desk.run


def spend() -> dict[str, Any]:
    data = {"channel": "search", "amount": 12.5, "currency": "USD", "clicks": 3}
    return fact("channel.spend", at(0), "spend", {}) | {"data": data}


async def test_spend_is_acknowledged_before_anything_else_is_sent() -> None:
    desk = Desk(batch([spend(), track("query", at(9), "later")]))
    await begun(desk)(None)
    assert desk.steps == [("sent", {"grid-summaries"}), ("flushed", {"events"})]


async def test_without_it_nothing_tells_time() -> None:
    desk = Desk(batch([spend(), track("query", at(9), "later")]), fails=True)
    with pytest.raises(ConnectionError):
        await begun(desk)(None)
    assert desk.steps == [("sent", {"grid-summaries"})]


async def test_what_has_no_spend_goes_in_one_step() -> None:
    desk = Desk(batch([track("query", at(9), "alone")]))
    await begun(desk)(None)
    assert desk.steps == [("flushed", {"events"})]
