"""Whose sources were blind when: what nobody could see is no silence (design §3, law 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    # What all customers with the same sources ask for.
    _of_all: dict[frozenset[str], frozenset[int]] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, book: SourceBook, tenant: str, day: int) -> Outages | None:
        """The outages that heartbeats tell of; None where there are none, as it mostly is."""
        sources = book.sources(tenant)
        days = {source: frozenset(book.blind_days(tenant, source, day)) for source in sources}
        blind = frozenset(source for source in sources if book.is_blind(tenant, source, day))
        newest = max((max(lost) for lost in days.values() if lost), default=-1)
        return cls(blind, days, newest) if blind or newest >= 0 else None

    def is_blind(self, sources: frozenset[str]) -> bool:
        """Whether all sources of a customer are blind at the instant; one without any is not."""
        return bool(sources) and sources <= self.blind

    def blind_days(self, sources: frozenset[str]) -> frozenset[int]:
        """Days on which all sources of a customer were blind."""
        found = self._of_all.get(sources)
        if found is None:
            days = [self.days.get(source, frozenset[int]()) for source in sources]
            found = self._of_all[sources] = reduce(frozenset.intersection, days) if days else frozenset()
        return found


def sources_of(customer: Customer, day: int) -> frozenset[str]:
    """Sources that sent the customer's activity in its newest weeks of activity before ``day``."""
    last: dict[str, int] = {}
    for share in customer.shares.values():
        for heard, sources in share.sources.items():
            if heard < day:
                _put(last, heard, sources)
    return _newest_weeks(last)


class OwnSources:
    """When each of a customer's sources was heard last before the newest instant that was asked for: kept from record
    to record, and never stored. What was heard on days from then on counts once they are over."""

    __slots__ = ("_day", "_last", "_later")

    def __init__(self) -> None:
        # The instant; None until somebody asks.
        self._day: int | None = None
        # By source.
        self._last: dict[str, int] = {}
        self._later: dict[int, Iterable[str]] = {}

    def hear(self, known: Mapping[int, Sequence[str]], told: Mapping[int, Sequence[str]]) -> None:
        """A profile, of which those of some days were ``known``, tells the sources of some days."""
        if self._day is not None:
            for day, names in told.items():
                before = known.get(day)
                if before is None or before == names or set(before) <= set(names):
                    self._put(day, names, self._day)
                else:
                    # It may have been the last one that told of a source.
                    self.forget()
                    return

    def forget(self) -> None:
        """Something may never have been heard."""
        self._day = None

    def of(self, customer: Customer, day: int) -> frozenset[str]:
        """As ``sources_of``."""
        if self._day is None:
            self._day, self._last, self._later = day, {}, {}
            for share in customer.shares.values():
                for heard, names in share.sources.items():
                    self._put(heard, names, day)
        elif day > self._day:
            self._day = day
            for heard in [heard for heard in self._later if heard < day]:
                _put(self._last, heard, self._later.pop(heard))
        return _newest_weeks(self._last) if day == self._day else sources_of(customer, day)

    def _put(self, day: int, names: Sequence[str], now: int) -> None:
        if day < now:
            _put(self._last, day, names)
        else:
            known = self._later.get(day)
            self._later[day] = names if known is None else {*known, *names}


def _put(last: dict[str, int], day: int, sources: Iterable[str]) -> None:
    for source in sources:
        if day > last.get(source, -1):
            last[source] = day


def _newest_weeks(last_heard: dict[str, int]) -> frozenset[str]:
    last = max(last_heard.values(), default=0)
    return frozenset([source for source, heard in last_heard.items() if heard > last - SOURCE_DAYS])
