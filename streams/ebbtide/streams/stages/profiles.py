"""`profiles`: events and assignments in; identity links, profile states and time out."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import assignment, encode, event
from ebbtide.streams.stages.context import Context
from ebbtide.streams.stages.intake import INPUTS as RAW
from ebbtide.streams.stages.shards import flush_shards, keep_shards
from ebbtide.streams.transport import App

NAME = "profiles"
IDENTITY = "identity"
INPUTS = (Topic.EVENTS, Topic.IDENTITY_ASSIGNMENTS)


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [topic.topic_name for topic in INPUTS], table, echoes=True)
    sources, identity, policy = context.sources(*RAW), context.shards(IDENTITY), context.settings.core

    shards = keep_shards(
        stage,
        lambda partition: ProfileShard(partition, sources, identity, policy, partial(table.get, partition)),
    )

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            for batch in batches:
                shard = shards[batch.partition]
                duplicates, without_rate = shard.duplicates, Counter(shard.orders_without_rate)
                if batch.topic == Topic.EVENTS.topic_name:
                    for record in batch:
                        shard.apply(record.offset, event(record))
                else:
                    for record in batch:
                        shard.assign(record.offset, assignment(record))
                context.metrics.records_in.labels(batch.topic).inc(len(batch))
                context.metrics.duplicates.labels(batch.topic).inc(shard.duplicates - duplicates)
                for currency, orders in (shard.orders_without_rate - without_rate).items():
                    context.metrics.orders_without_rate.labels(currency).inc(orders)
            outputs, writes = flush_shards(shards, batches)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
