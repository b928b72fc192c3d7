"""What one customer adds to its segment at a grid instant.

A new number for all customers is a new entry of ``metrics``: its quantiles are then in ``FleetStats``. A new count is a
new name among ``counters``. Nothing else has to know of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.series import EVENTS, ORDERS, REVENUE, DaySeries
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.fleet.business import NO_BUSINESS, Business
from ebbtide.models.fleet.candidates import Prospect
from ebbtide.models.profile.money import MICROS

MONTH, QUARTER = 28, 90

RECENCY, FREQUENCY, MONETARY = "recency_days", "frequency_90d", "monetary_90d"
USAGE, VALUE = "usage_28d", "value_365d"
RECENCY_ORDER, ORDERS_365D = "recency_order_days", "orders_365d"
MONETARY_365D, ORDER_VALUE = "monetary_365d", "order_value_365d"
USAGE_PER_WEEK, USAGE_PER_SEAT = "usage_per_week", "usage_per_seat"
RELATIONSHIP, DWELL = "relationship", "dwell_days:"
ACTIVE, COMPARABLE, DROPPING, BLIND = "active_28d", "comparable", "dropping", "blind"
IN_STAGE = "in_stage:"

METRICS = {
    RECENCY: "Days from the last active day to the instant; whoever never was active has none [CRM].",
    FREQUENCY: "Orders in the last 90 days; active days of customers that never ordered [CRM].",
    MONETARY: "Money of the orders of the last 90 days [CRM].",
    USAGE: "Events in the last 28 days [FX].",
    VALUE: "A year of the customer's money: by its contract, its MRR, or its orders of the last 365 days; none "
    "where its currency has no rate [CRM].",
    RECENCY_ORDER: "Days from the last order to the instant, of those who ordered in the last 365 days [CRM].",
    ORDERS_365D: "Orders in the last 365 days, of those who ordered in them [CRM].",
    MONETARY_365D: "Money of the orders of the last 365 days [CRM].",
    ORDER_VALUE: "Money per order in the last 365 days [CRM].",
    USAGE_PER_WEEK: "Events per week in the usage window, of customers without licensed seats [FX].",
    USAGE_PER_SEAT: "Events per week and licensed seat in the usage window [FX].",
    RELATIONSHIP: "Points of the relationship with an account [FX].",
}
"""What is measured of every customer, with its window. Money is in the money currency (``MoneyPolicy``)."""

COUNTERS = {
    SilenceState.AWAKE.value: "were active within their own rhythm [CRM].",
    SilenceState.ASLEEP.value: "are silent for twice their own cadence [CRM].",
    SilenceState.LEFT.value: "are silent for 7.5 times their own cadence [CRM].",
    ACTIVE: "were active in the last 28 days.",
    COMPARABLE: "have enough history to be compared with their own past.",
    BLIND: "could not be seen: nothing is heard of any source of theirs. What follows from use counts without them.",
    f"{IN_STAGE}<stage>": "are in this stage of the journey; of them the quantiles are of `dwell_days:<stage>` [FX].",
    DROPPING: "are below the share `EBBTIDE_BASELINE__DROP_ENTER` of their own past [SA].",
}
"""What customers are counted by."""

_LONGEST_SEGMENT = 64
_NONE: Mapping[str, float] = {}


@dataclass(slots=True)
class Contribution:
    """Numbers and names of one customer. ``counters`` may name one several times; ``modules`` names each once.

    ``prospect`` is the customer itself, where it may be named to others as a look-alike.
    """

    segment: str
    metrics: dict[str, float]
    counters: list[str]
    modules: list[str]
    business: Business = NO_BUSINESS
    prospect: Prospect | None = None

    @property
    def is_in_use(self) -> bool:
        """Whether the customer is awake and was active in the last 28 days."""
        return ACTIVE in self.counters and SilenceState.AWAKE.value in self.counters


def contribution(
    series: DaySeries,
    day: int,
    *,
    segment: str,
    silence: SilenceState,
    comparison: Comparison | None,
    drop_enter: float,
    metrics: Mapping[str, float] = _NONE,
    modules: Iterable[str] = (),
    stage: str | None = None,
    business: Business = NO_BUSINESS,
) -> Contribution:
    """What the customer with this ``series`` adds at the grid instant ``day``; only days < ``day`` count.

    ``comparison`` is its activity against its own past, None where there is too little of it; below ``drop_enter``
    of that it is dropping. ``metrics`` are those that its states came to; ``modules`` those it used in 28 days;
    ``stage`` that of its journey; ``business`` what follows from its facts (``business.py``).
    Windows are in days. Money of orders is in units of the money currency [CRM, FX].
    """
    # Active days before the instant and before its windows, found once for all fields.
    active = series.days
    end = bisect_left(active, day)
    month = bisect_left(active, day - MONTH, 0, end)
    quarter = bisect_left(active, day - QUARTER, 0, month)
    orders, revenue, events = series.totals(ORDERS), series.totals(REVENUE), series.totals(EVENTS)
    # Whoever never was active is neither awake nor silent.
    counters = [silence.value] if end else []
    measured: dict[str, float] = {
        FREQUENCY: orders[end] - orders[quarter] if orders[end] else end - quarter,
        MONETARY: (revenue[end] - revenue[quarter]) / MICROS,
        USAGE: events[end] - events[month],
    }
    if end:
        measured[RECENCY] = day - active[end - 1]
    if end > month:
        counters.append(ACTIVE)
    if comparison is not None:
        counters.append(COMPARABLE)
        if comparison.ratio < drop_enter:
            counters.append(DROPPING)
    if stage is not None:
        counters.append(IN_STAGE + stage)
    return Contribution(segment, {**measured, **metrics}, counters, sorted(modules), business)


def blind_contribution(
    segment: str, metrics: Mapping[str, float], business: Business, stage: str | None = None
) -> Contribution:
    """What a customer adds that nobody can see at the instant: what facts tell of it, and nothing of its use."""
    counters = [BLIND] if stage is None else [BLIND, IN_STAGE + stage]
    return Contribution(segment, dict(metrics), counters, [], business)


def segment_of(trait: Any) -> str:
    """The segment that a trait's value names: in lower case; "" for none."""
    return "" if trait is None else str(trait).strip().lower()[:_LONGEST_SEGMENT]
