"""What could be seen of a customer before an instant: days on which all its sources were blind are no silence."""

from __future__ import annotations

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.outages import Outages, sources_of
from ebbtide.models.customer.rhythm import Rhythm, rhythm
from ebbtide.models.customer.sources import SourceBook
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CadencePolicy
from ebbtide.schemas.base import DAY_MS

_NO_DAYS: frozenset[int] = frozenset()


class Seen:
    """As of the grid instant ``day``, by the ``outages`` known then. Mostly there are none, and nobody asks."""

    __slots__ = ("_customer", "_day", "_known", "_outages", "_unseen", "_view")

    def __init__(self, customer: Customer, view: View, outages: Outages | None, day: int) -> None:
        self._customer, self._view, self._outages, self._day = customer, view, outages, day
        self._known: frozenset[str] | None = None
        self._unseen: frozenset[int] | None = None

    @property
    def is_blind(self) -> bool:
        """Whether nothing is heard of any source of the customer at the instant."""
        outages = self._outages
        return outages is not None and bool(outages.blind) and outages.is_blind(self._sources)

    def blind_days(self, since_day: int, before_day: int | None = None) -> int:
        """Number of days from ``since_day`` to the instant, or to ``before_day``, on which nobody could see it."""
        outages = self._outages
        if outages is None or outages.newest_day < since_day:
            return 0
        end = self._day if before_day is None else before_day
        return sum(since_day <= lost < end for lost in outages.blind_days(self._sources))

    def rhythm(self, view: View, day: int, policy: CadencePolicy) -> Rhythm | None:
        """Cadence and silence as of ``day``; None for who was never active before."""
        found = rhythm(view, day, policy)
        if found is None or self._outages is None:
            return found
        lost = self.blind_days(found.last_day + 1, day)
        return rhythm(view, day, policy, lost) if lost else found

    def unseen(self, fleet: Fleet | None, reach_days: int) -> frozenset[int]:
        """Days that say nothing of the customer: its whole ``fleet`` was down, or nobody could see it.

        Days further back than ``reach_days`` may be missing.
        """
        if self._unseen is None:
            down, outages = _NO_DAYS if fleet is None else fleet.down_days, self._outages
            if outages is not None and outages.newest_day >= self._day - reach_days:
                blind = outages.blind_days(self._sources)
                down = down | blind if down and blind else down or blind
            self._unseen = down
        return self._unseen

    @property
    def _sources(self) -> frozenset[str]:
        if self._known is None:
            self._known = self._view.sources.of(self._customer, self._day)
        return self._known


def heard_until(customer: Customer, settled_day: int | None, book: SourceBook) -> int | None:
    """When the last of a blind customer's sources was heard last, epoch ms; None where the book does not say."""
    if settled_day is None:
        return None
    heard = [
        book.dark_since(customer.tenant, source, settled_day) for source in sorted(sources_of(customer, settled_day))
    ]
    return max((at for at in heard if at is not None), default=None)


def seen_day(view: View, day: int, heard_ms: int | None) -> int:
    """The last grid instant up to which a blind customer's days are known: no earlier than its own newest activity."""
    newest = view.series.last_day(day)
    known = [at for at in (None if newest is None else newest + 1, heard_ms and heard_ms // DAY_MS) if at is not None]
    return min(max(known, default=day), day)
