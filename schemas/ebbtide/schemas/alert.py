"""Risk and opportunity alerts: THE outbound topic."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from ebbtide.schemas.base import Contract, Money, Text, UtcDatetime
from ebbtide.schemas.score import Contribution


class AlertKind(StrEnum):
    """Whether money may be lost or won, or what is told to whoever runs Ebbtide."""

    RISK = "risk"
    OPPORTUNITY = "opportunity"
    OPS = "ops"


class AlertType(StrEnum):
    """What happened (signals §7)."""

    SUDDEN_DROP = "sudden_drop"
    ASLEEP = "asleep"
    LEFT = "left"
    TIER_TO_DANGER = "tier_to_danger"
    CELL_DOWN = "cell_down"
    RENEWAL_AT_RISK = "renewal_at_risk"
    SUPPORT_DISTRESS = "support_distress"
    DETRACTOR = "detractor"
    OVERDUE = "overdue"
    STUCK = "stuck"
    KEY_PERSON_LOST = "key_person_lost"
    SURGE = "surge"
    WARM_RETURN = "warm_return"
    HOT_LEAD = "hot_lead"
    EXPANSION_READY = "expansion_ready"
    CELL_UP = "cell_up"
    REFERRAL_READY = "referral_ready"
    FLEET_DROP = "fleet_drop"
    SOURCE_BLIND = "source_blind"


class AlertState(StrEnum):
    """Lifecycle of an alert."""

    OPEN = "open"
    UPDATED = "updated"
    RESOLVED = "resolved"


class DismissReason(StrEnum):
    """Why somebody wants to hear no more of an alert."""

    WRONG = "wrong"
    KNOWN = "known"
    HANDLED = "handled"


class Severity(StrEnum):
    """How soon somebody should look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class SuppressionReason(StrEnum):
    """Why nobody is told of an alert."""

    BUDGET = "budget"
    COVERED = "covered"
    FLEET_DROP = "fleet_drop"
    DISMISSED = "dismissed"
    SNOOZED = "snoozed"


class Suppressed(Contract):
    """Why an alert is held back: nobody is to be told of it, now or, where this is null later, until then."""

    reason: SuppressionReason


class Response(Contract):
    """What somebody said of an alert last: ``action`` ack, dismiss or snooze, by topic ``feedback``."""

    action: Literal["ack", "dismiss", "snooze"]
    by: Text
    at: UtcDatetime
    reason: DismissReason | None = None
    until: UtcDatetime | None = None


class Alert(Contract):
    """Topic ``alerts``, keyed by customer id. One open alert per customer and type; ``version`` only grows.

    With ``suppressed`` it is for the record: nobody is to be told. One that was held back and is told after all is
    ``open`` again, without. ``priority`` is the money at stake, in the money currency, times the probability, times
    the confidence in condition and type: what the alerts of an owner are ranked by. Whoever delivers it does so from
    ``deliver_at`` on, the end of the route's quiet hours. ``escalated_at``: nobody responded in time. An alert of kind
    ``ops`` is about no customer: ``customer_id`` is null, and its key the tenant.

    ``contributions`` are the features that move the score; its record on ``scores`` has all of them. The first of the
    reasons is what happened; of a risk those of the score follow where it was published at the same instant.
    ``person_id`` is the profile of whom it is about; null where that is the whole customer. ``confidence``, 0 to 1, is
    how sure the condition itself is; whether the customer churns is ``p_churn``.
    """

    alert_id: Text
    tenant: Text
    kind: AlertKind
    type: AlertType
    customer_id: Text | None
    customer_name: str | None = None
    person_id: str | None = None
    state: AlertState
    severity: Severity
    occurred_at: UtcDatetime
    version: int
    evidence: dict[str, Any]
    contributions: list[Contribution]
    p_churn: float | None
    confidence: float = Field(1.0, ge=0, le=1)
    reasons_en: list[str]
    reasons_zh: list[str]
    play: str
    owner: str | None
    route: str
    at_stake: Money | None
    suppressed: Suppressed | None = None
    resolved_reason: str | None = None
    priority: float = 0.0
    deliver_at: UtcDatetime | None = None
    escalated_at: UtcDatetime | None = None
    response: Response | None = None


class AlertCandidate(Contract):
    """A condition of a customer began, changed or ended. Topic ``alert-candidates``, keyed by customer id.

    ``alert`` is what would be told: its ``version`` counts the customer's candidates. ``instant`` is the grid instant
    at which it was decided; what happened after it, on the day that runs, does not wait for others. ``worth`` is the
    money at stake in the money currency, null where it is not known. ``caused_ms`` is when the input that caused it
    was appended to Kafka.
    """

    alert: Alert
    instant: UtcDatetime
    worth: float | None
    caused_ms: int | None = None


class DayActivity(Contract):
    """What the customers of a partition did on the UTC day before ``instant``.

    Topics ``alert-candidates`` and ``grid-summaries``: triage and the fleet judge by it how the whole fleet does.

    ``events`` are their actions by the source that delivered them, ``blind`` the sources of which nothing was heard on
    the day. Of the same instant and ``partition`` told twice the first counts.
    """

    tenant: Text
    instant: UtcDatetime
    partition: Text
    events: dict[str, int]
    blind: list[str]


class DigestLine(Contract):
    """An alert that the budget held back."""

    alert_id: Text
    customer_id: Text
    customer_name: str | None
    type: AlertType
    severity: Severity
    priority: float
    reason_en: str
    reason_zh: str
    play: str


class AlertDigest(Contract):
    """What an owner was not told one by one on a UTC day. Topic ``alert-digests``, keyed by tenant and owner.

    ``held`` are the alerts beyond the budget that are still open, most important first, and ``more`` the number of
    those beyond the longest list; ``told`` counts those that were told. ``owner`` is empty for customers without one.
    """

    tenant: Text
    owner: str
    day: UtcDatetime
    told: int
    held: list[DigestLine]
    more: int = 0
