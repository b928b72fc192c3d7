"""Stickiness: on how many days of the month a user of the month comes (DAU/MAU) [SA]."""

from __future__ import annotations

from collections.abc import Sequence


def stickiness(days_of_users: Sequence[int], width: int) -> float | None:
    """Mean daily active users over users active in the window, 0..1; None where nobody was active.

    ``days_of_users`` are the active days of each active user in a window of ``width`` days (``users.user_days``).
    Use once a week is 1/7: what is usual for a customer is judged against its own cadence, not against 1.
    """
    if not days_of_users:
        return None
    return sum(days_of_users) / (width * len(days_of_users))
