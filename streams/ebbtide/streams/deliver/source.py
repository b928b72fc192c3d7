"""The topics of an endpoint as its consumer group reads them. The group's offsets are the endpoint's cursor."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Set
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ebbtide.models.delivery.message import Position
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.inbox import REQUESTS

log = logging.getLogger(__name__)

ANSWER_S = 10.0
Revoked = Callable[[set[int]], Awaitable[None]]


class SourceUnavailableError(Exception):
    """Kafka cannot be read now; the message says where."""


class DeliverySource(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One member of an endpoint's group. A partition number is owned in all topics or in none: a customer's records of
    all kinds come to the same member."""

    def __init__(
        self,
        connection: Mapping[str, Any],
        group: str,
        topics: Collection[str],
        begin: Literal["oldest", "newest"],
        session_s: float,
        on_revoked: Revoked,
    ) -> None:
        self._connection = dict(connection)
        self._group = group
        self._topics = sorted({*topics, REQUESTS})
        self._begin = begin
        self._session_s = session_s
        self._on_revoked = on_revoked
        self._consumer: Any = None
        self.owned: set[int] = set()
        """Partition numbers that are ours, whether or not anything was read of them yet."""

    async def start(self) -> None:
        """Join the group. Raises ``SourceUnavailableError``; may then be called again."""
        consumer = AIOKafkaConsumer(
            **self._connection,
            group_id=self._group,
            client_id=self._group,
            enable_auto_commit=False,
            # Also where the broker no longer has what was committed: what it still has is not passed over.
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            partition_assignment_strategy=[RangePartitionAssignor],
            fetch_max_bytes=8 << 20,
            max_partition_fetch_bytes=2 << 20,
            metadata_max_age_ms=30_000,
            session_timeout_ms=int(self._session_s * 1000),
            heartbeat_interval_ms=int(self._session_s * 250),
        )
        consumer.subscribe(self._topics, listener=self)
        self._consumer = consumer
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await consumer.stop()
            raise SourceUnavailableError(f"Kafka at {self._connection['bootstrap_servers']}: {error}") from error

    async def stop(self) -> None:
        """Leave the group, so that the partitions go on at once elsewhere."""
        if self._consumer is not None:
            try:
                await asyncio.wait_for(self._consumer.stop(), ANSWER_S)
            except (TimeoutError, KafkaError) as error:
                log.warning("%s: could not leave the group in order: %r", self._group, error)

    async def poll(self, most: int, timeout_s: float) -> list[Any]:
        """Up to ``most`` records, in order within each partition."""
        polled = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=most)
        return [record for records in polled.values() for record in records]

    def hold(self) -> None:
        """Do not read on for now; the group keeps us, because we poll."""
        self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        """Read on after `hold`."""
        self._consumer.resume(*self._consumer.paused())

    @property
    def held(self) -> bool:
        """Whether anything is held."""
        return bool(self._consumer.paused())

    async def ends(self, partitions: Iterable[int]) -> dict[tuple[str, int], int]:
        """Where the topics end now, for these partition numbers."""
        wanted = [tp for tp in self._consumer.assignment() if tp.partition in set(partitions)]
        found = await self._consumer.end_offsets(wanted) if wanted else {}
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def reached(self, topic: str, partition: int, end: int) -> bool:
        """Whether all before that offset was read."""
        tp = TopicPartition(topic, partition)
        return tp not in self._consumer.assignment() or await self._consumer.position(tp) >= end

    async def commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Whether the group has the offsets now. When not, the records come again, here or elsewhere."""
        wanted = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        try:
            await asyncio.wait_for(self._consumer.commit(wanted), ANSWER_S)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("%s: partitions moved before the commit; their last records go out again: %s", self._group, error)
            return False
        except (TimeoutError, KafkaError) as error:
            log.warning("%s: offsets not committed, their records may go out again: %r", self._group, error)
            return False
        return True

    def lags(self, done: Callable[[str, int], int | None]) -> dict[str, int]:
        """Records by topic that lie beyond what is ``done`` of each partition."""
        found = dict.fromkeys(self._topics, 0)
        for tp in self._consumer.assignment():
            end, passed = self._consumer.highwater(tp), done(tp.topic, tp.partition)
            if end is not None and passed is not None:
                found[tp.topic] += max(0, end - passed)
        return found

    async def on_partitions_revoked(self, revoked: Set[TopicPartition]) -> None:
        """Called by aiokafka before a rebalance."""
        numbers = {tp.partition for tp in revoked} & self.owned
        if numbers:
            await self._on_revoked(numbers)
        self.owned -= numbers

    async def on_partitions_assigned(self, assigned: Set[TopicPartition]) -> None:
        """Called by aiokafka after a rebalance."""
        await self._begin_newest(assigned)
        self.owned |= {tp.partition for tp in assigned}
        log.info("%s: owns partitions %s", self._group, sorted(self.owned))

    async def _begin_newest(self, assigned: Set[TopicPartition]) -> None:
        """What this group has never read, and is not to read from its beginning, begins at its end.

        That is committed at once: what comes while nobody reads is not passed over. Requests to send something again
        that are older than the group were meant for another endpoint of the name.
        """
        begin = [tp for tp in assigned if self._begin == "newest" or tp.topic == REQUESTS]
        fresh = [tp for tp in begin if await self._consumer.committed(tp) is None]
        if fresh:
            ends = await self._consumer.end_offsets(fresh)
            for tp, end in ends.items():
                self._consumer.seek(tp, end)
            await self.commit({(tp.topic, tp.partition): end for tp, end in ends.items()})


async def read_parked(
    connection: Mapping[str, Any], partitions: Collection[int], endpoint: str
) -> list[tuple[Position, bytes]]:
    """What an endpoint has parked in these partitions, each with where it lies."""
    topic = Topic.PARKED_DELIVERIES.topic_name
    consumer = AIOKafkaConsumer(**connection, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        mine: dict[bytes, tuple[Position, bytes]] = {}
        prefix = f"{endpoint}/".encode()
        assigned = [TopicPartition(topic, number) for number in partitions]
        consumer.assign(assigned)
        ends = await consumer.end_offsets(assigned)
        await consumer.seek_to_beginning(*assigned)
        while any([await consumer.position(tp) < ends[tp] for tp in assigned]):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    if not (record.key or b"").startswith(prefix):
                        continue
                    if record.value is None:
                        mine.pop(record.key, None)
                    else:
                        mine[record.key] = Position(topic, record.partition, record.offset), record.value
        return list(mine.values())
    finally:
        await consumer.stop()
