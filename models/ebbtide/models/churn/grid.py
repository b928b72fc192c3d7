"""When customers are observed: a fixed grid of event-time days, the same for live, backfill and replay (design §9)."""

from __future__ import annotations

MONDAY = 4
"""1970-01-05, day 4 since 1970-01-01, was a Monday."""


def is_observation_day(day: int, every_days: int) -> bool:
    """Whether customers are observed at the start of UTC day ``day`` (days since 1970-01-01).

    The grid counts from a Monday: with 7, 14 or 28 days an observation closes whole ISO weeks, so that weekends never
    decide between two observations. Independent of when a customer or the service began.
    """
    return (day - MONDAY) % every_days == 0


def last_observation_day(day: int, every_days: int) -> int:
    """The latest observation day ≤ ``day``."""
    return day - (day - MONDAY) % every_days
