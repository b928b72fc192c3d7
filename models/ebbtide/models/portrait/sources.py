"""Which sources a customer's activity comes from, and how fresh each is (signals §6)."""

from __future__ import annotations

from datetime import date

from ebbtide.models.customer.customer import Customer
from ebbtide.models.portrait.dates import date_of


def newest_days(customer: Customer, day: int) -> dict[str, date]:
    """The newest day before grid instant ``day`` with activity of each source, freshest first.

    Sources are kept for the last weeks only: one that was silent for longer is not named.
    """
    newest: dict[str, int] = {}
    for share in customer.shares.values():
        for sent_on, sources in share.sources.items():
            if sent_on < day:
                for source in sources:
                    newest[source] = max(newest.get(source, sent_on), sent_on)
    ranked = sorted(newest.items(), key=lambda item: (-item[1], item[0]))
    return {source: date_of(last) for source, last in ranked}
