"""Shows on `/metrics` what fleet statistics say."""

from __future__ import annotations

from ebbtide.models.fleet.stats import EVERYBODY
from ebbtide.schemas.fleet import FleetStats
from ebbtide.streams.metrics import Metrics


class FleetGauges:
    """The gauges of all tenants. A segment that is told no more is shown no more."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._segments: dict[str, frozenset[str]] = {}

    def show(self, stats: FleetStats) -> None:
        """Bring a tenant's gauges up to date."""
        metrics, tenant = self._metrics, stats.tenant
        dropping = stats.segments[EVERYBODY].share_dropping
        metrics.fleet_instant_timestamp_seconds.labels(tenant).set(stats.as_of.timestamp())
        metrics.fleet_dropping_ratio.labels(tenant).set(0 if dropping is None else dropping)
        for segment in self._segments.get(tenant, frozenset()) - stats.segments.keys():
            metrics.fleet_customers.remove(tenant, segment)
        self._segments[tenant] = frozenset(stats.segments)
        for name, segment_stats in stats.segments.items():
            metrics.fleet_customers.labels(tenant, name).set(segment_stats.customers)

    def forget(self) -> None:
        """Drop all: another worker writes the statistics now."""
        metrics = self._metrics
        for tenant, segments in self._segments.items():
            metrics.fleet_instant_timestamp_seconds.remove(tenant)
            metrics.fleet_dropping_ratio.remove(tenant)
            for segment in segments:
                metrics.fleet_customers.remove(tenant, segment)
        self._segments = {}
