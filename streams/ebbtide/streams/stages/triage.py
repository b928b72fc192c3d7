"""`triage`: candidates, what people say of alerts and what customers did in; alerts and digests out. One writer."""

from __future__ import annotations

from typing import Any

from ebbtide.models.triage.stage import TriageStage
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, for_triage
from ebbtide.streams.stages.context import Context
from ebbtide.streams.stages.shards import flush_shards, keep_shards
from ebbtide.streams.transport import App

NAME = "triage"


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [Topic.ALERT_CANDIDATES.topic_name], table)
    sources = frozenset(f"customers/{p}" for p in range(context.partitions[Topic.PROFILE_STATES.topic_name]))
    policy = context.settings.core
    stages = keep_shards(stage, lambda partition: TriageStage(sources, policy, table.items(partition)))

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream):
            for batch in batches:
                triage = stages[batch.partition]
                for record in batch:
                    triage.apply(record.offset, for_triage(record))
                context.metrics.records_in.labels(batch.topic).inc(len(batch))
                context.metrics.duplicates.labels(batch.topic).inc(triage.repeats)
                triage.repeats = 0
            outputs, writes = flush_shards(stages, batches)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
            context.sent(outputs)
            # A rebalance may have passed since the flush.
            for partition in writes.keys() & stages.keys():
                _count(context, stages[partition])


def _count(context: Context, triage: TriageStage) -> None:
    """Count feedback that changed nothing since the last time."""
    for reason, count in triage.ignored.items():
        context.metrics.feedback_refused.labels(reason).inc(count)
    triage.ignored.clear()
