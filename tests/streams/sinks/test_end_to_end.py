"""Kafka to ClickHouse, both real: every record once, through outages of either side's reader or writer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from prometheus_client import CollectorRegistry

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sinks.backoff import Backoff
from ebbtide.streams.sinks.clickhouse.run import run_sink
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.sinks.kafka_source import KafkaSource
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.settings import SinkSettings
from support.brokers import create_topics, unique_topic
from support.clickhouse import ClickHouseServer, unique_database
from support.history import alert, customer_record, score, state_change

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

PARTITIONS = 4


@dataclass
class History:
    """Topics, group and database of one test, with as many sinks as it starts."""

    kafka: KafkaBroker
    clickhouse: ClickHouseServer
    topics: dict[str, str] = field(default_factory=lambda: {name: unique_topic(name) for name in PIPELINES})
    group: str = field(default_factory=lambda: f"sink-{uuid4().hex[:8]}")
    database: str = field(default_factory=unique_database)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))
    health: SinkHealth = field(default_factory=SinkHealth)

    async def send(self, name: str, values: list[bytes]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap, acks="all", linger_ms=5)
        await producer.start()
        try:
            for number, value in enumerate(values):
                await producer.send(self.topics[name], value, partition=number % PARTITIONS)
        finally:
            await producer.stop()

    async def take_back(self, customer_id: str, version: int) -> None:
        headers = [(TENANT_HEADER, b"default"), (VERSION_HEADER, str(version).encode())]
        topic = self.topics["customer-records"]
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap)
        await producer.start()
        try:
            await producer.send_and_wait(topic, None, key=customer_id.encode(), headers=headers)
        finally:
            await producer.stop()

    @asynccontextmanager
    async def sink(self, metrics: Metrics | None = None) -> AsyncIterator[None]:
        """One member of the group, stopped in order at the end."""
        settings = SinkSettings(
            self.kafka.bootstrap, self.group, batch_rows=500, flush_s=0.1, backoff=Backoff(0.05, 0.2)
        )
        pipelines = {
            self.topics[name]: replace(pipeline, topic=self.topics[name]) for name, pipeline in PIPELINES.items()
        }
        stop = asyncio.Event()
        task = asyncio.create_task(
            run_sink(
                settings,
                ClickHouseWriter(self.clickhouse.settings(self.database)),
                metrics=metrics or self.metrics,
                stop=stop,
                health=self.health,
                pipelines=pipelines,
            )
        )
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 30)

    def count(self, relation: str) -> int:
        try:
            return int(self.clickhouse.query(self.database, f"SELECT count() FROM {relation}")[0][0])
        except Exception:  # not there yet, or away on purpose
            return -1

    async def committed(self, name: str) -> int:
        """Offsets of a topic that the group has committed, summed."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, group_id=self.group)
        await consumer.start()
        try:
            partitions = [TopicPartition(self.topics[name], number) for number in range(PARTITIONS)]
            return sum([await consumer.committed(partition) or 0 for partition in partitions])
        finally:
            await consumer.stop()


async def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await asyncio.to_thread(condition):
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(0.05)


@pytest.fixture
def history(kafka: KafkaBroker, clickhouse: ClickHouseServer) -> History:
    history = History(kafka, clickhouse)
    create_topics(kafka.bootstrap, dict.fromkeys(history.topics.values(), PARTITIONS))
    return history


def scores(first: int, last: int) -> list[bytes]:
    return [score(f"acct-{number % 97}", number).to_json() for number in range(first, last)]


async def test_every_contract_arrives_once_and_is_committed(history: History) -> None:
    await history.send("scores", [*scores(0, 2000), b"{}"])
    await history.send("alerts", [alert(f"al-{number}").to_json() for number in range(300)])
    await history.send("customer-records", [customer_record(f"c-{number}").to_json() for number in range(200)])
    await history.send("state-changes", [state_change(number).to_json() for number in range(400)])
    async with history.sink():
        await until(lambda: history.count("scores_once") == 2000, "all scores are there")
        await until(lambda: history.count("alerts_once") == 300, "all alerts are there")
        await until(lambda: history.count("customer_records_once") == 200, "all customer records are there")
        await until(lambda: history.count("state_changes_once") == 400, "all changes of states are there")
        assert history.health.reasons() == []
    assert history.count("scores") == 2000  # nothing was written twice either
    assert await history.committed("scores") == 2001
    value = history.metrics.registry.get_sample_value
    labels = {"sink": "clickhouse", "topic": history.topics["scores"], "reason": "invalid"}
    assert value("ebbtide_sink_bad_records_total", labels) == 1
    assert value("ebbtide_sink_rows_total", {"sink": "clickhouse", "table": "scores"}) == 2000


