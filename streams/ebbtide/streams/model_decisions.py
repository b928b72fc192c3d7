"""Decisions about models by hand: sent to the learner, which answers with an event."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic, sleep
from uuid import uuid4

from ebbtide.schemas.learning import ModelAction, ModelEvent, ModelOperation
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import DECISION_KEY
from ebbtide.streams.published import from_topic
from ebbtide.streams.sender import send_one
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import Output

TOPIC = Topic.TRAINING_EXAMPLES.topic_name

PATIENCE_S = 20.0
"""So long the learner has to answer: as long as a worker needs that takes over from another."""

_PAUSE_S = 0.5


def new_operation(
    tenant: str, action: ModelAction, version: str, *, by: str, reason: str, now: datetime
) -> ModelOperation:
    """A decision to send, with an id of its own."""
    return ModelOperation(
        operation_id=str(uuid4()),
        tenant=tenant,
        action=action,
        model_version=version,
        decided_at=now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000),
        by=by,
        reason=reason,
    )


def send_operation(settings: Settings, made: ModelOperation) -> None:
    """Send it to the learner, whose input is all in partition 0. Returns once all in-sync replicas have it.

    Raises ``EbbtideError`` where the broker does not take it.
    """
    output = Output(TOPIC, DECISION_KEY, made.to_json(), 0)
    send_one(settings, output, what="the decision", then="decide again")


def answer_to(settings: Settings, made: ModelOperation) -> ModelEvent | None:
    """The event that answers the decision; None where none comes in time."""
    end = monotonic() + PATIENCE_S
    while True:
        for event in from_topic(settings, Topic.MODEL_EVENTS, ModelEvent, made.tenant):
            if event.operation_id == made.operation_id:
                return event
        if monotonic() >= end:
            return None
        sleep(_PAUSE_S)
