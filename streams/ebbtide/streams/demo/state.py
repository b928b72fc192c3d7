"""What the live view shows: folded from what the worker publishes, and from nothing else."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ebbtide.schemas.alert import Alert, AlertKind, AlertState, Severity
from ebbtide.schemas.learning import Model, ModelRole
from ebbtide.streams.demo.scrape import Buckets, Reading, quantile

RATE_WINDOW_S = 5.0
LATENCY_WINDOW_S = 15.0
SEVERITY_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the broker's append of the event to the acknowledged output: median and 95 %."""

    median: float
    p95: float


@dataclass(slots=True)
class DemoState:
    """All that is known at one moment. Times of ``seconds`` count from the start of the command."""

    broker: str = ""
    lag_known: bool = True  # Tansu reports wrong end offsets, so that its lag would be fiction
    seconds: float = 0.0
    first_alert_seconds: float | None = None
    phase: str = "starting"
    book_start: datetime | None = None
    book_days: int = 0
    reached: datetime | None = None  # how far the book was sent
    sent: int = 0
    reading: Reading = field(default_factory=Reading)
    customers: set[bytes] = field(default_factory=set)
    tiers: dict[str, str] = field(default_factory=dict)  # customer id -> tier
    scores: int = 0
    alerts: dict[str, Alert] = field(default_factory=dict)  # open ones by id, oldest first
    opened: Counter[str] = field(default_factory=Counter)  # by type
    resolved: int = 0
    model: Model | None = None
    _readings: deque[tuple[float, Reading]] = field(default_factory=deque)

    @property
    def tier_counts(self) -> Counter[str]:
        """Scored customers by health tier."""
        return Counter(self.tiers.values())

    @property
    def events_per_second(self) -> float:
        """Accepted events over the last seconds."""
        window = [pair for pair in self._readings if pair[0] >= self.seconds - RATE_WINDOW_S]
        if len(window) < 2:
            return 0.0
        (began, first), (ended, last) = window[0], window[-1]
        return max(0.0, (last.accepted - first.accepted) / (ended - began)) if ended > began else 0.0

    @property
    def score_latency(self) -> Latency | None:
        """Event to score over the last seconds; None when nothing was scored in them."""
        return self._latency("score_latency")

    @property
    def alert_latency(self) -> Latency | None:
        """Event to alert over the last seconds; None when there was no alert in them."""
        return self._latency("alert_latency")

    def _latency(self, name: str) -> Latency | None:
        if not self._readings:
            return None
        newest: Buckets = getattr(self._readings[-1][1], name)
        oldest: Buckets = getattr(self._readings[0][1], name)
        median, p95 = quantile(0.5, newest, oldest), quantile(0.95, newest, oldest)
        return None if median is None or p95 is None else Latency(median, p95)

    def measure(self, reading: Reading) -> None:
        """Take in what the worker says of itself now."""
        self.reading = reading
        self._readings.append((self.seconds, reading))
        while len(self._readings) > 2 and self._readings[0][0] < self.seconds - LATENCY_WINDOW_S:
            self._readings.popleft()

    def score(self, customer_id: str, tier: str | None) -> None:
        """Take in a published score."""
        self.scores += 1
        if tier is not None:
            self.tiers[customer_id] = tier

    def alert(self, alert: Alert) -> None:
        """Take in a published alert; of what is held back nobody hears."""
        if alert.kind is AlertKind.OPS or (alert.suppressed is not None and alert.alert_id not in self.alerts):
            return
        if self.first_alert_seconds is None:
            self.first_alert_seconds = self.seconds
        if alert.state is AlertState.RESOLVED or alert.suppressed is not None:
            self.resolved += self.alerts.pop(alert.alert_id, None) is not None
            return
        if alert.state is AlertState.OPEN:
            self.opened[alert.type] += 1
        self.alerts.pop(alert.alert_id, None)
        self.alerts[alert.alert_id] = alert

    def learned(self, model: Model) -> None:
        """Take in a published model: the champion told last is in force."""
        if model.role is ModelRole.CHAMPION:
            self.model = model

    def newest(self, kind: AlertKind, count: int) -> list[Alert]:
        """Open alerts of a kind, newest first; of one instant the gravest and dearest first."""
        found = [alert for alert in self.alerts.values() if alert.kind is kind]
        found.sort(key=lambda alert: (-alert.occurred_at.timestamp(), *_weight(alert)))
        return found[:count]

    def gravest(self, count: int) -> list[Alert]:
        """Open risks, one a customer, the gravest and dearest first."""
        risks = sorted((a for a in self.alerts.values() if a.kind is AlertKind.RISK), key=_weight)
        first_of: dict[str, Alert] = {}
        for alert in risks:
            first_of.setdefault(alert.customer_id or "", alert)
        return list(first_of.values())[:count]


def _weight(alert: Alert) -> tuple[Any, ...]:
    at_stake = 0.0 if alert.at_stake is None else alert.at_stake.amount
    return SEVERITY_RANK[alert.severity], -at_stake, alert.alert_id
