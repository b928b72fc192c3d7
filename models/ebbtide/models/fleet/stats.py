"""Statistics of a tenant at a grid instant, from the summaries of all partitions. Their order does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.fleet.channel_truth import Costs, channel_stats
from ebbtide.models.fleet.contribution import COMPARABLE, DROPPING, VALUE
from ebbtide.models.fleet.economics import Economy
from ebbtide.models.fleet.lead_lists import lead_lists
from ebbtide.models.fleet.rows import trained_row
from ebbtide.models.fleet.sketch import Sketch
from ebbtide.models.fleet.trainings import training_stats
from ebbtide.models.leads.lead_priority import RankKey
from ebbtide.models.policy import CorePolicy
from ebbtide.models.value.attendance import Changes, Group
from ebbtide.models.value.channels import ChannelCounts
from ebbtide.models.value.first_touch import FirstTouch
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.fleet import Candidates, FleetStats, Lines, SegmentStats, SegmentSummary, TrainedModule

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
        self._economy = Economy(accuracy)

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
        self._economy.add(summary.renewals, summary.answers, summary.wins, summary.values)

    def stats(self, policy: CorePolicy) -> SegmentStats:
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
            pareto_value=None if value is None else value.value_reaching(policy.fleet.pareto_share),
            economics=self._economy.stats(policy.economics),
        )


@dataclass(frozen=True, slots=True)
class TenantTotals:
    """What all partitions told of a tenant beside segments, and what channels cost: see ``GridSummary``.

    ``trainings`` are those of all weeks that count; ``leads`` have owner and rank key of each.
    """

    channels: Mapping[FirstTouch, ChannelCounts] = field(default_factory=dict)
    costs: Costs = field(default_factory=dict)
    trained: frozenset[tuple[int, str]] = frozenset()
    trainings: Mapping[Group, Changes] = field(default_factory=dict)
    leads: Iterable[tuple[str, RankKey]] = ()
    look_alikes: Candidates = field(default_factory=Candidates)
    down_days: Iterable[int] = ()


def fleet_stats(
    tenant: str,
    as_of: datetime,
    summaries: Iterable[tuple[str, SegmentSummary]],
    totals: TenantTotals,
    policy: CorePolicy,
) -> FleetStats:
    """The tenant's statistics from ``(segment, summary)`` pairs, in any order, and from what is told beside segments.

    Everybody is there always; of the segments the greatest ``max_segments`` that have at least ``min_segment``
    customers.
    """
    fleet, economics = policy.fleet, policy.economics
    everybody = SegmentTotals(fleet.accuracy)
    segments: dict[str, SegmentTotals] = {}
    for name, summary in summaries:
        everybody.add(summary)
        if name != EVERYBODY:
            segments.setdefault(name, SegmentTotals(fleet.accuracy)).add(summary)
    great = [name for name, found in segments.items() if found.customers >= fleet.min_segment]
    great.sort(key=lambda name: (-segments[name].customers, name))
    kept = {EVERYBODY: everybody, **{name: segments[name] for name in sorted(great[: fleet.max_segments])}}
    told = {name: found.stats(policy) for name, found in kept.items()}
    ltv = {row.currency: row.ltv for row in told[EVERYBODY].economics.ltv}
    return FleetStats(
        tenant=tenant,
        as_of=as_of,
        accuracy=fleet.accuracy,
        segments=told,
        lines=Lines(
            renewal=economics.renewal_line,
            ltv_to_cac=economics.ltv_to_cac_line,
            period_days=economics.period_days,
        ),
        channels=channel_stats(totals.channels, totals.costs, ltv, policy.channel, economics),
        trained=_trained(totals.trained, told[EVERYBODY].modules),
        trainings=training_stats(totals.trainings, policy.training),
        leads=lead_lists(totals.leads, policy.lead.ranked),
        look_alikes=totals.look_alikes,
        down_days=[from_ms(day * DAY_MS) for day in totals.down_days],
    )


def _trained(found: Iterable[tuple[int, str]], used: Mapping[str, int]) -> list[TrainedModule]:
    """Modules that nobody uses, or that are no modules at all, cannot be compared."""
    return [trained_row(week, module) for week, module in sorted(found) if module in used]


def _sum_up(totals: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        totals[name] = totals.get(name, 0) + count
