"""One stage of the pipeline: an agent's input, its table, and the commit that ties them together."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeVar, TypeVarTuple

from .lease import FencedError
from .producer import BatchProducer
from .records import Output, RecordBatch, TopicPartition
from .table import StateTable

__all__ = ["Stage", "Writes", "ready_batches"]

logger = logging.getLogger(__name__)

#: partition -> key -> value; None deletes.
Writes = Mapping[int, Mapping[bytes, bytes | None]]

T = TypeVar("T")
Args = TypeVarTuple("Args")

Listener = Callable[[frozenset[int]], Awaitable[None] | None]


async def ready_batches(stream: Any, *, linger: float = 0.0) -> AsyncIterator[list[RecordBatch]]:
    """Lists of the batches that are ready, in order; waits for the first. Of a topic and partition there may be
    several, with at most as many records in all as one may have, `max_poll_records`.

    To be flushed together: one round trip serves all partitions. Taken one by one, small batches, each of what came
    since the poll before, would stay a queue: an alert took 1.7 to 7.5 times as long (decision 2). With `linger`,
    wait so many seconds for more before; more records in a flush are fewer writes for the same key.
    """
    consumer, flow, most = stream.app.consumer, stream.app.flow_control, stream.app.config.max_poll_records
    async for first in stream:
        if linger:
            await asyncio.sleep(linger)
        batches, counts = [first], Counter({first.tp: len(first)})
        queue = stream.channel.queue
        while queue._queue and flow.is_active():
            batch = queue._queue[0].value
            if counts[batch.tp] + len(batch) > most:
                break
            queue.get_nowait()
            if batch.generation == stream.app.consumer_generation_id:
                consumer.take(batch)
                batches.append(batch)
                counts[batch.tp] += len(batch)
        yield batches


class Stage:
    """Made by `app.stage(...)`.

    `flush` is the only way to write, and its order is the guarantee: outputs, changelog, local store,
    acknowledgement. A crash between any two of them leads to a repeat that sends the same outputs again, and never
    to state without its outputs.
    """

    def __init__(self, app: Any, name: str, inputs: Sequence[str], table: StateTable | None) -> None:
        self.app, self.name, self.inputs, self.table = app, name, tuple(inputs), table
        self.topic = app.topic(*inputs, key_type=bytes, value_type=bytes)
        #: Input partitions whose shards this worker has built.
        self.partitions: frozenset[int] = frozenset()
        self._on_assigned: list[Listener] = []
        self._on_revoked: list[Listener] = []

    def agent(self, function: Callable[[Any], Any]) -> Any:
        """Decorator: run the function as this stage's Faust agent. It gets the stream."""
        return self.app.agent(self.topic, name=self.name)(function)

    def on_assigned(self, listener: Listener) -> Listener:
        """Decorator: called with the partitions to (re)build, their table recovered, before any batch of them is
        delivered.
        """
        self._on_assigned.append(listener)
        return listener

    def on_revoked(self, listener: Listener) -> Listener:
        """Decorator: called with the partitions that went away, or whose shard is stale, before `on_assigned`.
        Nothing of them is in hand any more; drop the shard.
        """
        self._on_revoked.append(listener)
        return listener

    async def aside(self, function: Callable[[*Args], T], *args: *Args) -> T:
        """Call a function that takes long, beside the event loop: see `Aside`. A rebalance waits for its end, but if
        this worker is thrown out of the group meanwhile, `flush` refuses what came of it.
        """
        return await self.app.aside.run(function, *args)  # type: ignore[no-any-return]

    def batches(self, stream: Any, *, linger: float = 0.0) -> AsyncIterator[list[RecordBatch]]:
        """See `ready_batches`."""
        return ready_batches(stream, linger=linger)

    def has(self, partition: int) -> bool:
        """Whether this input partition is ours. A rebalance may have taken it, and `on_revoked` is yet to be called."""
        consumer = self.app.consumer
        return all(consumer.has(TopicPartition(topic, partition)) for topic in self.inputs)

    async def send(self, batches: Iterable[RecordBatch], outputs: Iterable[Output]) -> None:
        """Send what must not wait for the rest of the flush of these batches. A crash before that sends it again."""
        self._check_possession(self.app.consumer, batches)
        await self.app.batch_producer.send_all(outputs)

    async def flush(
        self,
        batches: RecordBatch | Iterable[RecordBatch],
        outputs: Iterable[Output] = (),
        writes: Writes | None = None,
    ) -> None:
        """Make the effects of the batches durable, then acknowledge them. Raises, and acknowledges nothing, if that
        is not possible; the exception must leave the agent, so that the worker ends and the batches are read again.
        """
        began = perf_counter()
        batches = [batches] if isinstance(batches, RecordBatch) else list(batches)
        consumer, producer = self.app.consumer, self.app.batch_producer
        self._check_possession(consumer, batches)
        await producer.send_all(outputs)
        if writes:
            await self._write(consumer, producer, batches, writes)
        for batch in batches:
            consumer.acknowledge(batch)
        counters = consumer.counters
        counters.flushes += 1
        counters.flush_seconds += perf_counter() - began

    async def _write(
        self, consumer: Any, producer: BatchProducer, batches: Sequence[RecordBatch], writes: Writes
    ) -> None:
        if self.table is None:
            raise TypeError(f"stage {self.name!r} has no table to write to")
        foreign = writes.keys() - {batch.partition for batch in batches}
        if foreign:
            # A write belongs to the partition of the record that caused it; elsewhere it would be lost or win
            # wrongly on recovery.
            raise ValueError(f"writes to partitions {sorted(foreign)} that are not among the batches")
        # The outputs may have taken long. A late changelog record would overwrite what the next owner wrote.
        self._check_possession(consumer, batches)
        offsets = await producer.send_writes(self.table.changelog_topic_name, writes)
        strange: dict[int, tuple[int, int]] = {}
        for partition, last in offsets.items():
            end = self.table.end(partition)
            if last is not None and end is not None and last + 1 - end != len(writes[partition]):
                strange[partition] = end, last + 1
        if strange:
            # Another worker has written to the changelog. Either it was late, and then its records are to be undone;
            # or this one is late, and must not store as known what lies before its own records.
            await self.app.hold(anew=True)
        for partition, last in offsets.items():
            self.table.write(partition, writes[partition], last)
        if strange:
            await self._write(consumer, producer, batches, await self._undone(strange))

    async def _undone(self, strange: Mapping[int, tuple[int, int]]) -> Writes:
        """What to write so that the changelog says again what the table holds, where a stretch of it, by partition,
        has records that another worker wrote.
        """
        table = self.table
        assert table is not None
        writes: dict[int, dict[bytes, bytes | None]] = {}
        for partition, (start, end) in strange.items():
            tp = TopicPartition(table.changelog_topic_name, partition)
            said = {record.key: record.value for record in await self.app.read_back(tp, start, end) if record.key}
            undone = {key: table.get(partition, key) for key in said if table.get(partition, key) != said[key]}
            if undone:
                writes[partition] = undone
                self.app.consumer.counters.foreign_records += len(undone)
                logger.error(
                    "stage %s: another worker wrote to %s-%d within %d..%d; %d keys are written again",
                    *(self.name, *tp, start, end - 1, len(undone)),
                )
        return writes

    def _check_possession(self, consumer: Any, batches: Iterable[RecordBatch]) -> None:
        for batch in batches:
            if not consumer.still_ours(batch):
                raise FencedError(f"stage {self.name!r}: {batch!r} belongs to an assignment that has ended")

    async def assign(self, partitions: frozenset[int]) -> None:
        """Recovery is over and these input partitions are ours. Called by the app, before flow resumes.

        Partition by partition, as a listener may take long: where the next rebalance begins meanwhile, the rest is not
        built.
        """
        recovered = set() if self.table is None else {p for p, n in self.table.recovered.items() if n}
        kept = (self.partitions & partitions) - recovered
        gone, new = self.partitions - kept, partitions - kept
        self.partitions = kept
        if gone:
            await _call(self._on_revoked, gone)
        for partition in sorted(new):
            if self.app.overtaken:
                return
            await _call(self._on_assigned, frozenset({partition}))
            self.partitions |= {partition}
        if self.table is not None:
            self.table.recovered.clear()


async def _call(listeners: Iterable[Listener], partitions: frozenset[int]) -> None:
    for listener in listeners:
        result = listener(partitions)
        if result is not None:
            await result
