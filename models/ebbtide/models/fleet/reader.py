"""How a customer reads the statistics of its fleet."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ebbtide.models.fleet.candidates import places_of
from ebbtide.models.fleet.rows import trained_of
from ebbtide.models.fleet.sketch import snap
from ebbtide.models.fleet.stats import EVERYBODY, STEPS
from ebbtide.models.profile.modules import OTHER
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.fleet import Candidate, ChannelStats, FleetStats, SegmentEconomics, SegmentStats

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Economics:
    """Unit economics of the segment ``name``; of everybody ("") where its own renewals were too few to tell [FX]."""

    name: str
    stats: SegmentEconomics

    @property
    def renewal_rate(self) -> float | None:
        """Share of closed renewals that stayed; None where there were too few even of everybody's."""
        return None if self.stats.lifetime is None else self.stats.renewal.share

    @property
    def lifetime(self) -> float | None:
        """Periods until a customer leaves; None as above."""
        return None if self.stats.lifetime is None else self.stats.lifetime.periods

    def ltv(self, yearly_value: float) -> float | None:
        """Lifetime value of a customer that pays ``yearly_value`` a year, in the unit of that; None as above."""
        return None if self.stats.multiple is None else yearly_value * self.stats.multiple


@dataclass(frozen=True, slots=True)
class Segment:
    """Statistics of the segment ``name``; of everybody ("") where the customer's own was too small.

    A quantile is a bin's value, within ``accuracy`` of the exact one. Compare it with ``snap(value)``, which does the
    same to a customer's own number: whoever is exactly at an edge is then at it and not beside it.
    """

    name: str
    stats: SegmentStats
    accuracy: float
    economics: Economics
    _ladders: Mapping[str, tuple[float, ...]]
    _edges: dict[tuple[str, tuple[float, ...]], tuple[float, ...]] = field(default_factory=dict)

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

    def at(self, edge: float, value: float) -> float:
        """The edge to compare an exact ``value`` with: ``value`` itself where both are in one bin, else ``edge``."""
        return value if self.snap(value) == edge else edge

    def edges(self, metric: str, shares: tuple[float, ...], value: float | None = None) -> tuple[float, ...] | None:
        """Values at some of the shares .05, .10 … .95, ascending like these; None where nobody has the metric.

        With ``value`` they are to be compared with this exact number, see ``at``. Raises ``KeyError`` for a share
        between the steps.
        """
        found = self._edges.get((metric, shares))
        if found is None:
            quantiles = self.stats.quantiles.get(metric)
            if quantiles is None:
                return None
            # All customers ask for the same few.
            found = self._edges[metric, shares] = tuple([quantiles[f"{share:.2f}"] for share in shares])
        if value is None:
            return found
        snapped = self.snap(value)
        return tuple([value if edge == snapped else edge for edge in found])

    def bin_of(self, metric: str, value: float, shares: tuple[float, ...]) -> int | None:
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

    def pareto_line(self, value: float) -> float | None:
        """Value of the least customer of that set, to compare an exact ``value`` with; None where nobody pays."""
        least = self.stats.pareto_value
        return None if least is None else self.at(least, value)

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
        everybody = Economics(EVERYBODY, stats.segments[EVERYBODY].economics)
        self._segments = {
            name: Segment(
                name,
                segment,
                stats.accuracy,
                everybody if segment.economics.lifetime is None else Economics(name, segment.economics),
                _ladders(segment),
            )
            for name, segment in stats.segments.items()
        }
        self._ranks = {lead: rank for leads in stats.leads.values() for rank, lead in enumerate(leads, 1)}
        trained: dict[int, set[str]] = {}
        for week, module in map(trained_of, stats.trained):
            trained.setdefault(week, set()).add(module)
        self._trained = {week: frozenset(modules) for week, modules in trained.items()}
        self._pools: dict[str, list[Candidate]] = {}
        for row in stats.look_alikes.rows:
            self._pools.setdefault(row.segment, []).append(row)
        self._places: dict[str, int] = {}
        self._down_days = frozenset(to_ms(day) // DAY_MS for day in stats.down_days)
        used = stats.segments[EVERYBODY].modules
        self._used = sorted(used.keys() - {OTHER}, key=lambda module: (-used[module], module))

    @property
    def down_days(self) -> frozenset[int]:
        """The newest days on which the whole fleet was down."""
        return self._down_days

    @property
    def customers(self) -> int:
        """All customers."""
        return self._stats.segments[EVERYBODY].customers

    @property
    def channels(self) -> list[ChannelStats]:
        """What channels cost and brought, most clicks first."""
        return self._stats.channels

    def channel(self, channel: str) -> ChannelStats | None:
        """What one channel cost and brought; None for one that is not told."""
        return next((found for found in self._stats.channels if found.channel == channel), None)

    def rank(self, customer_id: str) -> int | None:
        """Place of an open lead among those of its owner, 1 is to be called first; None beyond the ranked ones [SA]."""
        return self._ranks.get(customer_id)

    def trained(self, week: int) -> frozenset[str]:
        """Modules in which anybody was trained in the week that began on day ``week``, as far as it was known."""
        return self._trained.get(week, _NOTHING)

    def most_used(self, most: int) -> list[str]:
        """The ``most`` feature modules that most customers used in 28 days, by name."""
        return sorted(self._used[:most])

    def places(self, declared: Sequence[str], most: int) -> Mapping[str, int]:
        """The modules that candidates are held out for, each with its bit: the first ``most`` of those ``declared``,
        else of those in use. All customers ask with the same settings."""
        if not self._places:
            self._places = places_of(sorted(declared)[:most] or self.most_used(most))
        return self._places

    @property
    def candidate_modules(self) -> list[str]:
        """The modules that the bits of ``candidates`` stand for."""
        return self._stats.look_alikes.modules

    def candidates(self, segment: str) -> list[Candidate]:
        """Candidates for look-alikes in the segment; all there are where it is too small, unknown, or has none."""
        name = self.of(segment).name
        found = [] if name == EVERYBODY else self._pools.get(name, [])
        return found or self._stats.look_alikes.rows

    def of(self, segment: str) -> Segment:
        """The segment's statistics; everybody's where it is too small or unknown."""
        return self._segments.get(segment) or self._segments[EVERYBODY]


def _ladders(segment: SegmentStats) -> dict[str, tuple[float, ...]]:
    return {metric: tuple(quantiles[step] for step in STEPS) for metric, quantiles in segment.quantiles.items()}
