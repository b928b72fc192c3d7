"""How many alerts a replay told, and how many of them came true."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from ebbtide.models.churn.quality import wilson
from ebbtide.streams.evaluation.rows import read


class _Alert(msgspec.Struct):
    kind: str
    type: str
    customer_id: str
    state: str
    occurred_at: datetime
    owner: str | None = None
    suppressed: dict[str, Any] | None = None


def alerts(directory: Path, horizon: timedelta, churned_at: dict[str, datetime]) -> dict[str, Any] | None:
    """How many alerts reached somebody, and, where churn dates are known, how many of them came true and how early."""
    path = directory / "alerts.ndjson"
    if not path.exists():
        return None
    by_type: dict[str, int] = defaultdict(int)
    risks: dict[str, list[datetime]] = defaultdict(list)
    owners: set[str] = set()
    times: list[datetime] = []
    suppressed = 0
    for alert in read(path, _Alert):
        if alert.state != "open":
            continue
        if alert.suppressed is not None:
            suppressed += 1
            continue
        by_type[alert.type] += 1
        owners.add(alert.owner or "")
        times.append(alert.occurred_at)
        if alert.kind == "risk":
            risks[alert.customer_id].append(alert.occurred_at)
    weeks = max((max(times) - min(times)) / timedelta(weeks=1), 1.0) if times else 1.0
    result: dict[str, Any] = {
        "opened": len(times),
        "suppressed": suppressed,
        "owners": len(owners),
        "opened_per_owner_week": len(times) / (weeks * max(len(owners), 1)),
        "opened_by_type": dict(sorted(by_type.items())),
    }
    if churned_at:
        leads = [
            (left - min(early)) / timedelta(days=1)
            for customer, left in churned_at.items()
            if (early := [at for at in risks.get(customer, ()) if left - horizon <= at < left])
        ]
        known_until = max(times, default=datetime.min.replace(tzinfo=UTC)) - horizon
        judged = [(customer, at) for customer, opened in risks.items() for at in opened if at <= known_until]
        hits = sum(customer in churned_at and at < churned_at[customer] <= at + horizon for customer, at in judged)
        low, high = wilson(hits, len(judged))
        result |= {
            "churners": len(churned_at),
            "churners_warned": len(leads),
            "share_of_churners_warned": len(leads) / len(churned_at),
            "median_lead_days": median(leads) if leads else None,
            "risk_alerts_judged": len(judged),
            "risk_alert_precision": hits / len(judged) if judged else None,
            "risk_alert_precision_low_95": low,
            "risk_alert_precision_high_95": high,
        }
    return result
