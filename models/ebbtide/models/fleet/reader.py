"""How a customer reads the statistics of its fleet."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ebbtide.models.fleet.sketch import snap
from ebbtide.models.fleet.stats import EVERYBODY, STEPS
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.fleet import ChannelCost, FleetStats, SegmentStats
from ebbtide.schemas.topics import DAY_MS


@dataclass(frozen=True, slots=True)
class Segment:
    """Statistics of the segment ``name``; of everybody ("") where the customer's own was too small.

    A quantile is a bin's value, within ``accuracy`` of the exact one. Compare it with ``snap(value)``, which does the
    same to a customer's own number: whoever is exactly at an edge is then at it and not beside it.
    """

    name: str
    stats: SegmentStats
    accuracy: float
    _ladders: Mapping[str, tuple[float, ...]]

    @property
    def customers(self) -> int:
        """Customers in the segment."""
        return self.stats.customers

    @property
    def share_dropping(self) -> float | None:
        """Share in a sudden drop among those with enough history to tell."""
        return self.stats.share_dropping

    def snap(self, value: float) -> float:
        """A customer's number as the sketch sees it."""
        return snap(value, self.accuracy)

    def edges(self, metric: str, shares: Iterable[float]) -> tuple[float, ...] | None:
        """Values at some of the shares .05, .10 … .95, ascending like these; None where nobody has the metric.

        Raises ``KeyError`` for a share between the steps.
        """
        quantiles = self.stats.quantiles.get(metric)
        return None if quantiles is None else tuple(quantiles[f"{share:.2f}"] for share in shares)

    def bin_of(self, metric: str, value: float, shares: Iterable[float]) -> int | None:
        """The bin that ``value`` falls into, from 1 (lowest) on; a value at an edge is in the bin below it.

        With the shares .2, .4, .6, .8 five bins. None where nobody has the metric.
        """
        edges = self.edges(metric, shares)
        return None if edges is None else bisect_left(edges, self.snap(value)) + 1

    def quantile_rank(self, metric: str, value: float) -> float | None:
        """Share of customers below ``value``, half of those equal to it counted: .025 to .975, in steps of .025.

        None where nobody has the metric.
        """
        ladder = self._ladders.get(metric)
        if ladder is None:
            return None
        told = self.snap(value)
        return (bisect_left(ladder, told) + bisect_right(ladder, told) + 1) / (2 * len(ladder) + 2)

    def is_pareto(self, value_365d: float) -> bool:
        """Whether a customer of this value is among the greatest that together make 80 % of all value."""
        least = self.stats.pareto_value
        return least is not None and self.snap(value_365d) >= least

    def count(self, counter: str) -> int:
        """A counter; 0 for one that counted nobody."""
        return self.stats.counters.get(counter, 0)

    def share(self, counter: str, *, of: str | None = None) -> float | None:
        """A counter as a share of another one, or of all customers; None where that is 0."""
        whole = self.customers if of is None else self.count(of)
        return self.count(counter) / whole if whole else None

    def penetration(self, module: str) -> float:
        """Share of customers who used a feature module in the last 28 days [SA]."""
        return self.stats.modules.get(module, 0) / self.customers


class Fleet:
    """Statistics of a tenant as of a grid instant."""

    def __init__(self, stats: FleetStats) -> None:
        self.day = to_ms(stats.as_of) // DAY_MS
        self._stats = stats
        self._segments = {
            name: Segment(name, segment, stats.accuracy, _ladders(segment)) for name, segment in stats.segments.items()
        }

    @property
    def channels(self) -> list[ChannelCost]:
        """What advertising cost in the 365 days before."""
        return self._stats.channels

    def of(self, segment: str) -> Segment:
        """The segment's statistics; everybody's where it is too small or unknown."""
        return self._segments.get(segment) or self._segments[EVERYBODY]


def _ladders(segment: SegmentStats) -> dict[str, tuple[float, ...]]:
    return {metric: tuple(quantiles[step] for step in STEPS) for metric, quantiles in segment.quantiles.items()}
