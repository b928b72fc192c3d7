"""The contract that a customer is under, where its end is known: how long, how much of it is left, what falls due."""

from __future__ import annotations

from typing import NamedTuple

from ebbtide.models.standing.contracts import RENEWED, Term, is_closed, not_renewed_since
from ebbtide.models.standing.history import History
from ebbtide.schemas.base import DAY_MS

GRACE_DAYS = 28
"""So long after its end a term counts as about to be decided: the CRM closes renewals late."""


class Running(NamedTuple):
    """A term in whole days: its length, what is left of it; and how many renewals fall due within a horizon.

    ``people_percent``: of the people who came in the last ten weeks, how many came in the last two.
    """

    days: int
    days_left: int
    renewals_due: int
    people_percent: int = 100


def running(signed: Term | None, history: History, day: int, horizon_days: int) -> tuple[int, int, int] | None:
    """The first three of :class:`Running` as of grid day ``day`` of the term that was signed last.

    None where no end is known, the contract ended, or nothing was told of a renewal long after its end. A renewal that
    closed within the horizon before the end carries it a term further: the next signature is awaited.
    """
    if signed is None:
        return None
    # Mostly no renewal closed yet.
    is_told = history.has(RENEWED)
    if is_told and not_renewed_since(history, day) is not None:
        return None
    days = max(1, round(signed.days))
    left = (signed.end_ms - day * DAY_MS) // DAY_MS
    if is_told and is_closed(history, signed, day, horizon_days):
        left += days
    if left < -GRACE_DAYS:
        return None
    left = max(left, 0)
    return days, left, (0 if left >= horizon_days else 1 + (horizon_days - 1 - left) // days)
