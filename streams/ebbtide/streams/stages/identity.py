"""`identity`: links, decisions by hand and time in; assignments, audit and time out."""

from __future__ import annotations

from typing import Any

from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.outputs import Output
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, evidence
from ebbtide.streams.stages import profiles
from ebbtide.streams.stages.context import Context, now_ms
from ebbtide.streams.transport import App

NAME = "identity"


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    shards: dict[int, IdentityShard] = {}
    table = app.state_table(NAME)
    stage = app.stage(NAME, [Topic.IDENTITY_LINKS.topic_name], table)
    sources, policy = context.shards(profiles.NAME), context.settings.identity

    @stage.on_assigned
    def build(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards[partition] = IdentityShard(partition, sources, policy, table.items(partition))

    @stage.on_revoked
    def drop(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards.pop(partition, None)

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            outputs: list[Output] = []
            writes = {}
            now = now_ms()
            for batch in batches:
                shard = shards[batch.partition]
                for record in batch:
                    shard.apply(record.offset, evidence(record), now_ms=now)
                flush = shard.flush()
                outputs += flush.outputs
                writes[batch.partition] = flush.writes
                context.metrics.records_in.labels(batch.topic).inc(len(batch))
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
