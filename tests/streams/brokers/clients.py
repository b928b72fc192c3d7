"""The least that every broker must do for a client: take records and give them back in order."""

import time

from confluent_kafka import Consumer, Producer, TopicPartition


def produce(bootstrap: str, topic: str, values: list[bytes], *, partition: int = 0) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 3})
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(20) == 0, "records were not acknowledged"


def consume(bootstrap: str, topic: str, count: int, *, partition: int = 0, timeout: float = 20.0) -> list[bytes]:
    """The first `count` values of one partition, read without a group; fewer when `timeout` seconds pass."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "unused", "enable.auto.commit": False, "log_level": 3}
    )
    consumer.assign([TopicPartition(topic, partition, 0)])
    values: list[bytes] = []
    deadline = time.monotonic() + timeout
    while len(values) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            values.append(message.value())
    consumer.close()
    return values
