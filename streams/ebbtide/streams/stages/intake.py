"""`intake`: raw records in; events, dead letters and time out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from ebbtide.models.intake.shard import IntakeShard
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, raw_message
from ebbtide.streams.stages.context import Context, now_ms
from ebbtide.streams.transport import App, RecordBatch, TopicPartition

NAME = "intake"
INPUTS = (Topic.RAW_BEHAVIOR, Topic.RAW_CRM)


class Intake:
    """Shards of the raw partitions this worker has, and when each was last heard."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._shards: dict[TopicPartition, IntakeShard] = {}
        self._heard_ms: dict[TopicPartition, int] = {}
        self._silent: set[TopicPartition] = set()

    def assign(self, partitions: frozenset[int]) -> None:
        """Begin anew: the watermark of a raw partition is in what was sent, not in any state."""
        settings = self._context.settings
        for topic in INPUTS:
            for partition in partitions:
                tp = TopicPartition(topic.topic_name, partition)
                self._shards[tp] = IntakeShard(topic.topic_name, partition, settings.core, settings.tenant)
                self._heard_ms[tp] = now_ms()

    def revoke(self, partitions: frozenset[int]) -> None:
        """Forget partitions that went away."""
        for tp in [tp for tp in self._shards if tp.partition in partitions]:
            del self._shards[tp], self._heard_ms[tp]
            self._silent.discard(tp)

    def apply(self, batches: Iterable[RecordBatch]) -> list[Any]:
        """Judge the batches' records; everything to send, each partition's time after its records."""
        outputs: list[Any] = []
        for batch in batches:
            shard = self._shards[batch.tp]
            self._heard_ms[batch.tp] = now = now_ms()
            self._silent.discard(batch.tp)
            before = self._counts(shard)
            for record in batch:
                shard.apply(raw_message(record), now_ms=now, heard_ms=now)
            outputs += shard.flush()
            self._count(batch, shard, before)
        return outputs

    def silent(self, lag: dict[TopicPartition, int]) -> list[Any]:
        """Ticks of the partitions that are read to their end and were silent for the setting's time."""
        now, limit = now_ms(), self._context.settings.time.idle_after_seconds * 1000
        outputs: list[Any] = []
        for tp, shard in self._shards.items():
            if now - self._heard_ms[tp] >= limit and lag.get(tp, 1) == 0:
                self._silent.add(tp)
                outputs += shard.idle(now_ms=now)
        return outputs

    @staticmethod
    def _counts(shard: IntakeShard) -> tuple[int, int, dict[str, int], dict[str, int]]:
        return shard.accepted, shard.late, dict(shard.ignored), dict(shard.dead_lettered)

    def _count(
        self, batch: RecordBatch, shard: IntakeShard, before: tuple[int, int, dict[str, int], dict[str, int]]
    ) -> None:
        metrics = self._context.metrics
        accepted, late, ignored, dead_lettered = before
        metrics.records_in.labels(batch.topic).inc(len(batch))
        metrics.accepted.labels(batch.topic).inc(shard.accepted - accepted)
        if shard.late > late:
            metrics.late_events.inc(shard.late - late)
        for reason, count in shard.ignored.items():
            if count > ignored.get(reason, 0):
                metrics.ignored.labels(reason).inc(count - ignored.get(reason, 0))
        for reason, count in shard.dead_lettered.items():
            if count > dead_lettered.get(reason, 0):
                metrics.dead_lettered.labels(reason).inc(count - dead_lettered.get(reason, 0))


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    intake = Intake(context)
    stage = app.stage(NAME, [topic.topic_name for topic in INPUTS])
    stage.on_assigned(intake.assign)
    stage.on_revoked(intake.revoke)

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            outputs = intake.apply(batches)
            spends = [output for output in outputs if output.topic is Topic.GRID_SUMMARIES]
            with context.metrics.flush_seconds.labels(NAME).time():
                if spends:
                    # They go another way than time: they must be there before the time that covers them sets out.
                    await app.batch_producer.send_all(encode(spends, context.partitions))
                others = [output for output in outputs if output.topic is not Topic.GRID_SUMMARIES]
                await stage.flush(batches, encode(others, context.partitions))

    async def tell_silence() -> None:
        while not app.should_stop:
            await asyncio.sleep(max(0.5, context.settings.time.idle_after_seconds / 4))
            if app.health.ready():
                lag = {tp: partition.lag for tp, partition in app.health.partitions().items()}
                outputs = intake.silent(lag)
                if outputs:
                    await app.batch_producer.send_all(encode(outputs, context.partitions))

    app.task(tell_silence)
