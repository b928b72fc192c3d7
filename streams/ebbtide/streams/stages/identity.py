"""`identity`: links, decisions by hand, switches and time in; assignments, audit and time out."""

from __future__ import annotations

import logging
from typing import Any

from ebbtide.models.identity.shard import IdentityShard
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, evidence
from ebbtide.streams.identity_gauges import IdentityGauges
from ebbtide.streams.stages import profiles
from ebbtide.streams.stages.context import Context, now_ms
from ebbtide.streams.stages.shards import flush_shards, keep_shards
from ebbtide.streams.transport import App

NAME = "identity"
log = logging.getLogger(__name__)


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [Topic.IDENTITY_LINKS.topic_name], table)
    sources, policy = context.shards(profiles.NAME), context.settings.identity

    gauges = IdentityGauges(context.metrics)

    def build(partition: int) -> IdentityShard:
        shard = IdentityShard(partition, sources, policy, table.items(partition))
        if shard.pending:
            log.warning(
                "partition %d: %d tenants are clustered under other identity settings than these, and stay so; "
                "`ebbtide identity rebuild` shows what would move",
                partition,
                shard.pending,
            )
        # What is wrong is seen before anything new comes.
        gauges.show(partition, shard.watches, shard.pending)
        return shard

    shards = keep_shards(stage, build, gauges.forget)

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            now = now_ms()
            for batch in batches:
                shard = shards[batch.partition]
                for record in batch:
                    shard.apply(record.offset, evidence(record), now_ms=now)
                context.metrics.records_in.labels(batch.topic).inc(len(batch))
            outputs, writes = flush_shards(shards, batches)
            for partition in writes:
                gauges.show(partition, shards[partition].watches, shards[partition].pending)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
