"""Nobody is told that it is stored before it is; and nobody waits for ever, nor does anything pile up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from ebbtide.streams.collector import store as store_module
from ebbtide.streams.collector.store import Store, StoreUnavailableError
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.transport import Output
from support.scripted_producer import ScriptedProducer, until

PATIENCE = 0.3


def outputs(*names: str) -> list[Output]:
    return [Output("raw-behavior", name.encode(), b"{}") for name in names]


def keys(group: list[Output]) -> list[str]:
    return [(output.key or b"").decode() for output in group]


@pytest.fixture
def producer() -> ScriptedProducer:
    return ScriptedProducer()


@pytest.fixture
async def store(producer: ScriptedProducer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    monkeypatch.setattr(store_module, "AGAIN_S", 0.01)
    made = Store(lambda: producer, patience=PATIENCE, metrics=Metrics(CollectorRegistry()))
    assert made.fault() is not None
    made.start()
    await until(lambda: made.fault() is None)
    yield made
    producer.answers.set()
    await made.stop()


async def test_it_returns_when_the_broker_acknowledged_and_not_before(store: Store, producer: ScriptedProducer) -> None:
    producer.answers.clear()
    first = asyncio.create_task(store.put(outputs("a")))
    await asyncio.sleep(0.05)
    assert not first.done()
    producer.answers.set()
    await first
    assert keys(producer.acknowledged) == ["a"]


async def test_what_comes_meanwhile_goes_together(store: Store, producer: ScriptedProducer) -> None:
    producer.answers.clear()
    waiting = [asyncio.create_task(store.put(outputs("a")))]
    await until(lambda: producer.groups)
    waiting += [asyncio.create_task(store.put(outputs(f"b{n}", f"c{n}"))) for n in range(5)]
    await asyncio.sleep(0.02)
    producer.answers.set()
    await asyncio.gather(*waiting)
    assert [keys(group) for group in producer.groups] == [["a"], [k for n in range(5) for k in (f"b{n}", f"c{n}")]]


async def test_a_silent_broker_is_told_in_time_and_then_at_once(store: Store, producer: ScriptedProducer) -> None:
    producer.answers.clear()
    first, second = asyncio.create_task(store.put(outputs("a"))), None
    await until(lambda: producer.groups)
    second = asyncio.create_task(store.put(outputs("b")))
    for task in (first, second):
        with pytest.raises(StoreUnavailableError, match="has not acknowledged within"):
            await task
    began = asyncio.get_running_loop().time()
    with pytest.raises(StoreUnavailableError, match="has not acknowledged for"):
        await store.put(outputs("c"))
    assert asyncio.get_running_loop().time() - began < PATIENCE / 2
    # It comes back: what was under way is through, what gave up before it set out was never sent.
    producer.answers.set()
    await until(lambda: store.fault() is None)
    await store.put(outputs("d"))
    assert keys(producer.acknowledged) == ["a", "d"]


@pytest.mark.parametrize("fault", [KafkaError("out of order"), OSError("gone"), RuntimeError("a bug")])
async def test_a_failed_group_is_told_to_all_of_it_and_the_producer_is_made_anew(
    store: Store, producer: ScriptedProducer, fault: Exception
) -> None:
    producer.fault = fault
    results = await asyncio.gather(*(store.put(outputs(str(n))) for n in range(3)), return_exceptions=True)
    assert all(isinstance(result, StoreUnavailableError) for result in results)
    assert store.fault() is not None
    producer.fault = None
    await until(lambda: store.fault() is None)
    assert producer.started == 2
    await store.put(outputs("again"))
    assert keys(producer.acknowledged) == ["again"]


async def test_nothing_to_store_needs_no_broker(store: Store, producer: ScriptedProducer) -> None:
    producer.fault = KafkaError("away")
    await store.put([])


async def test_at_the_end_who_waits_is_told(producer: ScriptedProducer) -> None:
    made = Store(lambda: producer, patience=60, metrics=Metrics(CollectorRegistry()))
    made.start()
    await until(lambda: made.fault() is None)
    producer.answers.clear()
    waiting = [asyncio.create_task(made.put(outputs("a")))]
    await until(lambda: producer.groups)
    waiting.append(asyncio.create_task(made.put(outputs("b"))))
    await asyncio.sleep(0.02)
    await made.stop()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, StoreUnavailableError) for result in results)
    with pytest.raises(StoreUnavailableError):
        await made.put(outputs("c"))


async def test_a_topic_that_is_not_there_is_named_and_waited_for(
    producer: ScriptedProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "AGAIN_S", 0.01)
    monkeypatch.setattr(store_module, "START_S", 0.05)
    there = asyncio.Event()

    async def partitions_of(topic: str) -> int:
        if topic == "feedback":
            await there.wait()
        return 4

    monkeypatch.setattr(producer, "partitions_of", partitions_of)
    metrics = Metrics(CollectorRegistry())
    made = Store(lambda: producer, patience=PATIENCE, metrics=metrics)
    made.start()
    try:
        await until(lambda: "topic feedback; is it there? `ebbtide topics create` makes it" in (made.fault() or ""))
        assert metrics.collector_broker_up._value.get() == 0
        there.set()
        await until(lambda: made.fault() is None)
        assert metrics.collector_broker_up._value.get() == 1
    finally:
        await made.stop()
