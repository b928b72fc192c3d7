"""What is known of all customers: sources that are alive, costs of channels, sums, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from ebbtide.schemas.base import Contract, SlottedContract, Text, UtcDatetime


@dataclass(slots=True, kw_only=True)
class SourceHeartbeat(SlottedContract):
    """A source says that it is alive, and when it will say so again. On ``events`` and ``profile-states``, in band.

    Every partition gets a copy, before the time that covers it: that a source is blind is known wherever its customers
    are. A repeat changes nothing.
    """

    tenant: Text
    source: Text
    occurred_at: UtcDatetime
    interval_seconds: int


class ChannelSpend(Contract):
    """What a channel cost. Topic ``grid-summaries``, keyed by tenant. The same ``spend_id`` counts once.

    Money is in millionths of the currency, so that sums do not depend on order.
    """

    tenant: Text
    spend_id: Text
    occurred_at: UtcDatetime
    channel: Text
    keyword: str = ""
    amount_micros: int
    clicks: int = 0
    currency: str


class SketchCounts(Contract):
    """A DDSketch as numbers: how many values lie in each bin (Masson et al., VLDB 2019).

    With ``g = (1 + accuracy) / (1 - accuracy)`` bin ``k`` of ``positive`` holds the values in ``(g^(k-1), g^k]``,
    that of ``negative`` their negations, and ``zeros`` what lies within a millionth of 0. Counts of two sketches of
    one accuracy add up to the sketch of all values.
    """

    accuracy: float
    zeros: int = 0
    positive: dict[int, int] = Field(default_factory=dict)
    negative: dict[int, int] = Field(default_factory=dict)


class SegmentSummary(Contract):
    """Sums over some customers of one segment at one instant.

    ``sketches`` by metric; ``counters`` by name; ``modules``: customers who used a feature module in the last 28 days.
    """

    customers: int
    sketches: dict[str, SketchCounts] = Field(default_factory=dict)
    counters: dict[str, int] = Field(default_factory=dict)
    modules: dict[str, int] = Field(default_factory=dict)


class GridSummary(Contract):
    """What one partition's customers add up to at a grid instant. Topic ``grid-summaries``, keyed by tenant.

    Absolute, not an increment: the same instant, source and segment told twice counts once. Many segments may come in
    several records. Segment "" are the customers that are in none.
    """

    tenant: Text
    instant: UtcDatetime
    source: Text
    segments: dict[str, SegmentSummary]


class SegmentStats(Contract):
    """Statistics of a segment.

    ``quantiles`` by metric: the value at "0.05", "0.10" … "0.95" of the customers that have the metric.
    ``share_dropping``: customers in a sudden drop among those with enough history to tell; null where nobody has.
    ``pareto_value``: the customers whose ``value_365d`` is at least this together make the policy's share (80 %) of
    all value; null where nobody paid.
    """

    customers: int
    quantiles: dict[str, dict[str, float]]
    counters: dict[str, int]
    modules: dict[str, int]
    share_dropping: float | None
    pareto_value: float | None


class ChannelCost(Contract):
    """What a channel and keyword cost in the 365 days before an instant, per currency."""

    channel: str
    keyword: str
    currency: str
    amount_micros: int
    clicks: int


class FleetStats(Contract):
    """All customers of a tenant as of a grid instant. Topic ``fleet-stats``: one copy to every partition.

    ``customers`` uses at a grid instant the newest statistics of an earlier one. Segment "" is everybody; of the others
    the greatest are there that have enough customers. ``accuracy`` is the greatest relative error of a quantile and of
    ``pareto_value``. ``channels``: greatest amounts first; small keywords of a channel are summed under ``(other)``.
    """

    tenant: Text
    as_of: UtcDatetime
    accuracy: float
    segments: dict[str, SegmentStats]
    channels: list[ChannelCost]
