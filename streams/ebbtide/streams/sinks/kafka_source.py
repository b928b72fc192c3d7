"""The topics of a sink as a Kafka consumer group reads them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping, Set
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sinks.batch import Partition
from ebbtide.streams.sinks.settings import SinkSettings
from ebbtide.streams.sinks.source import Polled, SourceUnavailableError

log = logging.getLogger(__name__)

ANSWER_S = 10.0
"""How long a commit or a goodbye may take. What was not committed is read, and written, again."""
LAG_EVERY_S = 1.0


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A `Source` in a consumer group of aiokafka's, with its lag as a metric."""

    def __init__(self, settings: SinkSettings, topics: Iterable[str], metrics: Metrics) -> None:
        self._settings = settings
        self._topics = sorted(topics)
        self._metrics = metrics
        self._consumer: Any = None
        self._committed: dict[Partition, int] = {}
        self._lag_due = 0.0
        self.generation = 0

    async def start(self) -> None:
        """Join the group."""
        consumer = AIOKafkaConsumer(
            **{"bootstrap_servers": self._settings.bootstrap, **self._settings.client},
            group_id=self._settings.group,
            client_id="ebbtide-sink",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_bytes=self._settings.batch_bytes,
            max_partition_fetch_bytes=2 * 1024 * 1024,
            metadata_max_age_ms=30_000,  # a topic created after us is found within this time
        )
        # By pattern: a topic that is not there yet would keep the consumer from all others.
        consumer.subscribe(pattern=f"^(?:{'|'.join(map(re.escape, self._topics))})$", listener=self)
        try:
            await consumer.start()
        except (KafkaError, OSError) as error:
            await consumer.stop()
            raise SourceUnavailableError(f"Kafka at {self._settings.bootstrap} does not answer: {error}") from error
        self._consumer = consumer

    async def stop(self) -> None:
        """Leave the group, so that the partitions go on at once elsewhere."""
        if self._consumer is not None:
            self._forget(self._consumer.assignment())
            try:
                await asyncio.wait_for(self._consumer.stop(), ANSWER_S)
            except (TimeoutError, KafkaError) as error:
                log.warning("could not leave the consumer group in order: %r", error)

    async def poll(self, *, most: int, timeout: float) -> Polled:
        """Up to `most` records, in order within each partition; none after `timeout` seconds."""
        polled: Polled = await self._consumer.getmany(timeout_ms=int(timeout * 1000), max_records=most)
        for partition, records in polled.items():
            self._committed.setdefault(partition, records[0].offset)
            self._metrics.records_in.labels(partition[0]).inc(len(records))
        self._show_lag()
        return polled

    async def hold(self, seconds: float) -> None:
        """Wait without reading. The group keeps us, because we poll; what was fetched ahead is dropped."""
        self._consumer.pause(*self._consumer.assignment())
        await self._consumer.getmany(timeout_ms=int(seconds * 1000))
        self._show_lag()

    def resume(self) -> None:
        """Read on after `hold`."""
        self._consumer.resume(*self._consumer.paused())

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether the group has the offsets now. When not, the records come again, here or elsewhere."""
        wanted = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        try:
            await asyncio.wait_for(self._consumer.commit(wanted), ANSWER_S)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("partitions moved before the commit, their last rows will be written again: %s", error)
            return False
        except (TimeoutError, KafkaError) as error:
            log.warning("offsets not committed, their rows will be written again: %r", error)
            return False
        self._committed.update(offsets)
        self._lag_due = 0.0
        self._show_lag()
        return True

    async def on_partitions_revoked(self, revoked: Set[TopicPartition]) -> None:
        """Called by aiokafka before a rebalance."""
        self.generation += 1
        self._forget(revoked)

    async def on_partitions_assigned(self, assigned: Set[TopicPartition]) -> None:
        """Called by aiokafka after a rebalance."""
        found = sorted({partition.topic for partition in assigned})
        log.info("reads %d partitions of %s", len(assigned), ", ".join(found) or "no topic")

    def _forget(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self._committed.pop((partition.topic, partition.partition), None)
            self._metrics.forget_partition(partition.topic, partition.partition)

    def _show_lag(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._lag_due:
            return
        self._lag_due = now + LAG_EVERY_S
        for partition in self._consumer.assignment():
            committed = self._committed.get((partition.topic, partition.partition))
            end = self._consumer.highwater(partition)
            if committed is not None and end is not None:
                self._metrics.consumer_lag_records.labels(partition.topic, partition.partition).set(
                    max(0, end - committed)
                )
