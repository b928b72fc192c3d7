"""`customers`: profile states, models, fleet statistics and feedback in; scores, alerts, records, examples out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ebbtide.models.customer.owed import RECORD_EVERY_MS
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.intake.accept import RawMessage
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.fleet import FleetStats, SourceHeartbeat
from ebbtide.schemas.learning import Model
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, fleet_stats, model, profile_state, raw_message
from ebbtide.streams.stages import profiles
from ebbtide.streams.stages.context import Context, now_ms
from ebbtide.streams.stages.shards import flush_by_parts, keep_shards
from ebbtide.streams.transport import App, ConsumerRecord, RecordBatch

log = logging.getLogger(__name__)

NAME = "customers"
INPUTS = (Topic.PROFILE_STATES, Topic.MODELS, Topic.FLEET_STATS, Topic.FEEDBACK)
Heard = ProfileState | SourceHeartbeat | Tick | Model | FleetStats | RawMessage
OWED_AT_ONCE = 20
"""Customers of a quiet partition whose records are built in one go, about 10 ms: many are owed after a restart."""
DECODERS: dict[str, Callable[[ConsumerRecord], Heard | None]] = {
    Topic.PROFILE_STATES.topic_name: profile_state,
    Topic.MODELS.topic_name: model,
    Topic.FLEET_STATS.topic_name: fleet_stats,
    Topic.FEEDBACK.topic_name: raw_message,
}


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [topic.topic_name for topic in INPUTS], table)
    sources = context.shards(profiles.NAME)

    def build(partition: int) -> CustomerShard:
        shard = CustomerShard(partition, sources, context.settings.core, table.items(partition))
        # Where a partition stands is known before anything new comes.
        _show(context, partition, shard)
        return shard

    def forget(partition: int, _shard: CustomerShard) -> None:
        context.metrics.forget_partition(Topic.PROFILE_STATES.topic_name, partition)
        context.metrics.forget_counts(partition, sources)

    shards = keep_shards(stage, build, forget)
    # What is owed while nothing comes rests on what is stored: nobody applies anything meanwhile.
    in_use = asyncio.Lock()
    flushed_ms: dict[int, int] = {}

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            async with in_use:
                await take(batches)

    async def take(batches: list[RecordBatch]) -> None:
        now = now_ms()
        # Once for all: while the loop turns a partition may be revoked, and then the stage refuses the flush.
        in_hand = {batch.partition: shards[batch.partition] for batch in batches}
        for batch in batches:
            shard = in_hand[batch.partition]
            parse = DECODERS[batch.topic]
            for record in batch:
                parsed = parse(record)
                if parsed is not None:
                    shard.apply(batch.topic, record.offset, parsed, now_ms=now)
            context.metrics.records_in.labels(batch.topic).inc(len(batch))
        decided = [output for shard in in_hand.values() for output in shard.take_outputs()]
        if decided:
            # An alert does not wait for the records of all who were active.
            await stage.send(batches, encode(decided, context.partitions))
            context.sent(decided)
        outputs, writes = await flush_by_parts(in_hand, now)
        with context.metrics.flush_seconds.labels(NAME).time():
            await stage.flush(batches, encode(outputs, context.partitions), writes)
        context.sent(outputs)
        flushed_ms.update(dict.fromkeys(in_hand, now))
        # A rebalance may have passed since the flush.
        for partition in writes.keys() & shards.keys():
            _tell_refused(context, shards[partition])
            _show(context, partition, shards[partition])
            _count(context, shards[partition])

    async def tell_owed() -> None:
        while not app.should_stop:
            await asyncio.sleep(RECORD_EVERY_MS / 2_000)
            async with in_use:
                now = now_ms()
                quiet = [
                    each for each in shards if now - flushed_ms.get(each, 0) >= RECORD_EVERY_MS and stage.has(each)
                ]
                outputs = [output for each in quiet for output in shards[each].owed_records(now, OWED_AT_ONCE)]
                if outputs:
                    await app.batch_producer.send_all(encode(outputs, context.partitions))
                    context.sent(outputs)

    app.task(tell_owed)


def _count(context: Context, shard: CustomerShard) -> None:
    """Count what became of feedback since the last time."""
    metrics, refused = context.metrics, shard.feedback_refused
    for outcome, taken in shard.feedback_taken.items():
        metrics.feedback_taken.labels(outcome).inc(taken)
    for reason, count in refused.items():
        metrics.feedback_refused.labels(reason).inc(count)
        if isinstance(reason, DeadLetterReason):
            metrics.dead_lettered.labels(reason).inc(count)
    shard.feedback_taken.clear()
    refused.clear()


def _tell_refused(context: Context, shard: CustomerShard) -> None:
    refused, shard.refused_models = shard.refused_models, []
    for reason in refused:
        log.error("a model was refused: %s", reason)
        context.metrics.models_refused.inc()


def _show(context: Context, partition: int, shard: CustomerShard) -> None:
    labels = (Topic.PROFILE_STATES.topic_name, str(partition))
    if shard.time_ms is not None:
        context.metrics.partition_watermark_timestamp_seconds.labels(*labels).set(shard.time_ms / 1000)
    if shard.settled_day is not None:
        context.metrics.partition_evaluated_timestamp_seconds.labels(*labels).set(shard.settled_day * DAY_SECONDS)
    messages, at = context.metrics.conservation_messages, context.metrics.conservation_timestamp_seconds
    for source, count in shard.counts.items():
        messages.labels("profiles", source, partition).set(count.told)
        messages.labels("customers", source, partition).set(count.held)
        at.labels(source, partition).set(count.at_ms / 1000)
