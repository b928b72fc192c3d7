"""`ebbtide feedback`: what somebody says of a customer, to topic `feedback`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

from aiokafka.errors import KafkaError

from ebbtide.schemas.feedback import Feedback, Outcome, OutcomeReason
from ebbtide.schemas.topics import Topic
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.sender import started_producer
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import Output

TOPIC = Topic.FEEDBACK.topic_name


def new_feedback(
    tenant: str,
    customer_id: str,
    outcome: Outcome,
    *,
    by: str,
    now: datetime,
    at: datetime | None = None,
    reason: OutcomeReason | None = None,
    note: str | None = None,
) -> Feedback:
    """An outcome to send, with an id of its own; it happened ``at`` then, or just now, never later than ``now``."""
    recorded_at = now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000)
    return Feedback(
        tenant=tenant,
        feedback_id=str(uuid4()),
        customer_id=customer_id,
        # Of the millisecond that runs only the beginning is over.
        occurred_at=min(at or recorded_at, recorded_at),
        recorded_at=recorded_at,
        by=by,
        action="outcome",
        outcome=outcome,
        reason=reason,
        note=note,
    )


def send_feedback(settings: Settings, told: Feedback) -> None:
    """Send it to its customer's partition. Returns once all in-sync replicas have it."""
    asyncio.run(_send(settings, told))


async def _send(settings: Settings, told: Feedback) -> None:
    producer = await started_producer(settings)
    try:
        await producer.send_all([Output(TOPIC, told.customer_id.encode(), told.to_json())])
    except KafkaError as error:
        raise EbbtideError(
            f"{settings.broker.bootstrap} did not take the feedback for {TOPIC}: {error}; "
            "see `ebbtide topics check`, then tell it again"
        ) from None
    finally:
        await producer.stop()
