"""What reaches an agent, and what is committed, on Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource
from faust.exceptions import PartitionsMismatch

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.transport import App, Output, RecordBatch, Stage
from ebbtide.streams.transport.driver import Consumer
from support.brokers import create_topics, kafka, unique_topic
from support.inline_worker import SeenStage, app_on, numbered, producing, reached, running

__all__ = ["kafka"]

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(kafka: KafkaBroker) -> str:
    topic = unique_topic("delivery")
    create_topics(kafka.bootstrap, {topic: 1})
    return topic


@pytest.fixture
def app(kafka: KafkaBroker, tmp_path: Path) -> App:
    return app_on(kafka.bootstrap, tmp_path, f"seen-{uuid4().hex[:8]}", max_poll_records=50, in_flight_batches=2)


@asynccontextmanager
async def nothing_fetched(app: App) -> AsyncIterator[None]:
    asked: list[bool] = []

    def nothing() -> frozenset[Any]:
        asked.append(True)
        return frozenset()

    app.consumer._wanted = nothing
    try:
        # A poll that is under way still brings what is sent now; the next question comes after it.
        await reached(lambda: len(asked) > 2, "no poll is under way")
        yield
    finally:
        del app.consumer._wanted


def delivered(app: App, records: int) -> bool:
    return app.counters.records == records


def committed(app: App, topic: str) -> int | None:
    return next((part.committed for tp, part in app.health.partitions().items() if tp.topic == topic), None)


async def test_a_skipped_offset_is_noticed_and_read_again(kafka: KafkaBroker, topic: str, app: App) -> None:
    seen = SeenStage(app, [topic])
    async with running(app), producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 100))
        await reached(lambda: len(seen.offsets) == 100, "the first hundred")
        assert app.health.ready()
        async with nothing_fetched(app):
            await producer.send_all(numbered(topic, 100))
            await app.consumer._thread.seek_to({(topic, 0): 150})
        await reached(lambda: len(seen.offsets) >= 200, "all of them")
        assert seen.offsets == list(range(200))
        assert (app.counters.gaps, app.counters.lost_records) == (1, 0)


async def test_records_that_retention_took_are_counted_and_do_not_stop_the_rest(
    kafka: KafkaBroker, topic: str, app: App
) -> None:
    seen = SeenStage(app, [topic])
    async with running(app), producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 10))
        await reached(lambda: len(seen.offsets) == 10, "the first ten")
        async with nothing_fetched(app):
            await producer.send_all(numbered(topic, 90))
            admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
            admin.delete_records([TopicPartition(topic, 0, 60)])[TopicPartition(topic, 0)].result(10)
            # Drops what aiokafka fetched before.
            await app.consumer._thread.seek_to({(topic, 0): 10})
        await reached(lambda: len(seen.offsets) == 50, "what is left")
        assert seen.offsets == [*range(10), *range(60, 100)]
        await reached(lambda: committed(app, topic) == 100, "the commit goes on")
        assert (app.counters.gaps, app.counters.lost_records) == (1, 50)


async def test_control_records_are_neither_gaps_nor_lag(kafka: KafkaBroker, topic: str, app: App) -> None:
    seen = SeenStage(app, [topic])
    writer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": topic})
    writer.init_transactions(10)
    async with running(app):
        for _ in range(3):
            writer.begin_transaction()
            for number in range(5):
                writer.produce(topic, b"v%d" % number, partition=0)
            writer.commit_transaction(10)
        # Offsets 5, 11 and 17 are commit markers.
        await reached(lambda: committed(app, topic) == 18, "all committed, the last marker too")
        assert len(seen.offsets) == 15
        assert app.health.lag() == 0
        assert app.counters.gaps == 0


async def test_a_slow_agent_gets_no_more_than_it_may_hold_and_loses_nothing(
    kafka: KafkaBroker, topic: str, app: App
) -> None:
    seen = SeenStage(app, [topic])
    seen.may_flush.clear()
    async with running(app), producing(kafka.bootstrap, batch_bytes=2000) as producer:
        for _ in range(20):
            await producer.send_all(numbered(topic, 50))
        await reached(lambda: app.counters.batches > 0, "the first batch")
        delivered = app.counters.batches
        # One fetch may bring more than is allowed in flight, and is delivered; no other follows.
        await reached(lambda: app.health.lag() > 0 and not app.consumer._wanted(), "back-pressure")
        assert committed(app, topic) is None
        delivered = app.counters.batches
        seen.may_flush.set()
        await reached(lambda: committed(app, topic) == 1000, "all committed")
        assert seen.offsets == list(range(1000))
        assert delivered <= 20


async def test_who_is_behind_flushes_what_came_meanwhile_at_once(kafka: KafkaBroker, topic: str, app: App) -> None:
    flushed: list[list[int]] = []
    may_flush = asyncio.Event()

    async def note(stage: Stage, batches: list[RecordBatch]) -> None:
        await may_flush.wait()
        flushed.append([len(batch) for batch in batches])
        await stage.flush(batches)

    seen = SeenStage(app, [topic], work=note)
    async with running(app), producing(kafka.bootstrap) as producer:
        for sent in range(10, 60, 10):
            await producer.send_all(numbered(topic, 10))
            await reached(partial(delivered, app, sent), f"{sent} records delivered")
        await producer.send_all(numbered(topic, 10))
        await reached(lambda: not app.consumer._wanted(), "back-pressure: the agent has 50 records")
        may_flush.set()
        await reached(lambda: committed(app, topic) == 60, "all committed")
        assert flushed == [[10], [10] * 4, [10]]
        assert seen.offsets == list(range(60))


async def test_no_flush_has_more_records_of_a_partition_than_a_batch_may_have(
    kafka: KafkaBroker, topic: str, app: App
) -> None:
    flushed: list[int] = []

    async def note(stage: Stage, batches: list[RecordBatch]) -> None:
        flushed.append(sum(map(len, batches)))
        await stage.flush(batches)

    SeenStage(app, [topic], work=note)
    async with producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 480))
    async with running(app):
        await reached(lambda: committed(app, topic) == 480, "all committed")
    assert max(flushed) == 50


async def test_batches_of_several_topics_are_flushed_together(kafka: KafkaBroker, topic: str, app: App) -> None:
    other = unique_topic("other")
    create_topics(kafka.bootstrap, {other: 1})
    together: list[set[str]] = []

    async def note(stage: Stage, batches: list[RecordBatch]) -> None:
        together.append({batch.topic for batch in batches})
        await stage.flush(batches)

    SeenStage(app, [topic, other], work=note)
    async with producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 200) + numbered(other, 200))
    async with running(app):
        await reached(lambda: committed(app, topic) == 200 and committed(app, other) == 200, "all committed")
        assert {topic, other} in together
        assert app.counters.flushes < 8


async def test_a_worker_without_partitions_is_spare_and_not_stalled(
    kafka: KafkaBroker, topic: str, app: App, tmp_path: Path
) -> None:
    SeenStage(app, [topic])
    second = app_on(kafka.bootstrap, tmp_path / "second", app.config.app_id)
    SeenStage(second, [topic])
    async with running(app), running(second):
        await reached(lambda: app.health.ready() != second.health.ready(), "one has the partition")
        await reached(lambda: app.health.spare() or second.health.spare(), "the other is spare")


async def test_each_batch_counts_once_for_each_of_its_readers(kafka: KafkaBroker, topic: str, app: App) -> None:
    quick, slow = SeenStage(app, [topic], "quick"), SeenStage(app, [topic], "slow")
    slow.may_flush.clear()
    async with running(app), producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 10))
        await reached(lambda: app.counters.flushes == 1 and len(slow.offsets) == 10, "the quick one is done")
        assert app.health.lag() == 10
        slow.may_flush.set()
        await reached(lambda: committed(app, topic) == 10, "committed after both")
        assert quick.offsets == slow.offsets


async def test_a_shard_is_built_from_the_table_before_its_first_batch(
    kafka: KafkaBroker, topic: str, app: App, tmp_path: Path
) -> None:
    async def store(stage: Stage, batches: list[RecordBatch]) -> None:
        writes: dict[int, dict[bytes, bytes | None]] = {0: {r.key or b"": r.value for b in batches for r in b}}
        await stage.flush(batches, writes=writes)

    story: list[str] = []
    first = SeenStage(app, [topic], work=store)
    async with running(app), producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 3))
        await producer.send_all([Output(topic, b"k1", None, partition=0)])
        await reached(lambda: committed(app, topic) == 4, "all committed")
    assert len(first.offsets) == 4

    again = app_on(kafka.bootstrap, tmp_path / "again", app.config.app_id)
    second = SeenStage(again, [topic])
    table = second.stage.table
    assert table is not None
    second.stage.on_assigned(lambda partitions: story.append(f"built {sorted(partitions)} {dict(table.items(0))}"))
    async with running(again), producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 1))
        await reached(lambda: bool(second.batches), "the next batch")
        assert second.offsets == [4]
        assert story == ["built [0] {b'k0': b'v0', b'k2': b'v2'}"]
        assert again.counters.recovered_records > 0


async def test_an_exception_in_an_agent_ends_the_worker_and_acknowledges_nothing(
    kafka: KafkaBroker, topic: str, app: App
) -> None:
    async def fail(stage: Stage, batches: list[RecordBatch]) -> None:
        raise RuntimeError("a bug")

    SeenStage(app, [topic], work=fail)
    async with running(app), producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(topic, 10))
        await reached(lambda: app.crashed, "the crash")
        await app.consumer.commit()
        assert committed(app, topic) is None


async def test_partition_counts_must_agree(kafka: KafkaBroker, topic: str, app: App) -> None:
    other = unique_topic("two")
    create_topics(kafka.bootstrap, {other: 2})
    SeenStage(app, [topic, other])
    await app.start()
    await reached(lambda: app.crashed, "the crash")
    assert isinstance(app.crash_reason, PartitionsMismatch)
    await app.stop()


async def test_topics_must_exist(kafka: KafkaBroker, topic: str, app: App) -> None:
    SeenStage(app, [topic, "nobody-made-this"])
    app.batch_producer._settings["request_timeout_ms"] = 500
    await app.start()
    await reached(lambda: app.crashed, "the crash")
    assert "'nobody-made-this' does not exist" in str(app.crash_reason)
    await app.stop()


async def test_only_changelogs_are_created_and_they_are_compacted(kafka: KafkaBroker, topic: str, app: App) -> None:
    SeenStage(app, [topic])
    async with running(app):
        name = f"{app.config.app_id}-seen-changelog"
        reader = app.batch_producer
        assert await reader.partitions_of(name) == 1
        resource = ConfigResource(ConfigResource.Type.TOPIC, name)
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        config = admin.describe_configs([resource])[resource].result(10)
        assert config["cleanup.policy"].value == "compact"
        assert not app.conf.web_enabled
        assert f"{app.config.app_id}-__assignor-__leader" not in app.topics._topic_name_index


async def test_records_wait_until_the_rebalance_is_over(kafka: KafkaBroker, topic: str, app: App) -> None:
    # Two covers against #596, each of which suffices: flow is held while recovery seeks, and streams are held while a
    # rebalance runs.
    SeenStage(app, [topic])
    flow_at_seek: list[bool] = []
    seek = Consumer.perform_seek

    async def observed(self: Consumer) -> None:
        flow_at_seek.append(self.flow_active or self.app.flow_control.is_active())
        await seek(self)

    app.consumer.perform_seek = observed.__get__(app.consumer)
    async with running(app):
        await reached(app.health.ready, "ready")
        assert flow_at_seek == [False]
        assert app.consumer._wanted() == {(topic, 0)}
        app.rebalancing = True
        assert app.consumer._wanted() == frozenset()
        app.rebalancing = False


async def test_answers_wait_until_what_they_answer_was_read_again(kafka: KafkaBroker, app: App) -> None:
    """By whoever takes over: up to where the first input ended then, and no further."""
    said, answers = unique_topic("said"), unique_topic("answers")
    create_topics(kafka.bootstrap, {said: 1, answers: 1})
    seen = SeenStage(app, [said, answers], echoes=True)
    seen.may_flush.clear()
    async with producing(kafka.bootstrap) as producer:
        await producer.send_all(numbered(answers, 1))
        await producer.send_all(numbered(said, 100))
        async with running(app):
            await reached(lambda: len(seen.offsets) > 0, "the first batch")
            wanted = app.consumer._wanted
            # Delivered and not flushed is not said again.
            assert (answers, 0) not in wanted()
            seen.may_flush.set()
            await reached(lambda: len(seen.offsets) == 101, "the answer, and all that was said")
            topics = [batch.topic for batch in seen.batches]
            assert topics.index(answers) == len(topics) - 1
            # From here on neither waits for the other.
            seen.may_flush.clear()
            await producer.send_all(numbered(said, 1))
            await reached(lambda: len(seen.offsets) == 102, "what is said now")
            await producer.send_all(numbered(answers, 1))
            assert (answers, 0) in wanted()
            seen.may_flush.set()
            await reached(lambda: len(seen.offsets) == 103, "its answer")


async def test_nothing_waits_for_records_that_are_gone(kafka: KafkaBroker, app: App) -> None:
    said, answers = unique_topic("said"), unique_topic("answers")
    create_topics(kafka.bootstrap, {said: 1, answers: 1})
    seen = SeenStage(app, [said, answers], echoes=True)
    async with producing(kafka.bootstrap) as producer:
        await producer.send_all([*numbered(said, 10), *numbered(answers, 1)])
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
        admin.delete_records([TopicPartition(said, 0, 10)])[TopicPartition(said, 0)].result(10)
        async with running(app):
            await reached(lambda: len(seen.offsets) == 1, "the answer")
            assert seen.batches[0].topic == answers
