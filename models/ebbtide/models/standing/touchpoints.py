"""Calls, visits, trainings: the vendor's touchpoints with a customer (signals §1)."""

from __future__ import annotations

from collections import Counter

from ebbtide.models.standing.history import History

TOUCHPOINT = "touchpoint"


def touchpoint_counts(history: History, day: int, within_days: int) -> dict[str, int]:
    """Number of touchpoints by kind in the ``within_days`` days before grid day ``day``."""
    return Counter(fact.text("kind") for fact in history.before(day, TOUCHPOINT, since_day=day - within_days))
