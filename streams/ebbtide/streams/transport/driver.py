"""The Faust transport driver: record batches instead of records, and commits of our own."""

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Any

from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import TRANSPORTS, aiokafka
from faust.types.tuples import ConsumerMessage

from .counters import Counters
from .exit import die
from .fetch import Fetched
from .progress import Progress
from .records import RecordBatch, TopicPartition
from .table import StateTable
from .thread import ConsumerThread

__all__ = ["SCHEME", "Consumer", "Transport"]

SCHEME = "ebbtide"

# Same effect as an entry point in the group `faust.transports`, without the need to be installed.
TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"


class Consumer(aiokafka.Consumer):  # type: ignore[misc]
    """Delivers one `RecordBatch` per partition and poll to the agents' queues, and commits what they acknowledged."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.counters: Counters = self.transport.counters
        self.partitions: dict[TopicPartition, Progress] = {}
        #: Changes whenever flow stops; what a poll begun before that brings is read again.
        self._epoch = 0
        #: Batches that agents have in hand, by lease and start.
        self._taken: set[tuple[int, int]] = set()
        self._settled = asyncio.Event()
        self._doubted: dict[TopicPartition, tuple[int, int]] = {}

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    # -- flow ---------------------------------------------------------------

    def stop_flow(self) -> None:
        super().stop_flow()
        self._epoch += 1
        self._thread.wake()

    def resume_partitions(self, tps: Any) -> None:
        super().resume_partitions(tps)
        self._thread.wake()

    def _wanted(self) -> frozenset[TopicPartition]:
        """Partitions that may be fetched now. Called in both threads."""
        if not self.flow_active:
            return frozenset()
        changelogs, config = self.app.tables.changelog_topics, self.app.config
        # Faust clears all queues when it resumes flow after a recovery, and ends the rebalance after that. Records
        # delivered between would be lost until the next rebalance (#596), so none are.
        streams = not self.app.rebalancing
        return frozenset(
            tp
            for tp in frozenset(self._active_partitions)
            if (tp.topic in changelogs)
            or (
                streams
                and (progress := self.partitions.get(tp)) is not None
                # By records too: batches of a few each are no reason to leave more where it is.
                and (progress.in_flight < config.in_flight_batches or progress.pending < config.max_poll_records)
                and self._may_follow(tp)
            )
        )

    def _may_follow(self, tp: TopicPartition) -> bool:
        """Whether the input that must be read again first has been; most inputs wait for none."""
        first = self.app.read_first.get(tp.topic)
        if first is None:
            return True
        progress = self.partitions.get(TopicPartition(first, tp.partition))
        return progress is not None and progress.reread

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self._stopped.is_set() or fetcher._stopped.is_set()):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow, timeout=1.0)
                    continue
                if not self._wanted():
                    # Back-pressure, or nothing is assigned.
                    self._settled.clear()
                    await self.wait(self._settled, timeout=0.05)
                    continue
                epoch = self._epoch
                fetched = await self._thread.poll(self._wanted)
                await self._hand_over(fetched, epoch)
        except ConsumerStoppedError:
            if not self.app.should_stop:
                raise

    async def _hand_over(self, fetched: Mapping[TopicPartition, Fetched], epoch: int) -> None:
        again: dict[TopicPartition, int] = {}
        changelogs = self.app.tables.changelog_topics
        for tp, part in fetched.items():
            if epoch != self._epoch:
                self.counters.stale_polls += 1
                progress = self.partitions.get(tp)
                if progress is not None and progress.position is not None:
                    again[tp] = progress.position
            elif tp.topic in changelogs:
                await self._recover(tp, part)
            else:
                for piece in part.slices(self.app.config.max_poll_records):
                    back_to = self._deliver(tp, piece)
                    if back_to is not None:
                        again[tp] = back_to
                        break
        if again:
            # Safe here, and only here: this loop is the only one that polls.
            await self._thread.seek_to(again)

    # -- delivery -----------------------------------------------------------

    def _deliver(self, tp: TopicPartition, part: Fetched) -> int | None:
        """Put the records into the agents' queues; or return the position to read again from."""
        progress = self.partitions.get(tp)
        if progress is None:
            return None
        records, start = part.records, part.start
        progress.high_watermark = part.high_watermark
        expected = progress.position
        if expected is not None and start > expected:
            if self._doubted.get(tp) != (expected, start):
                self.counters.gaps_of[tp.topic] += 1
                self._doubted[tp] = (expected, start)
                self.log.error("%s-%s: offsets %s..%s were skipped; reading again", *tp, expected, start - 1)
                return expected
            self.counters.lost_records += start - expected
            self.log.critical("%s-%s: the broker no longer has offsets %s..%s", *tp, expected, start - 1)
            start = expected
        elif expected is not None and start < expected:
            kept = [record for record in records if record.offset >= expected]
            self.counters.repeated_records += len(records) - len(kept)
            records, start = kept, expected
            if part.end <= expected:
                return None
        self._doubted.pop(tp, None)
        channels = list(self.app.topics._tp_index.get(tp, ()))
        if not channels:
            return start  # the agent has not opened its stream yet
        progress.deliver(start, part.end, len(channels) if records else 0)
        if not records:
            return None
        generation = self.app.consumer_generation_id
        batch = RecordBatch(*tp, records, start, part.end, part.high_watermark, progress.lease, generation)
        message = ConsumerMessage(
            *tp, batch.last_offset, records[-1].timestamp / 1000.0, 0, None, None, None, None, 0, 0,
            tp=ensure_TP(tp), generation_id=generation,
        )  # fmt: skip
        message.incref(len(channels))
        event = self.app.create_event(None, batch, None, message)
        for channel in channels:
            channel.queue.force_put_nowait(event)
        self.counters.batches += 1
        self.counters.records += len(records)
        return None

    async def _recover(self, tp: TopicPartition, part: Fetched) -> None:
        """Apply changelog records to the table, and tell Faust's recovery how far it is."""
        table, recovery = self.app.tables._changelogs[tp.topic], self.app.tables.recovery
        if not isinstance(table, StateTable):
            for record in part.records:
                await self.wait_first(self.callback(self._to_message(ensure_TP(tp), record)), self.suspend_flow.wait())
            return
        if tp not in recovery.active_tps:
            return
        table.apply_records(tp.partition, part.records)
        self.counters.recovered_records += len(part.records)
        # The position, not the last record: the tail may be compacted away or be a control record, and Faust would
        # wait for it for ever (#155, #176).
        recovery.active_offsets[ensure_TP(tp)] = part.end - 1
        if part.records:
            # Faust looks whether it is done when a record comes by; at or below the offset above it is not applied
            # again.
            message = self._to_message(ensure_TP(tp), part.records[-1])
            await self.wait_first(self.callback(message), self.suspend_flow.wait())

    # -- acknowledgement ----------------------------------------------------

    def take(self, batch: RecordBatch) -> None:
        """An agent begins to work on the batch; a rebalance will wait for its acknowledgement."""
        self._taken.add((batch.lease, batch.start))

    def has(self, tp: TopicPartition) -> bool:
        """Whether a partition is assigned to us, and the group has not thrown this member out."""
        return tp in self.partitions and self._thread.generation() >= 0

    def still_ours(self, batch: RecordBatch) -> bool:
        """False when the partition was taken from us, or the group has thrown this member out and may be giving it
        away.
        """
        progress = self.partitions.get(batch.tp)
        return progress is not None and progress.lease == batch.lease and self._thread.generation() == batch.generation

    async def hold(self, *, anew: bool = False) -> None:
        """See `ConsumerThread.hold`."""
        await self._thread.hold(anew=anew)

    def acknowledge(self, batch: RecordBatch) -> bool:
        """The batch, as a whole, is done. False, without effect, when its possession of the partition has ended."""
        self._taken.discard((batch.lease, batch.start))
        progress = self.partitions.get(batch.tp)
        if progress is None or progress.lease != batch.lease:
            self.counters.stale_acknowledgements += 1
            return False
        if progress.acknowledge(batch.start):
            self._settled.set()
            self._thread.wake()
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit the acknowledged prefix of each partition. Replaces Faust's, which guesses across gaps."""
        assignment = self.assignment()
        offsets = {
            tp: progress.committable
            for tp, progress in self.partitions.items()
            if progress.committable is not None and progress.committable != progress.committed and tp in assignment
        }
        if not offsets or not await self._commit(offsets):
            return False
        for tp, offset in offsets.items():
            if tp in self.partitions:
                self.partitions[tp].committed = offset
        self.counters.commits += 1
        return True

    async def perform_seek(self) -> None:
        """Begin a new possession of every assigned partition at its committed offset. Called at the end of recovery."""
        changelogs = self.app.tables.changelog_topics
        tps = [TopicPartition(*tp) for tp in self.assignment() if tp.topic not in changelogs]
        committed = await self._thread.seek_home(tps)
        firsts = set(self.app.read_first.values())
        ends = await self._thread.ends([tp for tp in tps if tp.topic in firsts])
        self.partitions = {tp: Progress(committed[tp], ends.get(tp, 0)) for tp in tps}
        self._doubted.clear()

    # -- rebalance ----------------------------------------------------------

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        self.app.on_reassigned()
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        self.counters.rebalances += 1
        await super().on_partitions_revoked(revoked)
        self.partitions = {tp: progress for tp, progress in self.partitions.items() if tp not in revoked}

    async def wait_empty(self) -> None:
        """Wait for what agents have in hand, and for what is computed aside: tables are closed and recovered next.
        Queued batches were thrown away and are read again by the next owner.

        If an agent does not come to an end, another worker will own the partition while this one may still write.
        Then the process must go.
        """
        limit = self.app.conf.broker_rebalance_timeout * 0.8
        deadline = monotonic() + limit
        aside = self.app.aside
        while (self._taken or aside.running) and not self.app.crashed:
            if monotonic() > deadline:
                left = f"{len(self._taken)} batches were not acknowledged, {aside.running} computations have not ended"
                die(f"{left} within {limit:.0f} s of a rebalance")
            self._settled.clear()
            await self.wait(self._settled, timeout=0.05)
        await self.commit()

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Silent: Faust only logs here, with false alarms (#175, #640). `Watchdog` acts."""


class Transport(aiokafka.Transport):  # type: ignore[misc]
    """Chosen by URL, `ebbtide://host:port`."""

    Consumer = Consumer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.counters = Counters()
