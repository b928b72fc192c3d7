"""What brought a change of identity about: the record that an audit row names as its cause.

One settling may take in several records. Of those that name what a row is about the newest by event time is the cause,
at one time that of the greater id; if none does, the newest of those that touched it. So the order in which they came
does not matter. A record touches the connected components, as they are afterwards, of the identifiers that it names;
what makes a value link nobody, or somebody again, or unbinds it, touches those of all that are linked to it. Evidence
that other evidence of the pair outweighs touches nothing, nor does a decision that a later one takes back. A link that
does not count moves nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, TypeVar

from ebbtide.models.identity.evidence import Pair, pair
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.sizes import Component, component
from ebbtide.schemas.identity import OperationKind

Place = Component | str
"""A connected component, or the key of an identifier that is alone."""

P = TypeVar("P", Pair, Place, str)


class Cause(NamedTuple):
    """A record: its time, epoch milliseconds, and its id; the greater is the newer. ``by_hand``: a decision."""

    at_ms: int
    source: str
    by_hand: bool


class Told(NamedTuple):
    """A record that was taken in, with the identifiers that it names; ``evidence`` if it is a link of two.

    ``target`` is what a decision is about, as ``Operation.target``.
    """

    cause: Cause
    keys: tuple[str, ...]
    evidence: bool
    target: tuple[str, ...] = ()


class Causes:
    """Who was touched by which of the records that one settling took in, as of that settling.

    Every answer is the id of a record; None where none touched what is asked for, and more than one was taken in.
    To be asked before the next settling: what it takes to answer is worked out when it is first needed, since mostly
    the record that is asked for names the identifier itself.
    """

    def __init__(self, graph: IdentityGraph, told: Iterable[Told]) -> None:
        self._graph = graph
        self._standing = [one for one in told if _stands(graph, one)]

    @cached_property
    def _only(self) -> Cause | None:
        causes = {one.cause for one in self._standing}
        return causes.pop() if len(causes) == 1 else None

    @cached_property
    def _pairs(self) -> dict[Pair, Cause]:
        return _newest((named, one.cause) for one in self._standing for named in self._links_of(one))

    @cached_property
    def _all(self) -> dict[str, Cause]:
        return _newest((key, one.cause) for one in self._standing for key in one.keys)

    @cached_property
    def _movers(self) -> dict[str, Cause]:
        return _newest((key, one.cause) for one in self._standing if _moves(self._graph, one) for key in one.keys)

    @cached_property
    def _barred(self) -> dict[str, Cause]:
        return dict(self._turned())

    @cached_property
    def _places_of_all(self) -> dict[Place, Cause]:
        return _newest(self._places(self._all))

    @cached_property
    def _places_of_movers(self) -> dict[Place, Cause]:
        return _newest(self._places(self._movers))

    def of_link(self, a: str, b: str) -> str | None:
        """What made a link count, or not."""
        return _source(self._pairs.get(pair(a, b)) or self._find_mover(a, b) or self._only)

    def of_owner(self, identifier: str, previous: str) -> str | None:
        """What moved an identifier to another owner."""
        moved = self._movers.get(identifier) or self._barred.get(identifier)
        return _source(moved or self._find_mover(identifier, previous) or self._only)

    def of_value(self, key: str) -> str | None:
        """What made a value link nobody, or somebody again."""
        return _source(self._barred.get(key) or self._only)

    def of_finding(self, *keys: str) -> str | None:
        """What made something to be found about identifiers, or no longer."""
        return _source(self._find_any(keys) or self._only)

    def by_hand(self, *keys: str) -> str | None:
        """As ``of_finding``, if that was a decision."""
        found = self._find_any(keys)
        return _source(found) if found is not None and found.by_hand else None

    def _links_of(self, told: Told) -> Iterable[Pair]:
        """The links that a record is about: of an ``unbind`` those of its identifier."""
        if _unbinds(told):
            return [pair(told.keys[0], other) for other in self._graph.nodes[told.keys[0]].links]
        return [pair(told.keys[0], told.keys[-1])]

    def _find_any(self, keys: tuple[str, ...]) -> Cause | None:
        named = max((self._all[key] for key in keys if key in self._all), default=None)
        return named or self._find(self._places_of_all, *keys)

    def _find_mover(self, *keys: str) -> Cause | None:
        return self._find(self._places_of_movers, *keys)

    def _turned(self) -> Iterable[tuple[str, Cause]]:
        """The values that turned, each with what touched it, else what touched those that count for it."""
        for barred in self._graph.audit.barred:
            keys, around = self._all, self._graph.nodes[barred.identifier].links
            found = keys.get(barred.identifier) or max((keys[key] for key in around if key in keys), default=None)
            if found is not None:
                yield barred.identifier, found

    def _places(self, keys: dict[str, Cause]) -> Iterator[tuple[Place, Cause]]:
        for key, cause in keys.items():
            yield self._place(key), cause
        unbound = ((one.keys[0], one.cause) for one in self._standing if _unbinds(one))
        for value, cause in (*self._barred.items(), *unbound):
            for key in (value, *self._graph.nodes[value].links):
                yield self._place(key), cause

    def _find(self, touched: dict[Place, Cause], *keys: str) -> Cause | None:
        """The newest at the places of identifiers; of one that links nobody also where those are it is linked to."""
        places = {self._place(key) for key in keys}
        for key in keys:
            node = self._graph.nodes.get(key)
            if node is not None and node.barred:
                places.update(map(self._place, node.links))
        return max((touched[place] for place in places if place in touched), default=None)

    def _place(self, key: str) -> Place:
        node = self._graph.nodes.get(key)
        return key if node is None else component(node) or key


def _stands(graph: IdentityGraph, told: Told) -> bool:
    """Whether evidence is the best of its pair, also since an ``unbind``, and a decision the last about its own.

    All else stands.
    """
    if told.cause.by_hand:
        return graph.decisions[told.target].operation_id == told.cause.source
    if not told.evidence:
        return True
    a, b = told.keys
    link = graph.nodes[a].links[b]
    return told.cause.source in (link.event_id, graph.voice(link)[2])


def _unbinds(told: Told) -> bool:
    return told.target[1:] == (OperationKind.UNBIND,)


def _moves(graph: IdentityGraph, told: Told) -> bool:
    """Whether it may move somebody: of evidence only that which counts."""
    if not told.evidence:
        return True
    a, b = told.keys
    return pair(a, b) not in graph.refused and not (graph.nodes[a].barred or graph.nodes[b].barred)


def _newest(touched: Iterable[tuple[P, Cause]]) -> dict[P, Cause]:
    found: dict[P, Cause] = {}
    for place, cause in touched:
        known = found.get(place)
        if known is None or cause > known:
            found[place] = cause
    return found


def _source(cause: Cause | None) -> str | None:
    return None if cause is None else cause.source
