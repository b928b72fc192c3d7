"""What the churn model sees of a customer: named numbers in a canonical order, as of a grid day.

Counts, durations and money enter as natural logarithms: their effect on the odds of churn is closer to a ratio than to
a difference, and one vendor's thousand events a day must not drown another's one a month. ``active_days_total``,
``tenure`` and ``life_share`` carry the sufficient statistics of BG/NBD (Fader, Hardie and Lee 2005): count, age, end.

The last six are told of who is under a contract whose end is known, and are 0 of all others: a model of its own goes by
them (``populations``). They are logarithms of whole numbers, which costs the ledger a byte each at most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, log1p

from ebbtide.models.customer.series import DaySeries, median
from ebbtide.models.standing.running import Running

SHORT_DAYS = 7
MONTH_DAYS = 28
QUARTER_DAYS = 91
"""Windows are whole weeks, so that the day of the week on which a customer is looked at does not matter."""

USUAL_WEEKS = 8
"""What is usual is the median of so many weeks before the ones that are held against them."""

LEAST_USUAL = 6
"""With fewer events in a window that is usual there is nothing to hold against it: 100 %."""

MOST_PERCENT = 400
"""More says no more."""

MICROS = 1_000_000


@dataclass(frozen=True)
class Feature:
    """One number of the vector: its name on the wire, its unit, the range it can take, and what it says."""

    name: str
    unit: str
    low: float
    high: float
    doc: str


_LN_DAYS = "ln(1 + days)"
_LN_COUNT = "ln(1 + count)"
_LN_MONEY = "ln(1 + money)"
_LN_RATIO = "ln ratio"
_LN_PERCENT = "ln(1 + percent)"

FEATURES: tuple[Feature, ...] = (
    Feature("recency", _LN_DAYS, 0.0, 12.0, "Days since the last active day; an activity yesterday gives 1."),
    Feature("tenure", _LN_DAYS, 0.0, 12.0, "Days since the first active day."),
    Feature("active_days_7d", _LN_COUNT, 0.0, 2.1, "Active days among the last 7."),
    Feature("active_days_28d", _LN_COUNT, 0.0, 3.4, "Active days among the last 28."),
    Feature("active_days_91d", _LN_COUNT, 0.0, 4.6, "Active days among the last 91."),
    Feature("active_days_total", _LN_COUNT, 0.0, 12.0, "Active days ever."),
    Feature("events_28d", _LN_COUNT, 0.0, 30.0, "Events in the last 28 days."),
    Feature("events_91d", _LN_COUNT, 0.0, 30.0, "Events in the last 91 days."),
    Feature("events_total", _LN_COUNT, 0.0, 30.0, "Events ever."),
    Feature("trend_28d", _LN_RATIO, -3.4, 3.4, "Active days (+1) of the last 28 against those of the 28 before."),
    Feature("trend_91d", _LN_RATIO, -4.6, 4.6, "Active days (+1) of the last 91 against those of the 91 before."),
    Feature("mean_gap", _LN_DAYS, 0.0, 12.0, "Mean gap between active days; the tenure where there is no gap yet."),
    Feature("recency_per_gap", "ln(1 + ratio)", 0.0, 12.0, "Recency in units of the mean gap."),
    Feature(
        "recency_per_cadence", "ln(1 + ratio)", 0.0, 12.0, "Recency in units of the cadence: asleep at 2, left at 7.5."
    ),
    Feature("active_rate", "ln(1 + days per week)", 0.0, 2.1, "Active days per week of tenure."),
    Feature("events_per_active_day", "ln(count)", 0.0, 30.0, "Events per active day, ever."),
    Feature("life_share", "share", 0.0, 1.0, "Part of the tenure that lies between the first and the last active day."),
    Feature(
        "silence_surprise",
        "ln(1 + nats)",
        0.0,
        12.0,
        "How unlikely this silence is if active days fall evenly over the tenure: -(n - 1) ln(life_share).",
    ),
    Feature("logins_28d", _LN_COUNT, 0.0, 30.0, "Logins in the last 28 days."),
    Feature("queries_28d", _LN_COUNT, 0.0, 30.0, "Queries in the last 28 days."),
    Feature("queries_share", "share", 0.0, 1.0, "Queries among all events, ever."),
    Feature("orders_total", _LN_COUNT, 0.0, 30.0, "Orders ever."),
    Feature("revenue_91d", _LN_MONEY, -30.0, 30.0, "Money of the last 91 days, whole units of the money currency."),
    Feature("revenue_total", _LN_MONEY, -30.0, 30.0, "Money ever, whole units of the money currency."),
    Feature("usual_14d", _LN_PERCENT, 0.0, 6.0, "Events of the last 14 days, of what is usual; under a contract."),
    Feature("usual_28d", _LN_PERCENT, 0.0, 6.0, "Events of the last 28 days, of what is usual; under a contract."),
    Feature(
        "people_14d",
        _LN_PERCENT,
        0.0,
        4.7,
        "People of the last 14 days, of those of the last 70; under a contract.",
    ),
    Feature("contract_days", _LN_DAYS, 0.0, 12.0, "Length of the contract's term; 0 without one whose end is known."),
    Feature("contract_days_left", _LN_DAYS, 0.0, 12.0, "Days until the term ends."),
    Feature("renewals_due", _LN_COUNT, 0.0, 12.0, "Renewals that fall due within the horizon, if each is renewed."),
)
"""The canonical order. Natural logarithms throughout. Ranges are for days up to 400 years; a value outside is a bug."""

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
_RECENCY = NAMES.index("recency")
_CONTRACT_DAYS = NAMES.index("contract_days")
NO_CONTRACT = (0.0,) * 6
"""The last six of who is under none."""


def features(
    series: DaySeries, day: int, cadence_days: float, running: Running | None = None
) -> tuple[float, ...] | None:
    """The vector of a customer as of grid day ``day`` (days < ``day`` only), in the order of :data:`FEATURES`.

    ``cadence_days`` is the customer's cadence in days, > 0; ``running`` the contract it is under, if its end is known.
    None for a customer that was never active before ``day``: there is no behaviour to score. About 6 µs, 9 under a
    contract: every window is two binary searches, done once for all fields.
    """
    days = series.days
    end = bisect_left(days, day)
    if end == 0:
        return None
    week = bisect_left(days, day - SHORT_DAYS, 0, end)
    month = bisect_left(days, day - MONTH_DAYS, 0, end)
    quarter = bisect_left(days, day - QUARTER_DAYS, 0, end)
    month_before = bisect_left(days, day - 2 * MONTH_DAYS, 0, end)
    quarter_before = bisect_left(days, day - 2 * QUARTER_DAYS, 0, end)
    events, logins, queries, orders, revenue = series.all_totals()
    first = days[0]
    last = days[end - 1]
    recency = day - last
    tenure = day - first
    life = last - first
    gaps = end - 1
    total = events[end]
    life_share = life / tenure
    mean_gap = life / gaps if gaps else float(tenure)
    active_month = log1p(end - month)
    active_quarter = log1p(end - quarter)
    return (
        log1p(recency),
        log1p(tenure),
        log1p(end - week),
        active_month,
        active_quarter,
        log1p(end),
        log1p(total - events[month]),
        log1p(total - events[quarter]),
        log1p(total),
        active_month - log1p(month - month_before),
        active_quarter - log1p(quarter - quarter_before),
        log1p(mean_gap),
        log1p(recency / mean_gap),
        log1p(recency / cadence_days),
        log1p(7.0 * end / tenure),
        log(total / end),
        life_share,
        log1p(-gaps * log(life_share)) if gaps else 0.0,
        log1p(logins[end] - logins[month]),
        log1p(queries[end] - queries[month]),
        queries[end] / total,
        log1p(orders[end]),
        _log_money(revenue[end] - revenue[quarter]),
        _log_money(revenue[end]),
        *(NO_CONTRACT if running is None else _under_contract(series, day, running)),
    )


def _under_contract(series: DaySeries, day: int, running: Running) -> tuple[float, ...]:
    """How use goes against what is usual, and what is known of the contract."""
    whole = min((day - series.days[0]) // SHORT_DAYS, MONTH_DAYS // SHORT_DAYS + USUAL_WEEKS)
    weeks = [after - earlier for after, earlier in pairwise(series.by_weeks(day, whole))]
    return (
        log1p(_of_usual(weeks, 2)),
        log1p(_of_usual(weeks, 4)),
        log1p(running.people_percent),
        log1p(running.days),
        log1p(running.days_left),
        log1p(running.renewals_due),
    )


def _of_usual(weeks: list[int], newest: int) -> int:
    """Events of the ``newest`` weeks as per cent of the usual number; ``weeks`` are whole ones, the newest first."""
    earlier = weeks[newest : newest + USUAL_WEEKS]
    usual = median(earlier) * newest if earlier else 0.0
    return min(round(100.0 * sum(weeks[:newest]) / usual), MOST_PERCENT) if usual >= LEAST_USUAL else 100


def is_under_contract(vector: Sequence[float]) -> bool:
    """Whether the vector is of a customer under a contract whose end is known."""
    return vector[_CONTRACT_DAYS] > 0.0


def was_active(vector: Sequence[float], days: int) -> bool:
    """Whether a customer was active within the last ``days`` days, by its vector."""
    # Half a day further: a vector that went through single precision must not lose the day at the edge.
    return vector[_RECENCY] < log1p(days + 0.5)


def _log_money(micros: int) -> float:
    """ln(1 + money), mirrored for refunds so that a negative balance has a value too."""
    return log1p(micros / MICROS) if micros >= 0 else -log1p(-micros / MICROS)
