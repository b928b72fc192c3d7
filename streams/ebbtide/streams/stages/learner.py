"""`learner`: matured examples in, models out. One writer: everything is in partition 0."""

from __future__ import annotations

import logging
from typing import Any

from ebbtide.models.churn.stage import LearnerStage
from ebbtide.schemas.learning import Model, ModelEvent
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, for_learner
from ebbtide.streams.model_gauges import ModelGauges
from ebbtide.streams.stages.context import Context
from ebbtide.streams.stages.shards import flush_shards, keep_shards
from ebbtide.streams.transport import App

log = logging.getLogger(__name__)

NAME = "learner"


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [Topic.TRAINING_EXAMPLES.topic_name], table)
    sources = frozenset(f"customers/{p}" for p in range(context.partitions[Topic.PROFILE_STATES.topic_name]))

    gauges = ModelGauges(context.metrics)

    def forget(partition: int, _stage: LearnerStage) -> None:
        # All is in one partition.
        if partition == 0:
            gauges.forget()

    def build(partition: int) -> LearnerStage:
        learner = LearnerStage(sources, context.settings.core, table.items(partition))
        # The next model may be an observation interval away.
        for tenant, models in learner.tenants.items():
            gauges.show(models.model())
            gauges.watch(tenant, models)
        return learner

    stages = keep_shards(stage, build, forget)

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream):
            for batch in batches:
                learner = stages[batch.partition]
                for record in batch:
                    learner.apply(record.offset, for_learner(record))
            outputs, writes = flush_shards(stages, batches)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
            for output in outputs:
                _tell(context, gauges, output.record)
            for learner in stages.values():
                for tenant, models in learner.tenants.items():
                    gauges.watch(tenant, models)


def _tell(context: Context, gauges: ModelGauges, record: object) -> None:
    if isinstance(record, Model):
        gauges.show(record)
    elif isinstance(record, ModelEvent):
        log.info("models of tenant %s: %s, %s", record.tenant, record.kind, record.reason)
        context.metrics.model_events.labels(record.tenant, record.kind).inc()
