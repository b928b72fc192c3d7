"""Records are sent in order, to Java's partitions, and acknowledged; or it raises."""

from typing import Any

import pytest
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from confluent_kafka import Consumer, Producer, TopicPartition

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.transport import Output
from ebbtide.streams.transport.partitioner import partition_of
from support.brokers import create_topics, kafka, unique_topic
from support.inline_worker import producing

__all__ = ["kafka"]

pytestmark = pytest.mark.kafka


def read(kafka: KafkaBroker, topic: str, partition: int, count: int) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "reader", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0)])
    found = consumer.consume(count, timeout=10)
    consumer.close()
    assert len(found) == count
    return list(found)


async def test_order_is_kept_over_many_batches_and_large_records(kafka: KafkaBroker) -> None:
    topic = unique_topic("order")
    create_topics(kafka.bootstrap, {topic: 2})
    values = [b"%d" % number + b"x" * (20_000 if number % 50 == 7 else 10) for number in range(400)]
    async with producing(kafka.bootstrap, batch_bytes=4096, compression="gzip") as producer:
        await producer.send_all(Output(topic, b"k", value, partition=1) for value in values)
    assert [message.value() for message in read(kafka, topic, 1, 400)] == values


async def test_keys_headers_timestamps_and_tombstones_arrive(kafka: KafkaBroker) -> None:
    topic = unique_topic("fields")
    create_topics(kafka.bootstrap, {topic: 1})
    async with producing(kafka.bootstrap) as producer:
        await producer.send_all(
            [Output(topic, b"k", b"v", timestamp=1_700_000_000_123, headers=(("h", b"1"),)), Output(topic, b"k", None)]
        )
    first, second = read(kafka, topic, 0, 2)
    assert (first.key(), first.value(), first.headers()) == (b"k", b"v", [("h", b"1")])
    assert first.timestamp()[1] == 1_700_000_000_123
    assert second.value() is None


async def test_keys_go_to_the_partition_that_librdkafka_and_java_choose(kafka: KafkaBroker) -> None:
    topic = unique_topic("keys")
    create_topics(kafka.bootstrap, {topic: 7})
    chosen: dict[bytes, int] = {}
    other = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2"})
    for number in range(50):
        other.produce(
            topic, b"", key=b"key-%d" % number, callback=lambda _, m: chosen.__setitem__(m.key(), m.partition())
        )
    other.flush(10)
    assert chosen == {key: partition_of(key, 7) for key in chosen}
    assert len(chosen) == 50


async def test_writes_tell_the_offset_of_the_last_record(kafka: KafkaBroker) -> None:
    topic = unique_topic("changelog")
    create_topics(kafka.bootstrap, {topic: 2})
    async with producing(kafka.bootstrap, batch_bytes=1000) as producer:
        many: dict[bytes, bytes | None] = {b"k%d" % number: b"x" * 100 for number in range(100)}
        assert await producer.send_writes(topic, {0: many, 1: {b"k": None}}) == {0: 99, 1: 0}
        assert await producer.send_writes(topic, {0: {}, 1: {b"k": b"v"}}) == {1: 1}


async def test_a_record_that_the_broker_refuses_raises(kafka: KafkaBroker) -> None:
    topic = unique_topic("small")
    create_topics(kafka.bootstrap, {topic: 1}, config={"max.message.bytes": "2000"})
    async with producing(kafka.bootstrap) as producer:
        with pytest.raises(KafkaError):
            await producer.send_all([Output(topic, b"k", b"x" * 5000)])


async def test_a_topic_that_does_not_exist_raises_and_is_named(
    kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with producing(kafka.bootstrap) as producer:
        monkeypatch.setattr(producer._producer.client, "_request_timeout_ms", 300)
        with pytest.raises(UnknownTopicOrPartitionError, match="'nobody-made-this' does not exist"):
            await producer.send_all([Output("nobody-made-this", b"k", b"v")])
