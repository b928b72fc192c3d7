"""Penetration: how many of the seats that were bought are used [SA]."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Penetration:
    """Share of seats in use, 0..1, and the active users for whom there is no seat."""

    share: float
    over: int


def penetration(active_users: int, seats: object) -> Penetration | None:
    """Active users of 28 days over licensed seats; None where the CRM's number of seats is none.

    More users than seats is full use, not more: who is over is told apart, since it is a reason to sell seats or to
    doubt the number.
    """
    if isinstance(seats, bool) or not isinstance(seats, int | float) or not seats > 0:
        return None
    return Penetration(min(1.0, active_users / seats), max(0, int(active_users - seats)))
