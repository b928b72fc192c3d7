"""A customer whose tickets pile up, or wait for too long (signals §7)."""

from __future__ import annotations

from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.policy import AlertPolicy
from ebbtide.models.standing.tickets import OpenTicket
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.base import DAY_MS

MOST_NAMED = 5
"""Tickets that the evidence names, the oldest."""


def support_distress(tickets: list[OpenTicket], day: int, policy: AlertPolicy) -> Verdict:
    """Three tickets are open, or one of top severity has been for over three days."""
    grave = [ticket for ticket in tickets if _is_grave(ticket, policy) and ticket.age_days(day) > policy.grave_days]
    if not grave and len(tickets) < policy.tickets:
        return Holds(Reason.HYSTERESIS) if len(tickets) > policy.tickets_left else Clears(Reason.FEW_TICKETS)
    # Whatever waits too long is named first.
    first = [*grave, *(ticket for ticket in tickets if ticket not in grave)]
    return Fires(
        Severity.CRITICAL if grave else Severity.WARNING,
        {
            "tickets": len(tickets),
            "grave": len(grave),
            "oldest_days": int(first[0].age_days(day)),
            "ticket_ids": [ticket.ticket_id for ticket in first[:MOST_NAMED]],
        },
    )


def support_day(tickets: list[OpenTicket], day: int, policy: AlertPolicy) -> int | None:
    """The first grid day after ``day`` at which a ticket has been open for too long."""
    days = [ticket.since_ms // DAY_MS + policy.grave_days + 1 for ticket in tickets if _is_grave(ticket, policy)]
    return min((at for at in days if at > day), default=None)


def _is_grave(ticket: OpenTicket, policy: AlertPolicy) -> bool:
    return ticket.severity in policy.grave
