"""What is known of the fleet and not of one customer: that sources are alive, and what channels cost (signals §1)."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.schemas.base import SlottedContract, Text, UtcDatetime


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


@dataclass(slots=True, kw_only=True)
class ChannelSpend(SlottedContract):
    """What a channel cost. On ``grid-summaries``; ``spend_id`` is the fact's, so that a repeat counts once.

    ``amount_micros`` is in millionths, so that sums do not depend on order.
    """

    tenant: Text
    spend_id: Text
    occurred_at: UtcDatetime
    channel: Text
    keyword: str | None
    amount_micros: int
    clicks: int
    currency: str


@dataclass(slots=True, kw_only=True)
class GridSummary(SlottedContract):
    """What the customers of a partition add up to at a grid instant."""

    tenant: Text
