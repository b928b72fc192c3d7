"""What the customers of one partition add up to, per tenant and segment, between two reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.fleet.sketch import Sketch
from ebbtide.schemas.fleet import GridSummary, SegmentSummary

NUMBERS_A_RECORD = 30_000
"""Bins and counters that a record may hold before the next segment begins another: about 300 kB of JSON."""


class SegmentSums:
    """Running sums of a segment. Equal values are counted first and sketched once: most numbers are small and whole."""

    __slots__ = ("_counters", "_customers", "_modules", "_values")

    def __init__(self) -> None:
        self._customers = 0
        self._values: defaultdict[str, defaultdict[float, int]] = defaultdict(lambda: defaultdict(int))
        self._counters: defaultdict[str, int] = defaultdict(int)
        self._modules: defaultdict[str, int] = defaultdict(int)

    def add(self, contribution: Contribution) -> None:
        """Count one customer."""
        self._customers += 1
        values, counters, modules = self._values, self._counters, self._modules
        for metric, value in contribution.metrics.items():
            values[metric][value] += 1
        for name in contribution.counters:
            counters[name] += 1
        for module in contribution.modules:
            modules[module] += 1

    def summary(self, accuracy: float) -> SegmentSummary:
        """The sums as a record's part, names in alphabetical order."""
        sketches = {}
        for metric in sorted(self._values):
            sketch = Sketch(accuracy)
            for value, times in self._values[metric].items():
                sketch.add(value, times)
            sketches[metric] = sketch.counts()
        return SegmentSummary(
            customers=self._customers,
            sketches=sketches,
            counters=dict(sorted(self._counters.items())),
            modules=dict(sorted(self._modules.items())),
        )


class PartitionSums:
    """Running sums of one partition's customers. Segments of a tenant by name; "" are the customers in none."""

    def __init__(self, accuracy: float) -> None:
        self._accuracy = accuracy
        self._sums: dict[tuple[str, str], SegmentSums] = {}

    def add(self, tenant: str, contribution: Contribution) -> None:
        """Count one customer of a tenant."""
        key = tenant, contribution.segment
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = SegmentSums()
        sums.add(contribution)

    def take(self, instant: datetime, source: str) -> Iterator[GridSummary]:
        """What was counted since the last time, as records: tenants, then segments, in the order of their names."""
        sums, self._sums = self._sums, {}
        segments: dict[str, SegmentSummary] = {}
        current, numbers = "", 0
        for tenant, name in sorted(sums):
            if segments and (tenant != current or numbers >= NUMBERS_A_RECORD):
                yield GridSummary(tenant=current, instant=instant, source=source, segments=segments)
                segments, numbers = {}, 0
            current = tenant
            summary = segments[name] = sums[tenant, name].summary(self._accuracy)
            numbers += _numbers(summary)
        if segments:
            yield GridSummary(tenant=current, instant=instant, source=source, segments=segments)


def _numbers(summary: SegmentSummary) -> int:
    bins = sum(len(counts.positive) + len(counts.negative) + 2 for counts in summary.sketches.values())
    return bins + len(summary.counters) + len(summary.modules) + 1
