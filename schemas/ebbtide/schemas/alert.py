"""Risk and opportunity alerts: THE outbound topic."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from ebbtide.schemas.base import Contract, Money, Text, UtcDatetime
from ebbtide.schemas.score import Contribution


class AlertKind(StrEnum):
    """Whether money may be lost or won."""

    RISK = "risk"
    OPPORTUNITY = "opportunity"


class AlertType(StrEnum):
    """What happened (signals §7)."""

    SUDDEN_DROP = "sudden_drop"
    ASLEEP = "asleep"
    LEFT = "left"
    TIER_TO_DANGER = "tier_to_danger"
    SURGE = "surge"
    WARM_RETURN = "warm_return"


class AlertState(StrEnum):
    """Lifecycle of an alert."""

    OPEN = "open"
    UPDATED = "updated"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Suppressed(Contract):
    """Why an alert was held back."""

    reason: str


class Alert(Contract):
    """Topic ``alerts``, keyed by customer id. One open alert per customer and type; ``version`` only grows.

    ``contributions`` are the features that move the score; its record on ``scores`` has all of them. The first of the
    reasons is what happened; of a risk those of the score follow where it was published at the same instant.
    """

    alert_id: Text
    tenant: Text
    kind: AlertKind
    type: AlertType
    customer_id: Text
    customer_name: str | None = None
    person_id: str | None = None
    state: AlertState
    severity: Severity
    occurred_at: UtcDatetime
    version: int
    evidence: dict[str, Any]
    contributions: list[Contribution]
    p_churn: float | None
    reasons_en: list[str]
    reasons_zh: list[str]
    play: str
    owner: str | None
    route: str
    at_stake: Money | None
    suppressed: Suppressed | None = None
    resolved_reason: str | None = None
