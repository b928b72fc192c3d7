"""What each channel and keyword cost and brought: spend and clicks beside the leads that came by it [SA, KJ]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ebbtide.models.policy import ChannelPolicy, EconomicsPolicy
from ebbtide.models.profile.money import MICROS
from ebbtide.models.value.channels import ChannelCounts, ChannelRow, channel_rows, keyword_rows
from ebbtide.models.value.economics import cac, ltv_to_cac
from ebbtide.models.value.first_touch import FirstTouch
from ebbtide.schemas.base import Money
from ebbtide.schemas.fleet import ChannelStats, KeywordStats, Spend

OTHER = "(other)"
"""Under this name small channels, and small keywords of a channel, are told together."""

CHANNELS, KEYWORDS = 100, 500
"""Rows that are told one by one: with 300 bytes each they leave a record far below what a broker takes."""


@dataclass(slots=True)
class Cost:
    """Clicks, and money by currency in millionths: currencies are never added."""

    clicks: int = 0
    spend: Counter[str] = field(default_factory=Counter)


Costs = Mapping[FirstTouch, Cost]
Leads = Mapping[FirstTouch, ChannelCounts]


def channel_stats(
    leads: Leads, costs: Costs, ltv: Mapping[str, float], channel: ChannelPolicy, economics: EconomicsPolicy
) -> list[ChannelStats]:
    """Channels with their keywords, most clicks first. ``ltv`` by currency is that of all customers."""
    table = dict(leads)
    for place, cost in costs.items():
        table[place] = table.get(place, ChannelCounts()) + ChannelCounts(clicks=cost.clicks)
    name = _names(table)
    told: dict[FirstTouch, ChannelCounts] = {}
    for place, counts in table.items():
        told[name(place)] = told.get(name(place), ChannelCounts()) + counts
    by_keyword: dict[FirstTouch, Counter[str]] = {}
    by_channel: dict[str, Counter[str]] = {}
    for place, cost in costs.items():
        by_keyword.setdefault(name(place), Counter()).update(cost.spend)
        by_channel.setdefault(name(place).channel, Counter()).update(cost.spend)
    return [
        ChannelStats(
            channel=row.channel,
            flagged=row.flagged,
            keywords=[
                KeywordStats(
                    keyword=one.channel,
                    **_numbers(one, by_keyword.get(FirstTouch(row.channel, one.channel), Counter()), ltv, economics),
                )
                for one in keyword_rows(told, row.channel, channel)
            ],
            **_numbers(row, by_channel.get(row.channel, Counter()), ltv, economics),
        )
        for row in channel_rows(told, channel)
    ]


def _numbers(
    row: ChannelRow, spend: Counter[str], ltv: Mapping[str, float], economics: EconomicsPolicy
) -> dict[str, Any]:
    """The fields of ``Acquisition``."""
    counts = row.counts
    spent = {currency: amount for currency, amount in sorted(spend.items()) if amount}
    cost: Money | None = None
    if len(spent) == 1:
        # Of two currencies each would be the cost of some of the customers, and nobody knows of which.
        ((currency, amount),) = spent.items()
        each = cac(amount / MICROS, counts.paid)
        cost = None if each is None else Money(amount=each, currency=currency)
    found = None if cost is None else ltv_to_cac(ltv.get(cost.currency), cost.amount, economics)
    return {
        "spend": [Spend(currency=currency, amount_micros=amount) for currency, amount in spent.items()],
        "clicks": counts.clicks,
        "leads": counts.leads,
        "qualified": counts.qualified,
        "deals": counts.deals,
        "paid": counts.paid,
        "to_qualified": row.to_qualified,
        "to_deal": row.to_deal,
        "to_paid": row.to_paid,
        "lead_to_paid": row.lead_to_paid,
        "cac": cost,
        "ltv_to_cac": None if found is None else found.ratio,
        "healthy": None if found is None else found.healthy,
    }


def _names(table: Leads) -> Callable[[FirstTouch], FirstTouch]:
    """Under which name each is told: great ones under their own."""
    channels: dict[str, ChannelCounts] = {}
    for place, counts in table.items():
        channels[place.channel] = channels.get(place.channel, ChannelCounts()) + counts
    great = set(sorted(channels, key=lambda name: (*_size(channels[name]), name))[:CHANNELS])
    ranked = sorted(
        (place for place in table if place.channel in great),
        key=lambda place: (*_size(table[place]), place.channel, place.keyword),
    )
    own = set(ranked[:KEYWORDS])

    def name(place: FirstTouch) -> FirstTouch:
        if place in own:
            return place
        return FirstTouch(place.channel if place.channel in great else OTHER, OTHER)

    return name


def _size(counts: ChannelCounts) -> tuple[int, int]:
    return -counts.clicks, -counts.leads
