"""Money that is due and does not come (signals §7)."""

from __future__ import annotations

from math import ceil

from ebbtide.models.alerting.verdict import Clears, Fires, Reason, Verdict
from ebbtide.models.policy import AlertPolicy
from ebbtide.models.standing.invoices import OverdueInvoice
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.base import DAY_MS


def overdue(invoices: list[OverdueInvoice], day: int, policy: AlertPolicy) -> Verdict:
    """An invoice has been overdue for 15 days and is not paid."""
    late = [invoice for invoice in invoices if invoice.overdue_days(day) >= policy.overdue_days]
    if not late:
        return Clears(Reason.PAID)
    oldest = late[0]
    days = oldest.overdue_days(day)
    amounts = [one.amount for one in late if one.amount is not None and one.currency == oldest.currency]
    return Fires(
        Severity.CRITICAL if days >= policy.overdue_critical_days else Severity.WARNING,
        {
            "by": "amount" if amounts else "unpriced",
            "invoices": len(late),
            "invoice_id": oldest.invoice_id,
            "overdue_days": int(days),
            # What is owed in the currency of the oldest: no rate of another day is fair to an invoice.
            "amount": round(sum(amounts), 2) if amounts else None,
            "currency": oldest.currency,
        },
    )


def overdue_day(invoices: list[OverdueInvoice], day: int, policy: AlertPolicy) -> int | None:
    """The first grid day after ``day`` at which an invoice has been overdue for long, or for too long."""
    days = [
        ceil(invoice.due_ms / DAY_MS) + late
        for invoice in invoices
        for late in (policy.overdue_days, policy.overdue_critical_days)
    ]
    return min((at for at in days if at > day), default=None)
