"""Lead priority A to D, from recency, total queries and their trend since the trial began [SA].

    last login      many queries and rate kept    one of both    neither
    fresh  (7 d)                A                       B            C
    recent (14 d)               B                       C            C
    stale  (30 d)               C                       C            D
    dormant                     D                       D            D

A lead that does nothing goes down with time: fresh turns into recent, stale, dormant. A login makes it fresh at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from ebbtide.models.leads.interest import Interest
from ebbtide.models.policy import LeadPolicy


class Priority(StrEnum):
    """A is to be called first."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


_BY_RECENCY = (
    (Priority.A, Priority.B, Priority.C),
    (Priority.B, Priority.C, Priority.C),
    (Priority.C, Priority.C, Priority.D),
    (Priority.D, Priority.D, Priority.D),
)
"""By recency, and by how many are missing of many queries and a rate that is kept."""

NEVER = 2**31
"""Days since the last login in a rank key of who never logged in."""

RankKey = tuple[Priority, int, int, float, str]
"""Sorts leads, the first to call first: priority, days since the last login, queries and trend (negative), id."""


def lead_priority(interest: Interest, policy: LeadPolicy, previous: Priority | None = None) -> Priority:
    """Priority of a lead that had ``previous``.

    It goes up at once. It goes down when it would with some days less of silence, some queries more and a lower rate
    to keep (``margin_days``, ``margin_queries``, ``rate_lost``), so that it does not flap about a threshold.
    """
    now = _priority(interest, policy, days=0, queries=policy.many_queries, rate=policy.rate_kept)
    if previous is None:
        return now
    queries = policy.many_queries - policy.margin_queries
    lenient = _priority(interest, policy, days=policy.margin_days, queries=queries, rate=policy.rate_lost)
    # A sorts before D: the better is the lesser.
    return min(now, max(previous, lenient))


def _priority(interest: Interest, policy: LeadPolicy, *, days: int, queries: int, rate: float) -> Priority:
    if interest.silent_days is None:
        return Priority.D
    limits = (policy.fresh_days, policy.recent_days, policy.dormant_days)
    recency = sum(interest.silent_days > limit + days for limit in limits)
    missing = (interest.queries < queries) + (interest.trend is None or interest.trend < rate)
    return _BY_RECENCY[recency][missing]


def rank_key(priority: Priority, interest: Interest, customer_id: str) -> RankKey:
    """Where a lead stands among others; a lead that never logged in stands last in its priority."""
    silent = interest.silent_days
    return priority, NEVER if silent is None else silent, -interest.queries, -(interest.trend or 0.0), customer_id


def lead_ranks(leads: Iterable[tuple[str, RankKey]]) -> dict[str, int]:
    """Rank of every lead, by id, among those of its sales owner: 1 is to be called first.

    ``leads`` gives owner and key of each, in any order. Ids are distinct, so ranks are too.
    """
    by_owner: dict[str, list[RankKey]] = {}
    for owner, key in leads:
        by_owner.setdefault(owner, []).append(key)
    return {key[-1]: rank for keys in by_owner.values() for rank, key in enumerate(sorted(keys), 1)}
