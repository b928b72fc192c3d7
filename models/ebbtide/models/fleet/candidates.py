"""Customers that a partition, and then the fleet, holds out as look-alikes of whoever surges in the week to come.

Nobody knows yet who will surge, or by which module. So of each segment and module the first ``candidates`` customers
that do not use it are kept, in an order drawn anew every week by a hash of id and instant: a fair sample of those who
lack it, the same however customers lie on partitions. As the order is the same for all modules, most candidates stand
for many of them, and each is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

from ebbtide.schemas.fleet import Candidate, Candidates

MOST_CANDIDATES = 1_000
"""So many are told of a tenant, of all segments and modules the first of each."""

_LONGEST_NAME = 48
_KEY = itemgetter(0, 1)


class Prospect(NamedTuple):
    """A candidate: its place in the draw, then what is told of it. ``uses`` has a bit for each module of ``asked``."""

    draw: int
    customer_id: str
    segment: str
    name: str | None
    usage: int
    uses: int
    asked: tuple[str, ...]


def prospect(
    customer_id: str,
    day: int,
    *,
    segment: str,
    name: object,
    usage: float,
    modules: Iterable[str],
    places: Mapping[str, int],
) -> Prospect:
    """A customer as a candidate at the grid instant ``day``.

    ``usage`` are its events in 28 days and ``modules`` those it used in them; ``places`` are the modules asked about,
    each with its bit, in their order.
    """
    return Prospect(
        draw(customer_id, day),
        customer_id,
        segment,
        None if name is None else str(name)[:_LONGEST_NAME],
        int(usage),
        bits(modules, places),
        tuple(places),
    )


def draw(customer_id: str, day: int) -> int:
    """Where the customer comes in the draw of an instant. Not by CRC: that of another day flips the same bits of all,
    so that the same customers would be drawn together again."""
    return int.from_bytes(blake2b(f"{customer_id}/{day}".encode(), digest_size=8).digest(), "big")


def bits(modules: Iterable[str], places: Mapping[str, int]) -> int:
    """Modules as bits; those without a place are left out."""
    found = 0
    for module in modules:
        found |= places.get(module, 0)
    return found


def places_of(modules: Iterable[str]) -> dict[str, int]:
    """A bit for each module, in the order given."""
    return {module: 1 << place for place, module in enumerate(modules)}


def first_of_each(prospects: Iterable[Prospect], most: int) -> list[tuple[int, Prospect]]:
    """Those among the first ``most`` of one segment that lack a module, for any module; each with its best rank."""
    ordered = sorted(prospects, key=_KEY)
    if not ordered or not most:
        return []
    places = len(ordered[0].asked)
    counts = [0] * places
    wanted = (1 << places) - 1
    found: list[tuple[int, Prospect]] = []
    for one in ordered:
        lacks = wanted & ~one.uses
        if not lacks:
            continue
        ranks = []
        for place in range(places):
            if lacks >> place & 1:
                counts[place] += 1
                ranks.append(counts[place])
                if counts[place] == most:
                    wanted &= ~(1 << place)
        found.append((min(ranks), one))
        if not wanted:
            break
    return found


class CandidateSums:
    """The candidates of one tenant in one partition, while its customers are gone through."""

    __slots__ = ("_most", "_segments")

    def __init__(self, most: int) -> None:
        self._most = most
        self._segments: dict[str, list[Prospect]] = {}

    def add(self, one: Prospect) -> None:
        """Take in one customer."""
        known = self._segments.setdefault(one.segment, [])
        known.append(one)
        if len(known) > 2 * self._most * max(1, len(one.asked)):
            known[:] = [kept for _, kept in first_of_each(known, self._most)]

    def rows(self) -> tuple[tuple[str, ...], list[Candidate]]:
        """The modules asked about, and the candidates by segment, in the order of the draw."""
        kept = [
            one for segment in sorted(self._segments) for _, one in first_of_each(self._segments[segment], self._most)
        ]
        return kept[0].asked if kept else (), [_row(one) for one in kept]


def merged(told: Iterable[Candidates], day: int, most: int) -> Candidates:
    """What all partitions told at the grid instant ``day`` together, cut to ``MOST_CANDIDATES``; in any order."""
    parts = [one for one in told if one.rows]
    modules = sorted({module for one in parts for module in one.modules})
    places = places_of(modules)
    segments: dict[str, dict[str, Prospect]] = {}
    for one in parts:
        for row in one.rows:
            used = [module for place, module in enumerate(one.modules) if row.uses >> place & 1]
            segments.setdefault(row.segment, {})[row.customer_id] = prospect(
                row.customer_id,
                day,
                segment=row.segment,
                name=row.name,
                usage=row.usage,
                modules=used,
                places=places,
            )
    ranked = [found for known in segments.values() for found in first_of_each(known.values(), most)]
    ranked.sort(key=lambda found: (found[0], found[1].draw, found[1].customer_id))
    kept = sorted((one for _, one in ranked[:MOST_CANDIDATES]), key=lambda one: (one.segment, one.customer_id))
    return Candidates(modules=modules, rows=[_row(one) for one in kept])


def _row(one: Prospect) -> Candidate:
    return Candidate.unchecked(
        segment=one.segment, customer_id=one.customer_id, name=one.name, usage=one.usage, uses=one.uses
    )
