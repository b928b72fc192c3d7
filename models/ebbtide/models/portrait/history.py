"""A customer's activity as rows of equal spans, for whoever looks at its shape."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.series import EVENTS, QUERIES, DaySeries
from ebbtide.models.customer.view import View

WEEK = 7
DAYS = 28
WEEKS = 26

Sums = list[int | None]
"""Oldest first. None where the numbers of a day of the span are forgotten."""


@dataclass(frozen=True, slots=True)
class History:
    """Rows of spans that end at one grid instant: a value a day for 28 days, or a value a week for 26 weeks."""

    events_daily: Sums
    events_weekly: Sums
    queries_weekly: Sums
    active_days_weekly: list[int]
    active_users_weekly: list[int]


def history(customer: Customer, view: View, day: int) -> History:
    """All rows, as of grid instant ``day``."""
    series = view.series
    return History(
        events_daily=sums(series, EVENTS, day, DAYS, 1),
        events_weekly=sums(series, EVENTS, day, WEEKS, WEEK),
        queries_weekly=sums(series, QUERIES, day, WEEKS, WEEK),
        active_days_weekly=[series.active_days(end, WEEK) for end in _ends(day, WEEKS, WEEK)],
        active_users_weekly=active_users(customer, day, WEEKS),
    )


def sums(series: DaySeries, field: int, day: int, count: int, width: int) -> Sums:
    """Sums of a field over ``count`` spans of ``width`` days, the last of which ends where ``day`` begins."""
    # Forgotten are days of any age without money, so that a known day may lie between two of them.
    forgotten = {(day - 1 - old) // width for old in series.days if old < day and series.numbers(old) is None}
    ends = _ends(day, count, width)
    return [None if (day - end) // width in forgotten else series.window(field, end, width) for end in ends]


def active_users(customer: Customer, day: int, weeks: int) -> list[int]:
    """Profiles with an event in each of the weeks that end at ``day``, as the record's ``active_users_28d``."""
    counts = [0] * weeks
    for share in customer.shares.values():
        if not share.detached:
            ages = {(day - 1 - active) // WEEK for active in (*share.days, *share.old_days) if active < day}
            for age in ages:
                if age < weeks:
                    counts[weeks - 1 - age] += 1
    return counts


def _ends(day: int, count: int, width: int) -> range:
    """The instants at which the spans end, oldest first."""
    return range(day - (count - 1) * width, day + 1, width)
