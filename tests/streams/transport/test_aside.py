"""What is computed beside the loop: the loop turns, and a rebalance or a shutdown waits for its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.transport import App, RecordBatch, Stage
from ebbtide.streams.transport.aside import Aside
from ebbtide.streams.transport.counters import Counters
from support.brokers import create_topics, unique_topic
from support.inline_worker import SeenStage, app_on, numbered, producing, reached, running

RECORDS = 20


class Gate:
    """A computation that begins, and ends when it is let."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self._open = threading.Event()

    def pass_through(self) -> int:
        self.begun += 1
        assert self._open.wait(60)
        self.ended += 1
        return self.ended

    def open(self) -> None:
        self._open.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.open()  # An app does not stop before.


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def aside(gate: Gate) -> AsyncIterator[Aside]:
    made = Aside(Counters())
    yield made
    gate.open()
    await reached(lambda: not made.running, "it ends")


async def test_the_loop_turns_until_the_answer_comes(aside: Aside, gate: Gate) -> None:
    answer = asyncio.ensure_future(aside.run(gate.pass_through))
    await reached(lambda: gate.begun == 1, "it begins")
    assert aside.running == 1
    gate.open()
    assert await answer == 1
    assert aside.running == 0


async def test_an_exception_is_the_callers(aside: Aside) -> None:
    with pytest.raises(ZeroDivisionError):
        await aside.run(divmod, 1, 0)
    assert aside.running == 0


async def test_what_nobody_waits_for_any_more_still_runs(aside: Aside, gate: Gate) -> None:
    answer = asyncio.ensure_future(aside.run(gate.pass_through))
    await reached(lambda: gate.begun == 1, "it begins")
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert aside.running == 1


async def test_one_runs_at_a_time_in_the_order_they_came(aside: Aside, gate: Gate) -> None:
    first = asyncio.ensure_future(aside.run(gate.pass_through))
    second = asyncio.ensure_future(aside.run(lambda: gate.ended))
    await reached(lambda: aside.running == 2 and gate.begun == 1, "both wait")
    gate.open()
    assert [await first, await second] == [1, 1]


@pytest.fixture
async def topic(kafka: KafkaBroker) -> str:
    topic = unique_topic("aside")
    create_topics(kafka.bootstrap, {topic: 2})
    async with producing(kafka.bootstrap) as producer:
        await producer.send_all([output._replace(partition=n % 2) for n, output in enumerate(numbered(topic, RECORDS))])
    return topic


def two_workers(kafka: KafkaBroker, directory: Path) -> tuple[App, App]:
    group = unique_topic("group")
    return (
        app_on(kafka.bootstrap, directory / "one", group, partitions=2),
        app_on(kafka.bootstrap, directory / "other", group, partitions=2),
    )


@asynccontextmanager
async def joining(app: App) -> AsyncIterator[None]:
    """Starts it; that ends only when it has been given partitions."""
    started = asyncio.ensure_future(app.start())
    try:
        yield
    finally:
        await started
        await app.stop()


async def overtaken(app: App, other: App) -> None:
    """A rebalance has begun, and waits for the app; the other has no partitions yet."""
    consumer, waits = app.consumer, []
    wait = consumer.wait

    async def counted(*waited_for: Any, **how: Any) -> Any:
        waits.append(consumer._settled in waited_for)
        return await wait(*waited_for, **how)

    consumer.wait = counted
    await reached(lambda: (app.rebalancing and sum(waits) > 2) or other.health.ready(), "it waits", 30)
    assert not other.health.ready()


async def shared_out(*apps: App) -> None:
    await reached(
        lambda: all(app.health.ready() and len(app.health.partitions()) == 1 for app in apps), "both work", 30
    )


def everything(*stages: SeenStage) -> list[tuple[int, int]]:
    return sorted((batch.partition, record.offset) for seen in stages for batch in seen.batches for record in batch)


ALL = [(partition, offset) for partition in (0, 1) for offset in range(RECORDS // 2)]


@pytest.mark.kafka
async def test_a_rebalance_waits_for_a_batch_that_is_computed_beside_the_loop(
    kafka: KafkaBroker, topic: str, tmp_path: Path, gate: Gate
) -> None:
    async def work(stage: Stage, batches: list[RecordBatch]) -> None:
        await stage.aside(gate.pass_through)
        await stage.flush(batches)

    one, other = two_workers(kafka, tmp_path)
    first, second = SeenStage(one, [topic], work=work), SeenStage(other, [topic])
    async with running(one), gate:
        await reached(lambda: gate.begun == 1, "the first worker computes", 30)
        async with joining(other), gate:
            await overtaken(one, other)
            gate.open()
            await shared_out(one, other)
            await reached(lambda: len(everything(first, second)) >= RECORDS, "all is read")
            # What was computed was flushed and committed before the other worker read on.
            assert everything(first, second) == ALL


@pytest.mark.kafka
async def test_a_rebalance_waits_for_a_shard_that_is_built_and_no_more_are_built_for_what_it_ended(
    kafka: KafkaBroker, topic: str, tmp_path: Path, gate: Gate
) -> None:
    story: list[str] = []

    async def work(stage: Stage, batches: list[RecordBatch]) -> None:
        story.append("batch")
        await stage.flush(batches)

    one, other = two_workers(kafka, tmp_path)
    first, second = SeenStage(one, [topic], work=work), SeenStage(other, [topic])

    @first.stage.on_assigned
    async def build(partitions: frozenset[int]) -> None:
        story.append(f"begun {min(partitions)}")
        await first.stage.aside(gate.pass_through)
        story.append(f"built {min(partitions)}")

    async def assigned(*_anything: Any, **_more: Any) -> None:
        story.append("assigned")

    one.on_partitions_assigned.connect(assigned)
    async with joining(one), gate:
        await reached(lambda: gate.begun == 1, "the first worker builds", 30)
        async with joining(other), gate:
            await overtaken(one, other)
            gate.open()
            await shared_out(one, other)
            await reached(lambda: len(everything(first, second)) >= RECORDS, "all is read")
            assert everything(first, second) == ALL
    assert story[:4] == ["assigned", "begun 0", "built 0", "assigned"]
    assert "batch" in story
