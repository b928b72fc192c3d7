"""All records of a topic as they lie there now, read without a consumer group."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.reach import ANSWER_S, require_broker, unanswered
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport.partitioner import partition_of

_POLL_MS = 1_000
_PATIENCE = 30


Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""What and how much is done, and within that how much more: as ``cli.options.progress_bar``."""


class NoTopicError(EbbtideError):
    """The topic does not exist."""


@contextmanager
def unseen(_what: str, _total: int | None) -> Iterator[Callable[[int], None]]:
    """Nobody watches."""
    yield lambda _count: None


def read_topic(
    settings: Settings, topic: str, keys: Collection[bytes] | None = None, *, progress: Progress = unseen
) -> Iterator[Any]:
    """Every record from the beginning to the end that the topic has now, partition by partition in offset order.

    With ``keys`` only the partitions that these keys lie in. Raises ``EbbtideError`` where the broker cannot be
    reached, ``NoTopicError`` where the topic does not exist.
    """
    with _consumer(settings) as consumer:
        numbers = sorted(consumer.partitions_for_topic(topic) or ())
        if not numbers:
            raise NoTopicError(f"there is no topic {topic} on {settings.broker.bootstrap}; run `ebbtide topics create`")
        wanted = None if keys is None else {partition_of(key, len(numbers)) for key in keys}
        partitions = [TopicPartition(topic, number) for number in numbers if wanted is None or number in wanted]
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        with progress(f"reading {topic}", sum(ends[one] - starts[one] for one in partitions)) as advance:
            for partition in partitions:
                yield from _read(consumer, partition, starts[partition], ends[partition], advance)


def read_partition(settings: Settings, topic: str, number: int, start: int) -> Iterator[Any]:
    """Every record of a partition from an offset, or the first that is left, to its end as it is now.

    Raises ``EbbtideError`` where the broker cannot be reached.
    """
    with _consumer(settings) as consumer:
        partition = TopicPartition(topic, number)
        first, end = consumer.beginning_offsets([partition])[partition], consumer.end_offsets([partition])[partition]
        yield from _read(consumer, partition, max(start, first), end, lambda _count: None)


@contextmanager
def _consumer(settings: Settings) -> Iterator[Any]:
    require_broker(settings)
    try:
        consumer = KafkaConsumer(
            **client_settings(settings),
            bootstrap_timeout_ms=int(ANSWER_S * 1000),
            enable_auto_commit=False,
            # kafka-python computes them in Python: nine tenths of the time, 95 s a gigabyte. The broker checks every
            # record that it takes.
            check_crcs=False,
            group_id=None,
        )
    except KafkaError as error:
        raise unanswered(settings, error) from None
    try:
        yield consumer
    finally:
        consumer.close()


def _read(consumer: Any, partition: Any, start: int, end: int, advance: Callable[[int], None]) -> Iterator[Any]:
    consumer.assign([partition])
    consumer.seek(partition, start)
    silent = 0
    while consumer.position(partition) < end:
        records = consumer.poll(timeout_ms=_POLL_MS).get(partition, [])
        silent = 0 if records else silent + 1
        if silent >= _PATIENCE:
            raise EbbtideError(f"{partition.topic} partition {partition.partition} does not answer")
        for record in records:
            if record.offset < end:
                yield record
        advance(len(records))
