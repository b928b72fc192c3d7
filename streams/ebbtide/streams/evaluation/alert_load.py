"""How much alerts ask of people: per CSM and week, per account and year."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil
from statistics import fmean, median
from typing import Any

from ebbtide.streams.evaluation.alert_log import Told
from ebbtide.streams.evaluation.outcomes import YEAR, Outcomes
from ebbtide.streams.evaluation.shares import Case

_WEEK = timedelta(weeks=1)


def owner_weeks(told: Iterable[Told], owners: Iterable[str], begins: datetime, ends: datetime) -> dict[str, Any]:
    """How many alerts each of ``owners`` was told in each week from ``begins`` on; weeks without any count."""
    weeks = max(1, ceil((ends - begins) / _WEEK))
    counts: dict[str, list[int]] = {owner: [0] * weeks for owner in sorted(owners)}
    without = 0
    for alert in told:
        if alert.owner is None:
            without += 1
            continue
        week = min(weeks - 1, max(0, (alert.at - begins) // _WEEK))
        counts.setdefault(alert.owner, [0] * weeks)[week] += 1
    every = [count for row in counts.values() for count in row]
    return {
        "owners": len(counts),
        "weeks": weeks,
        **_row(every),
        "without_owner": without,
        "by_owner": {owner: {"told": sum(row), **_row(row)} for owner, row in sorted(counts.items())},
    }


def _row(counts: list[int]) -> dict[str, float | int | None]:
    if not counts:
        return {"mean": None, "median": None, "maximum": None}
    return {"mean": fmean(counts), "median": float(median(counts)), "maximum": max(counts)}


def account_years(told: Iterable[Told], outcomes: Outcomes) -> dict[str, Any]:
    """Alerts told of customers while they were under observation, per year of it: all, by kind, by type.

    ``elsewhere`` were told of others, or of customers that had churned: leads and former customers have alerts too.
    """
    years = outcomes.account_years
    kinds: Counter[str] = Counter()
    types: Counter[str] = Counter()
    elsewhere = 0
    for alert in told:
        if outcomes.watches(alert.customer_id, alert.at):
            kinds[alert.kind] += 1
            types[alert.type] += 1
        else:
            elsewhere += 1

    def rate(count: int) -> float | None:
        return count / years if years else None

    return {
        "customers": len(outcomes.since),
        "account_years": years,
        "all": rate(kinds.total()),
        **{kind: rate(kinds[kind]) for kind in sorted(kinds)},
        "by_type": {name: rate(types[name]) for name in sorted(types)},
        "elsewhere": elsewhere,
    }


def account_year_cases(told: Iterable[Told], outcomes: Outcomes) -> list[Case]:
    """Alerts told of each customer out of its years under observation."""
    counts: dict[str, int] = defaultdict(int)
    for alert in told:
        counts[alert.customer_id] += outcomes.watches(alert.customer_id, alert.at)
    return [
        Case(customer, counts.get(customer, 0), max(timedelta(0), outcomes.until(customer) - since) / YEAR)
        for customer, since in sorted(outcomes.since.items())
    ]
