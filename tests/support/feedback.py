"""What people tell of customers, as it lies on its topic."""

from __future__ import annotations

import json
from typing import Any

from ebbtide.models.intake.accept import RawMessage
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.topics import Topic
from support.raw import NOW, at, iso


def feedback(
    customer_id: str,
    day: float,
    outcome: str,
    *,
    name: str = "f1",
    told: float | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """An outcome of ``day`` that was recorded on ``told``, half a day later if not said."""
    return {
        "tenant": "default",
        "feedback_id": name,
        "customer_id": customer_id,
        "occurred_at": iso(at(day)),
        "recorded_at": iso(at(day + 0.5 if told is None else told)),
        "by": "jo",
        "action": "outcome",
        "outcome": outcome,
        "reason": reason,
    }


def message(body: dict[str, Any], offset: int = 0, partition: int = 0) -> RawMessage:
    """A record of the topic, keyed by its customer."""
    key, value = str(body["customer_id"]).encode(), json.dumps(body).encode()
    return RawMessage(Topic.FEEDBACK.topic_name, partition, offset, key, value, to_ms(NOW))
