"""Calls, visits, trainings: the vendor's touchpoints with a customer (signals §1)."""

from __future__ import annotations

from ebbtide.models.standing.history import History

TOUCHPOINT = "touchpoint"


def touchpoint_counts(history: History, day: int, within_days: int) -> dict[str, int]:
    """Number of touchpoints by kind in the ``within_days`` days before grid day ``day``."""
    counts: dict[str, int] = {}
    for fact in history.before(day, TOUCHPOINT, since_day=day - within_days):
        kind = fact.text("kind")
        counts[kind] = counts.get(kind, 0) + 1
    return counts