async def test_a_record_that_is_taken_back_is_shown_no_more(history: History) -> None:
    await history.send("customer-records", [customer_record(name, version=3).to_json() for name in ("goes", "stays")])
    await history.take_back("goes", version=4)
    async with history.sink():
        await until(lambda: history.count("customer_tombstones") == 1, "the tombstone is there")
        await until(lambda: history.count("customer_records_once") == 2, "history stays")
    shown = history.clickhouse.query(history.database, "SELECT customer_id FROM latest_customer_records")
    assert shown == [("stays",)]


async def test_lag_is_shown_and_falls_to_zero(history: History) -> None:
    def lag() -> list[float | None]:
        value = history.metrics.registry.get_sample_value
        labels = [{"topic": history.topics["scores"], "partition": str(number)} for number in range(PARTITIONS)]
        return [value("ebbtide_consumer_lag_records", each) for each in labels]

    await history.send("scores", scores(0, 400))
    async with history.sink():
        await until(lambda: lag() == [0.0] * PARTITIONS, "the lag is 0 everywhere")
    assert lag() == [None] * PARTITIONS  # the partitions are not ours any more


async def test_what_comes_while_the_server_is_dead_waits_in_kafka(history: History) -> None:
    await history.send("scores", scores(0, 1000))
    async with history.sink():
        await until(lambda: history.count("scores_once") == 1000, "the first scores are there")
        await asyncio.to_thread(history.clickhouse.kill)
        try:
            await history.send("scores", scores(1000, 3000))
            await until(lambda: bool(history.health.reasons()), "the sink says that it is not ready")
            assert "clickhouse takes no rows" in history.health.reasons()[0]
            assert await history.committed("scores") == 1000
        finally:
            await asyncio.to_thread(history.clickhouse.start)
        await until(lambda: history.count("scores_once") == 3000, "the sink caught up")
        await until(lambda: history.health.reasons() == [], "the sink is ready again")
    assert await history.committed("scores") == 3000


async def test_rows_of_a_sink_that_died_before_every_commit_show_once(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies_first(source: KafkaSource, offsets: object) -> bool:
        return False

    await history.send("scores", scores(0, 3000))
    with monkeypatch.context() as patch:
        patch.setattr(KafkaSource, "commit", dies_first)
        async with history.sink():
            await until(lambda: history.count("scores_once") == 3000, "the first sink wrote everything")
    assert await history.committed("scores") == 0
    again = Metrics(CollectorRegistry())
    async with history.sink(again):
        written = {"sink": "clickhouse", "table": "scores"}
        await until(
            lambda: again.registry.get_sample_value("ebbtide_sink_rows_total", written) == 3000,
            "the second sink wrote everything again",
        )
    assert history.count("scores_once") == 3000
    assert history.count("scores FINAL") == 3000
    assert await history.committed("scores") == 3000


async def test_two_sinks_share_the_partitions(history: History) -> None:
    other = Metrics(CollectorRegistry())
    await history.send("scores", scores(0, 500))
    async with history.sink():
        await until(lambda: history.count("scores_once") == 500, "the first sink reads")
        async with history.sink(other):
            for first in range(500, 30_000, 500):
                await history.send("scores", scores(first, first + 500))
                await until(lambda done=first + 500: history.count("scores_once") == done, "all scores are there")  # type: ignore[misc]
                if other.registry.get_sample_value(
                    "ebbtide_sink_rows_total", {"sink": "clickhouse", "table": "scores"}
                ):
                    break
            else:
                pytest.fail("the second sink got nothing")
    assert await history.committed("scores") == first + 500
