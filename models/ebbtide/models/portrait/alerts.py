"""A customer's open alerts, as they were told last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ebbtide.models.alerting.declarations import DECLARATIONS, play, wording
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.segments import alert_policy
from ebbtide.models.customer.view import View
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.alert import AlertKind, AlertType
from ebbtide.schemas.base import DAY_MS

_TIER = "service_tier"


@dataclass(frozen=True, slots=True)
class OpenAlertRow:
    """One open alert with its reason in both languages and what to do."""

    alert_id: str
    type: AlertType
    kind: AlertKind
    severity: str
    occurred_at: datetime
    reason_en: str
    reason_zh: str
    play: str
    evidence: dict[str, Any]


def open_alerts(customer: Customer, view: View, day: int, policy: CorePolicy) -> list[OpenAlertRow]:
    """All that are open at the instant ``day``: risks first, then by when they were told, newest first."""
    tier = view.traits_at(customer, (_TIER,), day * DAY_MS - 1).get(_TIER)
    served = None if tier is None else str(tier.value)
    plays = alert_policy(customer, view, day, policy).plays
    rows = []
    for name, alert in customer.alerts.items():
        alert_type = AlertType(name)
        declaration = DECLARATIONS[alert_type]
        reason_en, reason_zh = wording(alert_type, alert.evidence)
        rows.append(
            OpenAlertRow(
                alert_id=alert.alert_id,
                type=alert_type,
                kind=declaration.kind,
                severity=alert.severity,
                occurred_at=from_ms(alert.occurred_ms),
                reason_en=reason_en,
                reason_zh=reason_zh,
                play=play(alert_type, served, plays),
                evidence=alert.evidence,
            )
        )
    rows.sort(key=lambda row: (row.kind is not AlertKind.RISK, -row.occurred_at.timestamp(), row.type))
    return rows
