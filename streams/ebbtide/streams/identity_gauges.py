"""Shows on `/metrics` what the consistency checks of a partition's tenants find, and how many wait to be switched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from prometheus_client import Gauge

from ebbtide.models.identity.finding import VIOLATIONS
from ebbtide.models.identity.watch import Watch
from ebbtide.schemas.identity import FindingKind
from ebbtide.streams.metrics import Metrics


class IdentityGauges:
    """The gauges of the partitions in hand. A reason or kind that is gone is shown as 0, not as it was."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._reasons: dict[int, set[str]] = {}

    def show(self, partition: int, watches: Iterable[Watch], pending: int = 0) -> None:
        """Bring the gauges of a partition up to date: the sums over its tenants, of sizes the greatest.

        ``pending`` tenants are clustered under other settings than the worker's.
        """
        metrics, name = self._metrics, str(partition)
        kinds: Counter[str] = Counter()
        refused: Counter[str] = Counter()
        identifiers = owners = largest = 0
        metrics.identity_pending_generation.labels(name).set(pending)
        for watch in watches:
            identifiers += watch.identifiers
            owners += watch.owners
            largest = max(largest, watch.largest_component)
            kinds.update(watch.kinds)
            refused.update(watch.refused)
        metrics.identity_identifiers.labels(name).set(identifiers)
        metrics.identity_owners.labels(name).set(owners)
        metrics.identity_largest_component.labels(name).set(largest)
        for kind in FindingKind:
            _gauge_of(metrics, kind).labels(name, kind).set(kinds[kind])
        reasons = self._reasons.setdefault(partition, set())
        reasons.update(refused)
        for reason in reasons:
            metrics.identity_refused_links.labels(name, reason).set(refused[reason])

    def forget(self, partition: int) -> None:
        """Drop the gauges of a partition that was revoked: its last values would be shown for ever."""
        metrics, name = self._metrics, str(partition)
        with suppress(KeyError):  # Revoked before it was shown.
            for gauge in (
                metrics.identity_pending_generation,
                metrics.identity_identifiers,
                metrics.identity_owners,
                metrics.identity_largest_component,
            ):
                gauge.remove(name)
            for kind in FindingKind:
                _gauge_of(metrics, kind).remove(name, kind)
            for reason in self._reasons.pop(partition):
                metrics.identity_refused_links.remove(name, reason)


def _gauge_of(metrics: Metrics, kind: FindingKind) -> Gauge:
    return metrics.identity_violations if kind in VIOLATIONS else metrics.identity_findings
