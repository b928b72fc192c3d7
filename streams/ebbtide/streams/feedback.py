"""`ebbtide feedback`: what somebody says of a customer or of an alert, to topic `feedback`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ebbtide.schemas.alert import AlertType, DismissReason
from ebbtide.schemas.feedback import Feedback, FeedbackAction, Outcome, OutcomeReason
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sender import send_one
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import Output

TOPIC = Topic.FEEDBACK.topic_name


def new_outcome(
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
    said = {"action": FeedbackAction.OUTCOME, "outcome": outcome, "reason": reason}
    return _made(tenant, customer_id, by, now, at, note, said)


def new_response(
    tenant: str,
    customer_id: str,
    action: FeedbackAction,
    alert_type: AlertType,
    *,
    by: str,
    now: datetime,
    reason: DismissReason | None = None,
    until: datetime | None = None,
    note: str | None = None,
) -> Feedback:
    """What is to become of the customer's alert of a type. Raises ``ValueError`` where the contract refuses it."""
    said = {"action": action, "alert_type": alert_type, "dismiss_reason": reason, "until": until}
    return _made(tenant, customer_id, by, now, None, note, said)


def _made(
    tenant: str,
    customer_id: str,
    by: str,
    now: datetime,
    at: datetime | None,
    note: str | None,
    said: dict[str, Any],
) -> Feedback:
    recorded_at = now.astimezone(UTC).replace(microsecond=now.microsecond // 1000 * 1000)
    return Feedback(
        tenant=tenant,
        feedback_id=str(uuid4()),
        customer_id=customer_id,
        # Of the millisecond that runs only the beginning is over.
        occurred_at=min(at or recorded_at, recorded_at),
        recorded_at=recorded_at,
        by=by,
        note=note,
        **said,
    )


def send_feedback(settings: Settings, told: Feedback) -> None:
    """Send it to its customer's partition. Returns once all in-sync replicas have it."""
    output = Output(TOPIC, told.customer_id.encode(), told.to_json())
    send_one(settings, output, what="the feedback", then="tell it again")
