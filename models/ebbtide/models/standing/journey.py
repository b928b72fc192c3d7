"""How far a customer has come with the vendor, told from dated facts [FX] (signals §4)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import JourneyPolicy, LifecyclePolicy
from ebbtide.models.standing.contracts import EXPANDED, RENEWED, SIGNED, is_churn, renewal_outcome
from ebbtide.models.standing.core_value import core_day
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.touchpoints import TOUCHPOINT

LEAD_FACTS = ("lead.upserted", "deal.opened", "deal.updated", "deal.lost", "lead.converted")
DEAL_WON = "deal.won"
# In this order where two facts have the same millisecond.
_FACTS = (*LEAD_FACTS, TOUCHPOINT, SIGNED, DEAL_WON, RENEWED)
_PLACES = {kind: place for place, kind in enumerate(_FACTS)}


class JourneyStage(StrEnum):
    """The stages in their order; expanded stands beside renewed."""

    ACQUIRED = "acquired"
    VISITED = "visited"
    SIGNED = "signed"
    DELIVERED = "delivered"
    SERVED = "served"
    RENEWED = "renewed"
    EXPANDED = "expanded"
    CHURNED = "churned"
    WON_BACK = "won_back"


class Journey(NamedTuple):
    """A stage, and the UTC day on which it began. A further renewal begins its stage anew."""

    stage: JourneyStage
    since_day: int

    def dwell_days(self, day: int) -> int:
        """Days in the stage as of grid day ``day``."""
        return day - self.since_day


def is_stuck(dwell_days: int, p90: float | None) -> bool:
    """Whether a stage lasts longer than it does for nine in ten of the segment; never where that is not known."""
    return p90 is not None and dwell_days > p90


def journey(
    history: History,
    series: DaySeries,
    day: int,
    policy: JourneyPolicy,
    core: LifecyclePolicy,
    *,
    tenant_has_queries: bool = False,
) -> Journey | None:
    """The journey as of grid day ``day``; None where nothing is known of the customer before it.

    Acquired by the first sign of it: a lead, a deal, any other of these facts, or activity. Visited by a call or visit;
    signed by a contract or a deal that was won; delivered by a kickoff or training after that; served by core use after
    the delivery, or 30 days after signing without one. Renewals follow whatever came before; who signs or renews after
    a churn is won back. Only these move it: silence is told by other states. It never moves back, so it needs no dwell
    time.
    """
    first = series.first_day()
    if first is not None and first >= day:
        first = None
    come, count = history.come, history.count_before(day)
    if come is not None and come.facts == count and come.first_day == first and come.policy is policy:
        # Nothing happened since.
        now = come.now
    else:
        facts = history.before(day, *_FACTS)
        facts.sort(key=_order)
        begins = [fact.day for fact in facts[:1]] + ([] if first is None else [first])
        if not begins:
            return None
        now = Journey(JourneyStage.ACQUIRED, min(begins))
        by_use = False
        for fact in facts:
            stage = _next(now.stage, fact, policy)
            if stage is not None:
                # A kickoff long after signing delivers nothing to one who is served already.
                late = stage is JourneyStage.DELIVERED
                by_use = by_use or late
                served = _served(now, series, fact.day, policy, core, tenant_has_queries) if late else None
                now = served or Journey(stage, fact.day)
        # Where use before a fact decided, late events may change it.
        history.come = None if by_use else Come(policy, count, first, now)
    return _served(now, series, day, policy, core, tenant_has_queries) or now


class Come(NamedTuple):
    """How far so many facts bring a customer with this first active day, use after the last of them apart."""

    policy: JourneyPolicy
    facts: int
    first_day: int | None
    now: Journey


def _served(
    now: Journey,
    series: DaySeries,
    before: int,
    policy: JourneyPolicy,
    core: LifecyclePolicy,
    tenant_has_queries: bool,
) -> Journey | None:
    """Served by core use before a day, if so."""
    wait = _SERVED_AFTER.get(now.stage)
    if wait is None:
        return None
    start = now.since_day + (policy.deliver_within_days if wait else 0)
    since = core_day(series, before, core, tenant_has_queries=tenant_has_queries, start=start)
    return None if since is None else Journey(JourneyStage.SERVED, since)


_SERVED_AFTER = {JourneyStage.SIGNED: True, JourneyStage.DELIVERED: False}
"""Stages that core use ends, and whether it waits for a delivery."""


def _next(stage: JourneyStage, fact: DatedFact, policy: JourneyPolicy) -> JourneyStage | None:
    """The stage that a fact leads to; None where it leads nowhere."""
    if fact.type == TOUCHPOINT:
        kind = fact.text("kind")
        if stage is JourneyStage.ACQUIRED and kind in policy.visit_kinds:
            return JourneyStage.VISITED
        return JourneyStage.DELIVERED if stage is JourneyStage.SIGNED and kind in policy.delivery_kinds else None
    if fact.type in (SIGNED, DEAL_WON):
        return _AFTER_SIGNING.get(stage)
    return _after_renewal(stage, fact) if fact.type == RENEWED else None


_AFTER_SIGNING = {
    JourneyStage.ACQUIRED: JourneyStage.SIGNED,
    JourneyStage.VISITED: JourneyStage.SIGNED,
    JourneyStage.CHURNED: JourneyStage.WON_BACK,
}


def _after_renewal(stage: JourneyStage, fact: DatedFact) -> JourneyStage | None:
    churned = stage is JourneyStage.CHURNED
    if is_churn(fact):
        return None if churned else JourneyStage.CHURNED
    if churned:
        return JourneyStage.WON_BACK
    return JourneyStage.EXPANDED if renewal_outcome(fact) == EXPANDED else JourneyStage.RENEWED


def _order(fact: DatedFact) -> tuple[int, int, bool]:
    return fact.at_ms, _PLACES[fact.type], is_churn(fact)
