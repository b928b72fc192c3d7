"""A feature's value as a clause that a person reads: logarithms turned back into days, counts and money."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1

_Reading = Callable[[float], str]


def _many(noun: str) -> Callable[[float], str]:
    """``ln(1 + count)`` as a number of something."""

    def read(value: float) -> str:
        number = round(expm1(value))
        return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

    return read


def _in(template: str, number: _Reading) -> _Reading:
    return lambda value: template.format(number(value))


def _number(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _per_cent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _plain(value: float) -> str:
    return _number(expm1(value))


def _money(value: float) -> str:
    return f"{expm1(value) if value >= 0 else -expm1(-value):,.2f}"


def _of(days: int) -> _Reading:
    return lambda value: f"active on {round(expm1(value))} of the last {days} days"


def _trend(days: int) -> _Reading:
    # One is added to both sides, as in the feature.
    return lambda value: f"active days at {_per_cent(exp(value))} of the {days} days before"


CLAUSES: dict[str, _Reading] = {
    "recency": _in("last active {} ago", _many("day")),
    "tenure": _in("first active {} ago", _many("day")),
    "active_days_7d": _of(7),
    "active_days_28d": _of(28),
    "active_days_91d": _of(91),
    "active_days_total": _in("{} ever", _many("active day")),
    "events_28d": _in("{} in the last 28 days", _many("event")),
    "events_91d": _in("{} in the last 91 days", _many("event")),
    "events_total": _in("{} ever", _many("event")),
    "trend_28d": _trend(28),
    "trend_91d": _trend(91),
    "mean_gap": _in("a mean gap of {} between active days", lambda value: f"{_plain(value)} days"),
    "recency_per_gap": _in("a silence of {} × its mean gap", _plain),
    "recency_per_cadence": _in("a silence of {} × its usual gap", _plain),
    "active_rate": _in("{} active days a week since the first", _plain),
    "events_per_active_day": _in("{} events on an active day", lambda value: _number(exp(value))),
    "life_share": _in("last active {} of the way from its first day to now", _per_cent),
    "silence_surprise": _in("a silence that chance gives {} of the time", lambda value: _per_cent(exp(-expm1(value)))),
    "logins_28d": _in("{} in the last 28 days", _many("login")),
    "queries_28d": lambda value: (
        f"{round(expm1(value)):,} {'query' if round(expm1(value)) == 1 else 'queries'} in the last 28 days"
    ),
    "queries_share": _in("{} of its events are queries", _per_cent),
    "orders_total": _in("{} ever", _many("order")),
    "revenue_91d": _in("{} of money in the last 91 days", _money),
    "revenue_total": _in("{} of money ever", _money),
}


def clause(feature: str, value: float) -> str:
    """What the value of a feature says of the customer; the name and the number for one that has no words yet."""
    reading = CLAUSES.get(feature)
    return f"{feature} {_number(value)}" if reading is None else reading(value)
