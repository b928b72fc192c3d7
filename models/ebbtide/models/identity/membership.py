"""When a person is in an account, by whole days since 1970-01-01 (identity §1, §2).

Whoever names an account is in it from that day on. A fact may say that the person left it; that day counts still. A
later fact may say that the person is back. Activity does not: who has left may still be signed in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ebbtide.schemas.identity import MembershipKind, Span

MOST_CHANGES = 64
"""Newest days of leaving, and of being back, that are kept of one membership."""


class Membership(NamedTuple):
    """What was heard: the first day, and the days of leaving and of being back, ascending. The order heard is lost."""

    first: int
    left: tuple[int, ...] = ()
    back: tuple[int, ...] = ()

    @property
    def spans(self) -> list[Span]:
        """First and last day of each stay, ascending. On a day of both the person left."""
        found: list[Span] = []
        start: int | None = self.first
        for left in self.left:
            if start is not None and left >= start:
                found.append((start, left))
                start = next((day for day in self.back if day > left), None)
        return found if start is None else [*found, (start, None)]

    @property
    def edges(self) -> set[tuple[MembershipKind, int]]:
        """The spans as what others must hear to know them."""
        (first, _), *later = spans = self.spans
        found = {(MembershipKind.LEFT, last) for _, last in spans if last is not None}
        return found | {(MembershipKind.SEEN, first)} | {(MembershipKind.BACK, start) for start, _ in later}


def heard(kind: MembershipKind, day: int) -> Membership:
    """The membership that one edge tells."""
    left = (day,) if kind is MembershipKind.LEFT else ()
    return Membership(day, left, (day,) if kind is MembershipKind.BACK else ())


def of_spans(spans: Sequence[Span]) -> Membership:
    """A membership that has these spans, of which there must be one."""
    left = tuple(last for _, last in spans if last is not None)
    return Membership(spans[0][0], left, tuple(start for start, _ in spans[1:]))


def union(one: Membership | None, other: Membership) -> Membership:
    """What both heard, of one person and one account."""
    if one is None:
        return other
    return Membership(min(one.first, other.first), _both(one.left, other.left), _both(one.back, other.back))


def _both(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({*one, *other}))[-MOST_CHANGES:] if one or other else ()


class Timeline:
    """Who has what a person does without naming an account, by day: the only account it is in, else ``otherwise``.

    ``accounts`` are the stays in each; they may overlap, where an account has several group ids. ``now`` is who has
    what is of no day: who has the newest day, and of a person that left all accounts who had the last day before.
    ``now_since`` is the day from which on it does; None where nobody else ever did.
    """

    __slots__ = ("_days", "_owners", "now", "now_since")

    def __init__(self, accounts: Mapping[str, Sequence[Span]], otherwise: str) -> None:
        edges = sorted(
            edge
            for owner, spans in accounts.items()
            for first, last in spans
            for edge in ((first, owner, 1), *(() if last is None else ((last + 1, owner, -1),)))
        )
        self._days: list[int] = []
        self._owners = [otherwise]
        self.now = otherwise
        self.now_since: int | None = None
        stays: Counter[str] = Counter()
        for day, changes in groupby(edges, key=itemgetter(0)):
            for _, owner, change in changes:
                stays[owner] += change
            inside = [account for account, count in stays.items() if count]
            self._days.append(day)
            self._owners.append(inside[0] if len(inside) == 1 else otherwise)
            if inside and self._owners[-1] != self.now:
                self.now, self.now_since = self._owners[-1], day

    def on(self, day: int) -> str:
        """Whose the activity of a day is."""
        return self._owners[bisect_right(self._days, day)]
