"""`fleet`: summaries and channel spend in, fleet statistics out. One writer: everything is in partition 0."""

from __future__ import annotations

from typing import Any

from ebbtide.models.fleet.stage import FleetStage
from ebbtide.schemas.fleet import FleetStats
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, grid_summary
from ebbtide.streams.fleet_gauges import FleetGauges
from ebbtide.streams.stages.context import Context
from ebbtide.streams.stages.shards import flush_shards, keep_shards
from ebbtide.streams.transport import App

NAME = "fleet"


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [Topic.GRID_SUMMARIES.topic_name], table)
    sources = frozenset(f"customers/{p}" for p in range(context.partitions[Topic.PROFILE_STATES.topic_name]))
    policy = context.settings.core

    gauges = FleetGauges(context.metrics)

    def forget(partition: int, _stage: FleetStage) -> None:
        # All is in one partition.
        if partition == 0:
            gauges.forget()

    stages = keep_shards(stage, lambda partition: FleetStage(sources, policy, table.items(partition)), forget)

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream):
            for batch in batches:
                fleet = stages[batch.partition]
                repeats = fleet.repeats
                for record in batch:
                    fleet.apply(record.offset, grid_summary(record))
                context.metrics.duplicates.labels(batch.topic).inc(fleet.repeats - repeats)
            outputs, writes = flush_shards(stages, batches)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
            for output in outputs:
                if isinstance(output.record, FleetStats):
                    gauges.show(output.record)
