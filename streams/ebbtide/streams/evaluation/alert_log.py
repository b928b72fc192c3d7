"""The alerts of a replay, each once: when somebody was told of it, or why nobody was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from ebbtide.streams.evaluation.rows import read

RISK, OPPORTUNITY, OPS = "risk", "opportunity", "ops"
_RESOLVED = "resolved"


class _Suppressed(msgspec.Struct):
    reason: str


class _Evidence(msgspec.Struct):
    window_days: float = 0
    fleet_down_days: float = 0
    blind_days: float = 0


class _Record(msgspec.Struct):
    kind: str
    type: str
    customer_id: str | None
    state: str
    occurred_at: datetime
    alert_id: str
    version: int = 0
    owner: str | None = None
    suppressed: _Suppressed | None = None
    evidence: _Evidence = msgspec.field(default_factory=_Evidence)


@dataclass
class LoggedAlert:
    """One alert. ``told_at``: its first record, other than its end, that was not suppressed; None: nobody was told.

    ``suppressed_by`` is the reason that was given last while nobody had been told. ``window_days`` and
    ``left_out_days`` are as ``Told`` has them.
    """

    alert_id: str
    kind: str
    type: str
    customer_id: str | None
    owner: str | None
    opened_at: datetime
    told_at: datetime | None = None
    ended_at: datetime | None = None
    suppressed_by: str | None = None
    window_days: float = 0
    left_out_days: float = 0


@dataclass(frozen=True)
class Told:
    """An alert on a customer of which somebody was told, and when.

    ``window_days`` is the number of days up to the telling that its evidence judges, 0 where it judges none;
    ``left_out_days`` of them weighed nothing, as the fleet was down or nobody could see the customer.
    """

    alert_id: str
    kind: str
    type: str
    customer_id: str
    owner: str | None
    at: datetime
    ended_at: datetime | None = None
    window_days: float = 0
    left_out_days: float = 0

    @property
    def is_risk(self) -> bool:
        """Whether money may be lost."""
        return self.kind == RISK


@dataclass(frozen=True)
class AlertLog:
    """All alerts of a replay. ``told`` are those on customers, by time; ``ops`` are about no customer."""

    told: tuple[Told, ...]
    suppressed: Counter[str]
    told_later: int
    ops: Counter[str]
    owners: frozenset[str]
    held_back: tuple[LoggedAlert, ...]

    def by_customer(self) -> dict[str, list[Told]]:
        """What was told of each customer, by time."""
        found: dict[str, list[Told]] = {}
        for alert in self.told:
            found.setdefault(alert.customer_id, []).append(alert)
        return found


def read_alerts(directory: Path) -> AlertLog | None:
    """The alerts of the replay in ``directory``; None where it wrote none."""
    path = directory / "alerts.ndjson"
    if not path.exists():
        return None
    alerts: dict[str, LoggedAlert] = {}
    told_later = 0
    for record in read(path, _Record):
        known = alerts.get(record.alert_id)
        if known is None:
            known = alerts[record.alert_id] = LoggedAlert(
                record.alert_id,
                record.kind,
                record.type,
                record.customer_id,
                record.owner,
                record.occurred_at,
            )
        if record.state == _RESOLVED:
            known.ended_at = record.occurred_at
        elif known.told_at is None:
            if record.suppressed is not None:
                known.suppressed_by = record.suppressed.reason
                continue
            told_later += known.suppressed_by is not None
            known.told_at = record.occurred_at
            known.window_days = record.evidence.window_days
            known.left_out_days = record.evidence.fleet_down_days + record.evidence.blind_days
            known.owner = record.owner or known.owner
    on_customers = [alert for alert in alerts.values() if alert.kind != OPS and alert.customer_id is not None]
    told = [
        Told(a.alert_id, a.kind, a.type, a.customer_id, a.owner, a.told_at, a.ended_at, a.window_days, a.left_out_days)
        for a in on_customers
        if a.told_at is not None and a.customer_id is not None
    ]
    told.sort(key=lambda alert: (alert.at, alert.customer_id, alert.type))
    held_back = tuple(a for a in on_customers if a.told_at is None and a.suppressed_by is not None)
    return AlertLog(
        told=tuple(told),
        suppressed=Counter(alert.suppressed_by for alert in held_back if alert.suppressed_by is not None),
        told_later=told_later,
        ops=Counter(
            a.type for a in alerts.values() if (a.kind == OPS or a.customer_id is None) and a.told_at is not None
        ),
        owners=frozenset(alert.owner for alert in on_customers if alert.owner is not None),
        held_back=held_back,
    )
