"""Support tickets that are open (signals §1, §7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ebbtide.models.standing.history import DatedFact, History
from ebbtide.schemas.base import DAY_MS

OPENED, CLOSED = "ticket.opened", "ticket.closed"


class OpenTicket(NamedTuple):
    """An open ticket. ``since_ms`` is its first opening since it was last closed, ``severity`` the newest."""

    ticket_id: str
    severity: str
    since_ms: int

    def age_days(self, day: int) -> float:
        """Days for which it has been open at the start of grid day ``day``."""
        return (day * DAY_MS - self.since_ms) / DAY_MS


def open_tickets(history: History, day: int) -> list[OpenTicket]:
    """Tickets open as of grid day ``day``, the oldest first.

    A ticket may open again. Opened and closed in one millisecond is closed. Facts without ``ticket_id`` are left out:
    nothing could ever close them.
    """
    opened = history.before(day, OPENED)
    if not opened:
        return []
    found: dict[str, OpenTicket] = {}
    for fact in sorted([*opened, *history.before(day, CLOSED)], key=_order):
        ticket_id = fact.text("ticket_id")
        if not ticket_id:
            continue
        if fact.type == CLOSED:
            found.pop(ticket_id, None)
            continue
        known = found.get(ticket_id)
        severity = fact.text("severity") or (known.severity if known else "")
        found[ticket_id] = OpenTicket(ticket_id, severity, known.since_ms if known else fact.at_ms)
    return sorted(found.values(), key=lambda ticket: (ticket.since_ms, ticket.ticket_id))


def ticket_points(
    tickets: list[OpenTicket], day: int, points: Mapping[str, float], *, old_days: int, most: float
) -> float:
    """Points that open tickets lose: by severity, twice when open for more than ``old_days``, at most ``most``."""
    lost = 0.0
    for ticket in tickets:
        own = points.get(ticket.severity, points["normal"])
        lost += 2 * own if ticket.age_days(day) > old_days else own
    return min(most, lost)


def _order(fact: DatedFact) -> tuple[int, bool]:
    return fact.at_ms, fact.type == CLOSED
