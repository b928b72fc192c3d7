"""Days on which nobody could see a customer: they say nothing of it (design §3, law 10)."""

from __future__ import annotations

from collections.abc import Callable

Unseen = Callable[[int], int]
"""On how many days from a day number on nobody could see the customer."""


def all_seen(_since_day: int) -> int:
    """Nothing was hidden."""
    return 0
