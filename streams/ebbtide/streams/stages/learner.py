"""`learner`: matured examples in, models out. One writer: everything is in partition 0."""

from __future__ import annotations

import logging
from typing import Any

from ebbtide.models.churn.stage import LearnerStage
from ebbtide.models.outputs import Output
from ebbtide.schemas.learning import Model, ModelEvent
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, for_learner
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

    stages = keep_shards(stage, lambda partition: LearnerStage(sources, context.settings.core, table.items(partition)))

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
            _count(context, outputs)
            for learner in stages.values():
                _show(context, learner)


def _count(context: Context, outputs: list[Output]) -> None:
    for output in outputs:
        model = output.record
        if isinstance(model, ModelEvent):
            log.info("models of tenant %s: %s, %s", model.tenant, model.kind, model.reason)
            context.metrics.model_events.labels(model.tenant, model.kind).inc()
        elif isinstance(model, Model):
            labels = (model.tenant, model.role)
            context.metrics.model_examples.labels(*labels).set(model.examples)
            if model.trained_through is not None:
                context.metrics.model_trained_through_timestamp_seconds.labels(*labels).set(
                    model.trained_through.timestamp()
                )


def _show(context: Context, learner: LearnerStage) -> None:
    metrics = context.metrics
    for tenant, models in learner.tenants.items():
        metrics.model_inputs_shifted.labels(tenant).set(models.inputs.is_shifted)
        metrics.model_challenged.labels(tenant).set(models.rival is not None)
        for feature, index in models.inputs.indices.items():
            metrics.model_input_stability_index.labels(tenant, feature).set(index)
