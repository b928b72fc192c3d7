"""aiokafka's consumer, in a thread and loop of its own."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.transport.drivers import aiokafka

from .fetch import Fetched, poll, wake
from .lease import FencedError, Lease
from .records import TopicPartition

__all__ = ["ConsumerThread"]

#: A waiting poll is woken when something changes; this is only how long it may sleep if it is not.
_POLL_SECONDS = 0.5
_FETCH_WAIT_MS = 100
#: Between two questions to a group coordinator that does not answer.
_PATIENCE_SECONDS = 0.1


class ConsumerThread(aiokafka.AIOKafkaConsumerThread):  # type: ignore[misc]
    """aiokafka's consumer in a thread and loop of its own, so that heartbeats outlive a busy main loop."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # A broker answers one fetch at a time, and Faust lets it wait 1.5 s for data: so long a partition with records
        # would wait for those without.
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        consumer = self._ensure_consumer()
        # Partitions that back-pressure holds must not delay the fetching of the others.
        consumer._fetcher._prefetch_backoff = 0.0
        coordinator = consumer._coordinator
        self._lease = Lease(coordinator._session_timeout_ms / 1000)
        self._heartbeat = coordinator._do_heartbeat
        coordinator._do_heartbeat = self._renew

    async def poll(self, wanted: Callable[[], Collection[TopicPartition]]) -> Mapping[TopicPartition, Fetched]:
        # Not through the thread's method queue: that has two workers, and seeks and commits must not wait behind a
        # poll.
        coroutine = poll(self._ensure_consumer(), wanted, _POLL_SECONDS)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.thread_loop))

    def wake(self) -> None:
        if self._consumer is not None and self.thread_loop.is_running():
            self.thread_loop.call_soon_threadsafe(wake, self._consumer)

    def generation(self) -> int:
        """-1 as soon as the group coordinator has thrown this member out, else the current generation."""
        return int(self._ensure_consumer()._coordinator.generation)

    async def hold(self, *, anew: bool = False) -> None:
        """Return when what is assigned is certainly still ours. The coordinator is asked if its last answer is too old,
        or `anew` in any case, and waited for. Raises `FencedError` when this member has been thrown out.
        """
        asked = not anew
        while not (asked and self._lease.holds(self.generation())):
            if self.generation() < 0:
                raise FencedError("the consumer group has given this worker's partitions away")
            asked = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._renew(), self.thread_loop))
            if not asked:
                await asyncio.sleep(_PATIENCE_SECONDS)

    async def _renew(self) -> bool:
        """Send a heartbeat; false when it was not answered, or the coordinator does not know this member."""
        sent, generation = self._lease.clock(), self.generation()
        answered: bool = await self._heartbeat()
        if answered:
            self._lease.renew(sent, generation)
        return answered

    async def seek_to(self, positions: Mapping[TopicPartition, int]) -> None:
        await self.call_thread(self._seek_to, positions)

    async def _seek_to(self, positions: Mapping[TopicPartition, int]) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in positions.items():
            try:
                consumer.seek(aiokafka.TopicPartition(*tp), offset)
            except IllegalStateError:
                continue  # revoked meanwhile: whoever has it now starts from the committed offset

    async def seek_home(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Seek every partition to its committed offset, or to the beginning where there is none; return the
        committed offsets.

        aiokafka's `seek_to_committed` leaves a partition without committed offset, or with offset 0, wherever it
        stands, so records that were fetched before the seek and thrown away would be lost for a fresh group.
        """
        committed: dict[TopicPartition, int | None] = await self.call_thread(self._seek_home, tps)
        return committed

    async def ends(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each partition's log ends now; 0 where it holds no record."""
        found: dict[TopicPartition, int] = await self.call_thread(self._ends, tps)
        return found

    async def _ends(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        consumer = self._ensure_consumer()
        keys = [aiokafka.TopicPartition(*tp) for tp in tps]
        starts, ends = await asyncio.gather(consumer.beginning_offsets(keys), consumer.end_offsets(keys))
        return {TopicPartition(*key): ends[key] if starts[key] < ends[key] else 0 for key in keys}

    async def _seek_home(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int | None]:
        consumer = self._ensure_consumer()
        keys = [aiokafka.TopicPartition(*tp) for tp in tps]
        offsets = await asyncio.gather(*(consumer.committed(key) for key in keys))
        fresh = []
        for key, offset in zip(keys, offsets, strict=True):
            if offset is None or offset < 0:
                fresh.append(key)
            else:
                consumer.seek(key, offset)
        if fresh:
            await consumer.seek_to_beginning(*fresh)
        return {
            TopicPartition(*key): None if key in fresh else offset for key, offset in zip(keys, offsets, strict=True)
        }
