"""Whose sources were blind when: what nobody could see is no silence (design §3, law 10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.sources import SourceBook

SOURCE_DAYS = 28
"""A source that a customer last used so long before its newest activity is none of its own any more."""


@dataclass(frozen=True, slots=True)
class Outages:
    """Blind sources of a tenant as of a grid instant: those blind at it, and the blind days before it by source."""

    blind: frozenset[str]
    days: dict[str, frozenset[int]]
    newest_day: int

    @classmethod
    def of(cls, book: SourceBook, tenant: str, day: int) -> Outages | None:
        """The outages that heartbeats tell of; None where there are none, as it mostly is."""
        sources = book.sources(tenant)
        days = {source: frozenset(book.blind_days(tenant, source, day)) for source in sources}
        blind = frozenset(source for source in sources if book.is_blind(tenant, source, day))
        newest = max((max(lost) for lost in days.values() if lost), default=-1)
        return cls(blind, days, newest) if blind or newest >= 0 else None

    def is_blind(self, sources: Iterable[str]) -> bool:
        """Whether all sources of a customer are blind at the instant; one without any is not."""
        known = set(sources)
        return bool(known) and known <= self.blind

    def blind_days(self, sources: Iterable[str]) -> frozenset[int]:
        """Days on which all sources of a customer were blind."""
        days = [self.days.get(source, frozenset[int]()) for source in sources]
        return reduce(frozenset.intersection, days) if days else frozenset()


def sources_of(customer: Customer, day: int) -> set[str]:
    """Sources that sent the customer's activity in its newest weeks of activity before ``day``."""
    newest: dict[str, int] = {}
    for share in customer.shares.values():
        for heard, sources in share.sources.items():
            if heard < day:
                for source in sources:
                    if heard > newest.get(source, -1):
                        newest[source] = heard
    last = max(newest.values(), default=0)
    return {source for source, heard in newest.items() if heard > last - SOURCE_DAYS}
