"""`profiles`: events in; identity links, profile states and time out."""

from __future__ import annotations

from functools import partial
from typing import Any

from ebbtide.models.outputs import Output
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, event
from ebbtide.streams.stages.context import Context
from ebbtide.streams.stages.intake import INPUTS as RAW
from ebbtide.streams.transport import App

NAME = "profiles"


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    shards: dict[int, ProfileShard] = {}
    table = app.state_table(NAME)
    stage = app.stage(NAME, [Topic.EVENTS.topic_name], table)
    sources = context.sources(*RAW)

    @stage.on_assigned
    def build(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards[partition] = ProfileShard(partition, sources, context.settings.core, partial(table.get, partition))

    @stage.on_revoked
    def drop(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards.pop(partition, None)

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            outputs: list[Output] = []
            writes = {}
            for batch in batches:
                shard = shards[batch.partition]
                duplicates = shard.duplicates
                for record in batch:
                    shard.apply(record.offset, event(record))
                flush = shard.flush()
                outputs += flush.outputs
                writes[batch.partition] = flush.writes
                context.metrics.records_in.labels(batch.topic).inc(len(batch))
                context.metrics.duplicates.labels(batch.topic).inc(shard.duplicates - duplicates)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
