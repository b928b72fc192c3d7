"""What every stage's loop needs beside its shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from time import time

from ebbtide.models import outputs as core
from ebbtide.schemas.alert import Alert, AlertState
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.topics import Topic
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.settings import Settings


def now_ms() -> int:
    """Wall clock, epoch milliseconds."""
    return int(time() * 1000)


@dataclass(frozen=True, slots=True)
class Context:
    """Settings, metrics, and the partition counts of all topics."""

    settings: Settings
    metrics: Metrics
    partitions: dict[str, int]

    def sources(self, *topics: Topic) -> frozenset[str]:
        """Names of all partitions of the topics, as ticks name them."""
        names = [topic.topic_name for topic in topics]
        return frozenset(f"{name}/{partition}" for name in names for partition in range(self.partitions[name]))

    def shards(self, stage: str) -> frozenset[str]:
        """Names of all shards of a stage, as ticks name them."""
        return frozenset(f"{stage}/{partition}" for partition in range(self.settings.broker.partitions))

    def sent(self, outputs: Iterable[core.Output]) -> None:
        """Count what the broker has acknowledged."""
        metrics, now = self.metrics, now_ms()
        scores = records = 0
        alerts: Counter[tuple[str, str]] = Counter()
        held: Counter[tuple[str, str]] = Counter()
        for output in outputs:
            if output.topic is Topic.SCORES:
                scores += 1
                if output.caused_ms:
                    metrics.event_to_score_seconds.observe(max(0, now - output.caused_ms) / 1000)
            elif output.topic is Topic.ALERTS and isinstance(output.record, Alert):
                alert = output.record
                if alert.suppressed is not None:
                    held[alert.type, alert.suppressed.reason] += alert.state is AlertState.OPEN
                    continue
                alerts[alert.type, alert.state] += 1
                if output.caused_ms:
                    metrics.event_to_alert_seconds.observe(max(0, now - output.caused_ms) / 1000)
            elif isinstance(output.record, CustomerRecord):
                records += 1
        if scores:
            metrics.scores_published.inc(scores)
        if records:
            metrics.customer_records_published.inc(records)
        for (alert_type, state), count in alerts.items():
            metrics.alerts_published.labels(alert_type, state).inc(count)
        for (alert_type, reason), count in held.items():
            metrics.alerts_suppressed.labels(alert_type, reason).inc(count)
