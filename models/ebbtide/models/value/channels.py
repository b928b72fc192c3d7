"""Channel truth: clicks, leads and customers by channel, what they cost, and which channel only looks good [SA, KJ]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ebbtide.models.policy import ChannelPolicy
from ebbtide.models.value.economics import cac
from ebbtide.models.value.first_touch import FirstTouch, Stage

_QUARTERS = 4


@dataclass(frozen=True, slots=True)
class ChannelCounts:
    """What a channel (or keyword) brought and cost; spend in millionths. Counts of several parts add up."""

    clicks: int = 0
    spend: int = 0
    leads: int = 0
    qualified: int = 0
    deals: int = 0
    paid: int = 0

    def __add__(self, other: ChannelCounts) -> ChannelCounts:
        return ChannelCounts(
            self.clicks + other.clicks,
            self.spend + other.spend,
            self.leads + other.leads,
            self.qualified + other.qualified,
            self.deals + other.deals,
            self.paid + other.paid,
        )


Table = Mapping[FirstTouch, ChannelCounts]


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One row of the table. Conversions are shares of the stage before, None where that is empty; CAC in millionths."""

    channel: str
    counts: ChannelCounts
    to_qualified: float | None
    to_deal: float | None
    to_paid: float | None
    lead_to_paid: float | None
    cac: float | None
    flagged: bool


def lead_counts(stage: Stage) -> ChannelCounts:
    """The counts of one lead that got as far as ``stage``."""
    return ChannelCounts(
        leads=1, qualified=stage >= Stage.QUALIFIED, deals=stage >= Stage.DEAL, paid=stage >= Stage.PAID
    )


def merged(parts: Iterable[Table]) -> dict[FirstTouch, ChannelCounts]:
    """Tables of several partitions, or of one lead each, in one. Their order does not matter."""
    total: dict[FirstTouch, ChannelCounts] = {}
    for part in parts:
        for source, counts in part.items():
            total[source] = total.get(source, ChannelCounts()) + counts
    return total


def channel_rows(table: Table, policy: ChannelPolicy) -> list[ChannelRow]:
    """One row a channel, its keywords added up: most clicks first, of equals the first by name."""
    channels: dict[str, ChannelCounts] = {}
    for source, counts in table.items():
        channels[source.channel] = channels.get(source.channel, ChannelCounts()) + counts
    return _rows(channels, policy)


def keyword_rows(table: Table, channel: str, policy: ChannelPolicy) -> list[ChannelRow]:
    """One row a keyword of a channel, in the same order; the keyword stands in place of the channel."""
    return _rows({source.keyword: counts for source, counts in table.items() if source.channel == channel}, policy)


def misleading(channels: Mapping[str, ChannelCounts], policy: ChannelPolicy) -> set[str]:
    """Channels in the top quartile by clicks and in the bottom quartile by deals.

    In the top (bottom) quartile of n channels is who has fewer than n / 4 channels above (below) it, and some channel
    below (above) it. Channels below ``policy.min_clicks`` are left out, and fewer than ``policy.min_channels`` have no
    quartiles.
    """
    known = {name: counts for name, counts in channels.items() if counts.clicks >= policy.min_clicks}
    if len(known) < policy.min_channels:
        return set()
    clicks = _best_quarter({name: counts.clicks for name, counts in known.items()})
    return clicks & _best_quarter({name: -counts.deals for name, counts in known.items()})


def _best_quarter(values: Mapping[str, int]) -> set[str]:
    ranked = sorted(values.values(), reverse=True)
    worst = ranked[-1]
    return {
        name
        for name, value in values.items()
        if value > worst and _QUARTERS * ranked.index(value) < len(ranked)  # its index is the number above it
    }


def _rows(channels: Mapping[str, ChannelCounts], policy: ChannelPolicy) -> list[ChannelRow]:
    flagged = misleading(channels, policy)
    return [
        ChannelRow(
            name,
            counts,
            _share(counts.qualified, counts.leads),
            _share(counts.deals, counts.qualified),
            _share(counts.paid, counts.deals),
            _share(counts.paid, counts.leads),
            cac(counts.spend, counts.paid),
            name in flagged,
        )
        for name, counts in sorted(channels.items(), key=lambda item: (-item[1].clicks, item[0]))
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
