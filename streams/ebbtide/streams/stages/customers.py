"""`customers`: profile states and models in; scores, alerts, records and matured examples out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ebbtide.models.customer.series import DAY_SECONDS
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.schemas.fleet import SourceHeartbeat
from ebbtide.schemas.learning import Model
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, model, profile_state
from ebbtide.streams.stages import profiles
from ebbtide.streams.stages.context import Context, now_ms
from ebbtide.streams.stages.shards import flush_shards, keep_shards
from ebbtide.streams.transport import App, ConsumerRecord

NAME = "customers"
INPUTS = (Topic.PROFILE_STATES, Topic.MODELS)
DECODERS: dict[str, Callable[[ConsumerRecord], ProfileState | SourceHeartbeat | Tick | Model]] = {
    Topic.PROFILE_STATES.topic_name: profile_state,
    Topic.MODELS.topic_name: model,
}


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [topic.topic_name for topic in INPUTS], table)
    sources = context.shards(profiles.NAME)

    def build(partition: int) -> CustomerShard:
        shard = CustomerShard(partition, sources, context.settings.core, table.items(partition))
        # Where a partition stands is known before anything new comes.
        _show_time(context, partition, shard)
        return shard

    shards = keep_shards(
        stage, build, lambda partition: context.metrics.forget_partition(Topic.PROFILE_STATES.topic_name, partition)
    )

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            now = now_ms()
            for batch in batches:
                shard = shards[batch.partition]
                parse = DECODERS[batch.topic]
                for record in batch:
                    shard.apply(batch.topic, record.offset, parse(record), now_ms=now)
                context.metrics.records_in.labels(batch.topic).inc(len(batch))
            outputs, writes = flush_shards(shards, batches)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
            context.sent(outputs)
            # A rebalance may have passed since the flush.
            for partition in writes.keys() & shards.keys():
                _show_time(context, partition, shards[partition])


def _show_time(context: Context, partition: int, shard: CustomerShard) -> None:
    labels = (Topic.PROFILE_STATES.topic_name, str(partition))
    if shard.time_ms is not None:
        context.metrics.partition_watermark_timestamp_seconds.labels(*labels).set(shard.time_ms / 1000)
    if shard.settled_day is not None:
        context.metrics.partition_evaluated_timestamp_seconds.labels(*labels).set(shard.settled_day * DAY_SECONDS)
