"""`identity`: links, decisions by hand, switches and time in; assignments, audit and time out."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ebbtide.models.identity.shard import IdentityShard
from ebbtide.schemas.identity import IdentityRebuild
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import Evidence, encode, evidence
from ebbtide.streams.identity_gauges import IdentityGauges
from ebbtide.streams.stages import profiles
from ebbtide.streams.stages.context import Context, now_ms
from ebbtide.streams.stages.shards import Flushed, flush_shards, keep_shards
from ebbtide.streams.transport import App, RecordBatch

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

    def forget(partition: int, shard: IdentityShard) -> None:
        gauges.forget(partition)
        shard.dissolve()

    shards = keep_shards(stage, build, forget)

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream, linger=context.settings.worker.linger_seconds):
            touched = {batch.partition: shards[batch.partition] for batch in batches}
            records = [(batch.partition, record.offset, evidence(record)) for batch in batches for record in batch]
            work = partial(_take_in, touched, batches, records)
            switches = [record for _, _, record in records if isinstance(record, IdentityRebuild)]
            for switch in switches:
                log.info("switching tenant %s to generation %d", switch.tenant, switch.generation)
            # A switch clusters a whole tenant anew.
            outputs, writes = await stage.aside(work) if switches else work()
            for batch in batches:
                context.metrics.records_in.labels(batch.topic).inc(len(batch))
            for partition, shard in touched.items():
                gauges.show(partition, shard.watches, shard.pending)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)


def _take_in(
    shards: Mapping[int, IdentityShard],
    batches: Iterable[RecordBatch],
    records: Iterable[tuple[int, int, Evidence | Tick]],
) -> Flushed:
    """Apply the records of the batches, each with its partition and offset."""
    now = now_ms()
    for partition, offset, record in records:
        shards[partition].apply(offset, record, now_ms=now)
    return flush_shards(shards, batches)
