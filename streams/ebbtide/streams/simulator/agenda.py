"""What is due on which day: planned facts as small entries, worded only when their day comes."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from ebbtide.streams.simulator.book import Account, Book
from ebbtide.streams.simulator.contract import Outcome, Term
from ebbtide.streams.simulator.episode import Episode, EpisodeType
from ebbtide.streams.simulator.lead import Lead
from ebbtide.streams.simulator.people import Person


class Due(NamedTuple):
    """One entry: which account, what, about what."""

    what: str
    account: int
    about: Term | Person | Episode | Lead | tuple[str, ...] | None = None


class Agenda:
    """Entries by day. Entries for days gone by are dropped, so planning may start before the book does."""

    def __init__(self, book: Book) -> None:
        self._days: defaultdict[int, list[Due]] = defaultdict(list)
        self._last = book.config.days
        for account in book.accounts:
            self._plan(account)

    def add(self, day: int, due: Due) -> None:
        """Put an entry on a day. Past the end of the book it is forgotten."""
        if 0 <= day <= self._last:
            self._days[day].append(due)

    def take(self, day: int) -> list[Due]:
        """The entries of a day, in the order they were put; they are gone then."""
        return self._days.pop(day, [])

    def _plan(self, account: Account) -> None:
        index, lead = account.index, account.lead
        if lead is None:
            self.add(0, Due("open", index))
        else:
            self._plan_lead(index, lead)
        for person in account.people:
            if not person.machine and (account.signed is not None or person.joins > 0) and account.terms:
                self.add(max(person.joins, account.signed or 0), Due("join", index, person))
            if person.told:
                self.add(person.leaves + 1, Due("leave", index, person))
        for term in account.terms:
            self.add(term.starts, Due("sign", index, term))
            self.add(term.ends, Due("close", index, term))
            if term.outcome is Outcome.EXPANDED:
                self.add(term.ends - 20, Due("upsell", index, term))
        for episode in account.episodes:
            if episode.type in {EpisodeType.RENAME, EpisodeType.TRAINING, EpisodeType.CAMPAIGN}:
                self.add(episode.starts, Due(episode.type, index, episode))

    def _plan_lead(self, index: int, lead: Lead) -> None:
        self.add(lead.arrives, Due("lead", index, lead))
        if lead.signs is None:
            self.add(lead.ends, Due("lose", index, lead))
        else:
            self.add(lead.signs, Due("convert", index, lead))
