"""Statistics of a tenant at a grid instant, from the summaries of all partitions. Their order does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from ebbtide.models.fleet.contribution import COMPARABLE, DROPPING, VALUE
from ebbtide.models.fleet.sketch import Sketch
from ebbtide.models.policy import FleetPolicy
from ebbtide.schemas.fleet import ChannelCost, FleetStats, SegmentStats, SegmentSummary

EVERYBODY = ""
"""Name of the segment that all customers are in."""

SHARES = tuple(step / 20 for step in range(1, 20))
"""Shares at which quantiles are told: .05, .10 … .95."""

STEPS = tuple(f"{share:.2f}" for share in SHARES)
"""The same as names."""


class SegmentTotals:
    """Merged sums of a segment."""

    def __init__(self, accuracy: float) -> None:
        self.customers = 0
        self._accuracy = accuracy
        self._sketches: dict[str, Sketch] = {}
        self._counters: dict[str, int] = {}
        self._modules: dict[str, int] = {}

    def add(self, summary: SegmentSummary) -> None:
        """Add what some of the customers add up to."""
        self.customers += summary.customers
        for metric, counts in summary.sketches.items():
            sketch = self._sketches.get(metric)
            if sketch is None:
                sketch = self._sketches[metric] = Sketch(self._accuracy)
            sketch.merge(counts)
        _sum_up(self._counters, summary.counters)
        _sum_up(self._modules, summary.modules)

    def stats(self, pareto_share: float) -> SegmentStats:
        """The statistics of these sums; names in alphabetical order."""
        value, comparable = self._sketches.get(VALUE), self._counters.get(COMPARABLE, 0)
        return SegmentStats(
            customers=self.customers,
            quantiles={
                metric: dict(zip(STEPS, self._sketches[metric].quantiles(SHARES), strict=True))
                for metric in sorted(self._sketches)
            },
            counters=dict(sorted(self._counters.items())),
            modules=dict(sorted(self._modules.items())),
            share_dropping=self._counters.get(DROPPING, 0) / comparable if comparable else None,
            pareto_value=None if value is None else value.value_reaching(pareto_share),
        )


def fleet_stats(
    tenant: str,
    as_of: datetime,
    summaries: Iterable[tuple[str, SegmentSummary]],
    channels: list[ChannelCost],
    policy: FleetPolicy,
) -> FleetStats:
    """The tenant's statistics from ``(segment, summary)`` pairs, in any order, and from what its channels cost.

    Everybody is there always; of the segments the greatest ``max_segments`` that have at least ``min_segment``
    customers.
    """
    everybody = SegmentTotals(policy.accuracy)
    segments: dict[str, SegmentTotals] = {}
    for name, summary in summaries:
        everybody.add(summary)
        if name != EVERYBODY:
            segments.setdefault(name, SegmentTotals(policy.accuracy)).add(summary)
    great = [name for name, totals in segments.items() if totals.customers >= policy.min_segment]
    great.sort(key=lambda name: (-segments[name].customers, name))
    kept = {EVERYBODY: everybody, **{name: segments[name] for name in sorted(great[: policy.max_segments])}}
    return FleetStats(
        tenant=tenant,
        as_of=as_of,
        accuracy=policy.accuracy,
        segments={name: totals.stats(policy.pareto_share) for name, totals in kept.items()},
        channels=channels,
    )


def _sum_up(totals: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count
