"""`learner`: matured examples in, models out. One writer: everything is in partition 0."""

from __future__ import annotations

from typing import Any

from ebbtide.models.churn.stage import LearnerStage
from ebbtide.models.outputs import Output
from ebbtide.schemas.learning import Model
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import encode, training_example
from ebbtide.streams.stages.context import Context
from ebbtide.streams.stages.shards import flush_shards, keep_shards
from ebbtide.streams.transport import App

NAME = "learner"


def declare(app: App, context: Context) -> None:
    """Add the stage to the app."""
    table = app.state_table(NAME)
    stage = app.stage(NAME, [Topic.TRAINING_EXAMPLES.topic_name], table)
    sources = frozenset(f"customers/{p}" for p in range(context.partitions[Topic.PROFILE_STATES.topic_name]))

    stages = keep_shards(stage, lambda partition: LearnerStage(sources, table.items(partition)))

    @stage.agent
    async def agent(stream: Any) -> None:
        async for batches in stage.batches(stream):
            for batch in batches:
                learner = stages[batch.partition]
                for record in batch:
                    learner.apply(record.offset, training_example(record))
            outputs, writes = flush_shards(stages, batches)
            with context.metrics.flush_seconds.labels(NAME).time():
                await stage.flush(batches, encode(outputs, context.partitions), writes)
            _count(context, outputs)


def _count(context: Context, outputs: list[Output]) -> None:
    for output in outputs:
        model = output.record
        if isinstance(model, Model):
            labels = (model.tenant, model.role)
            context.metrics.model_examples.labels(*labels).set(model.examples)
            if model.trained_through is not None:
                context.metrics.model_trained_through_timestamp_seconds.labels(*labels).set(
                    model.trained_through.timestamp()
                )
