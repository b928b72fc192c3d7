"""Invoices that are overdue (signals §1, §7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from ebbtide.models.standing.history import DatedFact, History
from ebbtide.schemas.base import DAY_MS

OVERDUE, PAID = "invoice.overdue", "invoice.paid"


class OverdueInvoice(NamedTuple):
    """An invoice reported overdue and not paid. ``due_ms`` is when it was due, else when it was first reported."""

    invoice_id: str
    due_ms: int
    amount: float | None
    currency: str

    def overdue_days(self, day: int) -> float:
        """Days overdue at the start of grid day ``day``; never negative."""
        return max(0.0, (day * DAY_MS - self.due_ms) / DAY_MS)


def overdue_invoices(history: History, day: int) -> list[OverdueInvoice]:
    """Invoices overdue as of grid day ``day``, the one due longest first.

    A payment settles its invoice whenever it was reported: a reminder that comes after it opens nothing. Facts without
    ``invoice_id`` are left out: nothing could ever settle them.
    """
    reported = history.before(day, OVERDUE)
    if not reported:
        return []
    paid = {fact.text("invoice_id") for fact in history.before(day, PAID)}
    found: dict[str, OverdueInvoice] = {}
    for fact in reported:
        invoice_id = fact.text("invoice_id")
        if invoice_id and invoice_id not in paid:
            known = found.get(invoice_id)
            due_ms = _time(fact, "due_at")
            if due_ms is None:
                due_ms = fact.at_ms if known is None else known.due_ms
            found[invoice_id] = OverdueInvoice(invoice_id, due_ms, fact.number("amount"), fact.text("currency"))
    return sorted(found.values(), key=lambda invoice: (invoice.due_ms, invoice.invoice_id))


def _time(fact: DatedFact, name: str) -> int | None:
    """A time field, RFC 3339, as epoch milliseconds; without zone it is UTC. None where it is none."""
    try:
        value = datetime.fromisoformat(fact.text(name))
    except ValueError:
        return None
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)
