"""The dated facts of a customer, each once, in one order, readable as of any day (signals §1)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from ebbtide.schemas.base import DAY_MS

if TYPE_CHECKING:
    from ebbtide.models.standing.journey import Come
    from ebbtide.models.standing.relationship import Told


class DatedFact(NamedTuple):
    """A fact: its type, when it occurred (epoch milliseconds), its fields; its id and whose profile it is if known."""

    type: str
    at_ms: int
    data: Mapping[str, Any]
    event_id: str = ""
    profile_id: str = ""

    @property
    def day(self) -> int:
        """UTC day on which it occurred."""
        return self.at_ms // DAY_MS

    def text(self, name: str) -> str:
        """A field as text; empty where it is missing. Numeric ids are texts, too."""
        value = self.data.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> float | None:
        """A field as a number; None where it is none."""
        value = self.data.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    @property
    def person(self) -> str:
        """Whom it is about: its profile, else the person that its fields name; empty where nobody is named."""
        return self.profile_id or next(filter(None, map(self.text, _PERSON_FIELDS)), "")


_PERSON_FIELDS = ("profile_id", "person_id", "contact_id", "user_id", "email")


class History:
    """Facts by type in the order of their time. The same facts in any order, or twice, make the same history.

    A fact without an id is the same as another if all it says is the same. ``come`` and ``told`` are what journey and
    relationship keep of as many of its first facts as were known by some day.
    """

    __slots__ = ("_by_type", "_times", "_when", "come", "told")

    def __init__(self, facts: Iterable[DatedFact]) -> None:
        unique: dict[tuple[str, ...], DatedFact] = {}
        for fact in facts:
            key = (fact.event_id,) if fact.event_id else (fact.profile_id, fact.type, str(fact.at_ms), _content(fact))
            known = unique.get(key)
            # One id with two contents is a producer's fault: the earlier is kept, in whatever order they came.
            if known is None or (known != fact and _order(fact) < _order(known)):
                unique[key] = fact
        self._by_type: dict[str, list[DatedFact]] = {}
        # Their times, to be searched without a look at each fact.
        self._times: dict[str, list[int]] = {}
        self._when: list[int] = []
        self.come: Come | None = None
        self.told: Told | None = None
        for fact in _sorted(unique.values()):
            self.append(fact)

    def append(self, fact: DatedFact) -> None:
        """Add a fact of an id of its own that is newer than all others."""
        self._by_type.setdefault(fact.type, []).append(fact)
        self._times.setdefault(fact.type, []).append(fact.at_ms)
        self._when.append(fact.at_ms)

    def count_before(self, day: int) -> int:
        """Number of facts that occurred before grid day ``day``. As many are the same ones, whatever came since."""
        return bisect_left(self._when, day * DAY_MS)

    @classmethod
    def of(cls, outcomes: Iterable[tuple[str, int, Mapping[str, Any]]]) -> History:
        """From ``(type, at_ms, data)``, as a customer's view has them."""
        return cls(DatedFact(*outcome) for outcome in outcomes)

    def has(self, kind: str) -> bool:
        """Whether anything of a type is known, of whatever day."""
        return kind in self._by_type

    def newest(self, day: int, kind: str) -> DatedFact | None:
        """The newest fact of a type that occurred before grid day ``day``."""
        facts = self._by_type.get(kind)
        if not facts:
            return None
        end = bisect_left(self._times[kind], day * DAY_MS)
        return facts[end - 1] if end else None

    def before(self, day: int, *types: str, since_day: int | None = None) -> list[DatedFact]:
        """Facts of some types that occurred before grid day ``day``, on or after ``since_day``.

        Oldest first; several types one after the other.
        """
        found: list[DatedFact] = []
        by_type = self._by_type
        for kind in types:
            if kind in by_type:
                times = self._times[kind]
                start = 0 if since_day is None else bisect_left(times, since_day * DAY_MS)
                found += by_type[kind][start : bisect_left(times, day * DAY_MS)]
        return found


_WHEN = attrgetter("at_ms", "type")


def _sorted(facts: Iterable[DatedFact]) -> list[DatedFact]:
    """In the order of ``_order``. What a fact says is looked at only where two are of one time and type."""
    ordered = sorted(facts, key=_WHEN)
    if any(_WHEN(fact) == _WHEN(after) for fact, after in pairwise(ordered)):
        ordered.sort(key=_order)
    return ordered


def _content(fact: DatedFact) -> str:
    return msgspec.json.encode(fact.data, order="sorted").decode()


def _order(fact: DatedFact) -> tuple[int, str, str, str, str]:
    # What a fact says goes before its id: of two at one time the id is chance and must decide nothing.
    return fact.at_ms, fact.type, _content(fact), fact.profile_id, fact.event_id
