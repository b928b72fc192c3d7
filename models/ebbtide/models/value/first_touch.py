"""Where a lead came from, and how far it got (channel truth) [SA, KJ]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from ebbtide.models.policy import ChannelPolicy

UNKNOWN = "unknown"
LEADS = ("lead.upserted", "lead.converted")
"""Facts that make a lead."""

PAYING = ("deal.won", "contract.signed", "invoice.paid")
"""Facts that make a paying customer."""

DatedFact = tuple[str, int, Mapping[str, Any]]
"""Type, time (epoch milliseconds) and fields of a CRM fact."""


class Stage(IntEnum):
    """Stages of the funnel. Who reached one counts for those before it."""

    LEAD = 0
    QUALIFIED = 1
    DEAL = 2
    PAID = 3


@dataclass(frozen=True, slots=True)
class FirstTouch:
    """Channel and keyword that brought the lead; `unknown` where no fact tells the channel."""

    channel: str
    keyword: str


def first_touch(facts: Iterable[DatedFact], before_ms: int) -> FirstTouch | None:
    """Channel of the earliest lead fact before ``before_ms`` that has one; None for who never was a lead.

    Of facts of the same time the first by name of channel and keyword counts: the order of facts does not matter.
    """
    leads = [(at, data) for kind, at, data in facts if kind in LEADS and at < before_ms]
    named = [(at, channel, _text(data.get("keyword"))) for at, data in leads if (channel := _text(data.get("channel")))]
    if named:
        _, channel, keyword = min(named)
        return FirstTouch(channel, keyword)
    return FirstTouch(UNKNOWN, "") if leads else None


def arrival(facts: Iterable[DatedFact], before_ms: int) -> int | None:
    """When the lead came in, epoch ms: the time of its earliest lead fact before ``before_ms``; None for no lead."""
    return min((at for kind, at, _ in facts if kind in LEADS and at < before_ms), default=None)


def furthest_stage(facts: Iterable[DatedFact], before_ms: int, policy: ChannelPolicy) -> Stage:
    """The furthest stage that the facts before ``before_ms`` show.

    A visit, a conversion, a qualified status, or a deal that is early or lost makes a qualified lead; a deal at a later
    stage a deal; a won deal, a signed contract or a paid invoice a paying customer.
    """
    furthest = Stage.LEAD
    for kind, at, data in facts:
        if at < before_ms:
            furthest = max(furthest, _stage(kind, data, policy))
            if furthest is Stage.PAID:
                break
    return furthest


def _stage(kind: str, data: Mapping[str, Any], policy: ChannelPolicy) -> Stage:
    if kind in PAYING:
        return Stage.PAID
    if kind in {"deal.opened", "deal.updated"}:
        return Stage.QUALIFIED if _text(data.get("stage")).lower() in policy.early_stages else Stage.DEAL
    qualified = (
        kind in {"lead.converted", "deal.lost"}
        or (kind == "touchpoint" and data.get("kind") in policy.visits)
        or (kind == "lead.upserted" and _text(data.get("status")).lower() in policy.qualified_status)
    )
    return Stage.QUALIFIED if qualified else Stage.LEAD


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
