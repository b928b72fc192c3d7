"""What the budget held back on a day, as the owner reads it."""

from __future__ import annotations

from ebbtide.models.clock.watermark import from_ms
from ebbtide.schemas.alert import Alert, AlertDigest, DigestLine
from ebbtide.schemas.base import DAY_MS

MOST_LINES = 200
"""So many alerts of a day a digest names; who has more has another problem."""


def line(alert: Alert, priority: float) -> DigestLine:
    """An alert as a line."""
    assert alert.customer_id is not None, "what is about no customer has no budget"
    return DigestLine(
        alert_id=alert.alert_id,
        customer_id=alert.customer_id,
        customer_name=alert.customer_name,
        type=alert.type,
        severity=alert.severity,
        priority=priority,
        reason_en=alert.reasons_en[0],
        reason_zh=alert.reasons_zh[0],
        play=alert.play,
    )


def digest(tenant: str, owner: str, day: int, told: int, lines: list[DigestLine]) -> AlertDigest:
    """The digest of an owner; ``lines`` in their order."""
    return AlertDigest(
        tenant=tenant,
        owner=owner,
        day=from_ms(day * DAY_MS),
        told=told,
        held=lines[:MOST_LINES],
        more=len(lines[MOST_LINES:]),
    )
