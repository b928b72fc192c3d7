"""The findings of one tenant, kept up with its graph: what is touched is looked at again, the rest stays (identity §6).

Findings are a function of the state alone, so it does not matter when it is looked at: a look costs what was touched
since the last one. Suspected renames are the exception, since they are about days and about people of two accounts at
once: they are judged as of a midnight, of all who are in several accounts, where news or the time may change them.

Who was told of what is remembered: a row tells that a finding appeared or went away, once, also over a restart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ebbtide.models.identity.changes import OwnerChange
from ebbtide.models.identity.claims import GROUP, OF_ONE_ACCOUNT, about
from ebbtide.models.identity.components import UNBOUND
from ebbtide.models.identity.finding import Finding, Key, pack, reason_of, unpack
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.identifiers import identifier_of
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.names import AccountNames, folded
from ebbtide.models.identity.renames import suspected
from ebbtide.models.identity.sizes import Component, a_member, component, components, size_of, too_large
from ebbtide.schemas.identity import AuditKind, IdentityAudit

_SIZES, _RENAMES = "@sizes", "@renames"
"""Places of the findings that are looked at together. No identifier key begins so."""


class News(NamedTuple):
    """A finding that appeared, or the key alone of one that went away."""

    key: Key
    finding: Finding | None


def audit_row(tenant: str, epoch: int, key: Key, finding: Finding | None, *, cause: str | None) -> IdentityAudit:
    """The row that tells it, and the id of the record that brought it about."""
    _, identifier, other, _ = key
    kind = AuditKind.CLEARED if finding is None else AuditKind.SUSPECTED
    row = IdentityAudit(tenant, epoch, kind, identifier_of(identifier), reason=reason_of(key), cause=cause)
    if other:
        row.other = identifier_of(other)
    if finding is not None:
        row.count, row.total, row.first_day = finding.count, finding.total, finding.first_day
    return row


class Watch:
    """Findings of one tenant, and the counts that go with them. ``told`` are stored keys of what was told before."""

    def __init__(self, told: Iterable[bytes] = ()) -> None:
        self.found: dict[Key, Finding] = {}
        self.kinds: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.identifiers = self.owners = self.largest_component = 0
        self.due_day: int | None = None
        self._told = set(map(unpack, told))
        self._unwritten: dict[Key, None] = {}
        self._places: dict[str, list[Finding]] = {}
        self._moved: dict[Key, None] = {}
        self._spelt: dict[str, list[str]] = {}
        self._graph: IdentityGraph | None = None
        self._largest = ""
        self._stale = False

    def waits(self, day: int) -> bool:
        """Whether renames are to be judged anew at the beginning of a day."""
        return self._stale or (self.due_day is not None and self.due_day <= day)

    def look(
        self,
        graph: IdentityGraph,
        members: Members,
        names: AccountNames,
        touched: Iterable[str],
        changes: Iterable[OwnerChange],
        day: int,
        *,
        judge: bool,
    ) -> list[News]:
        """What appeared and what went away with the graph's last settling, sorted.

        ``touched`` are the keys that were linked, named or decided about, ``day`` is that of the last midnight that
        time passed; renames wait for a look that is to ``judge`` them. Another graph than last time is looked at as a
        whole.
        """
        if graph is self._graph:
            keys = self._keys(graph, names, touched, changes)
            self._count(graph, changes)
        else:
            keys, judge = self._begin(graph, members, names), True
        for key in keys:
            self._clear(key)  # All of them first: what was found with one may be found with another now.
        for key in keys:
            self._put(key, list(about(graph, names, key)))
        if keys:
            self._measure(graph, keys)
            self._stale = self._stale or bool(members.in_several)
        if judge and self.waits(day):
            renames = suspected(graph, members, day)
            self._put(_RENAMES, renames.findings)
            self.due_day, self._stale = renames.due_day, False
        return list(self._take_news())

    def take_writes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """What to store since the last time: keys of what was told; None deletes."""
        unwritten, self._unwritten = self._unwritten, {}
        for key in unwritten:
            yield pack(key), b"" if key in self._told else None

    def _begin(self, graph: IdentityGraph, members: Members, names: AccountNames) -> dict[str, None]:
        """Forget all but what was told, and look at everything."""
        self._moved = dict.fromkeys((*self.found, *self._told))
        self.found, self._places, self._graph, self.largest_component = {}, {}, graph, 0
        self.kinds = Counter()
        self.refused = Counter(graph.refused.values())
        self.identifiers = len(graph.nodes)
        self.owners = sum(node.owner == node.key for node in graph.nodes.values())
        groups = (f"{GROUP}/{group}" for group in members.known_groups())
        keys = dict.fromkeys((*graph.nodes, *groups, *names.accounts()))
        self._spelt = {}
        self._spell(keys)
        return keys

    def _spell(self, keys: Iterable[str]) -> None:
        """Keep the group ids among the keys by what names they could be."""
        for key in keys:
            kind, _, value = key.partition("/")
            if kind == GROUP:
                alike = self._spelt.setdefault(folded(value), [])
                if key not in alike:
                    alike.append(key)

    def _count(self, graph: IdentityGraph, changes: Iterable[OwnerChange]) -> None:
        self.owners += len(graph.nodes) - self.identifiers
        self.identifiers = len(graph.nodes)
        for change in changes:
            self.owners += (change.anchor == change.identifier) - (change.previous == change.identifier)
        for refusal in graph.audit.refusals:
            self.refused.update({why: n for why, n in ((refusal.previous, -1), (refusal.reason, 1)) if why is not None})

    def _keys(
        self, graph: IdentityGraph, names: AccountNames, touched: Iterable[str], changes: Iterable[OwnerChange]
    ) -> dict[str, None]:
        """All identifiers about which something else may be found now."""
        keys = dict.fromkeys(touched)
        self._spell(keys)
        for change in changes:
            keys[change.identifier] = keys[change.previous] = None
        for barred in graph.audit.barred:
            # A component falls apart, or comes together: each part has somebody whom the value links.
            keys[barred.identifier] = None
            keys.update(dict.fromkeys(graph.nodes[barred.identifier].links))
        for refusal in graph.audit.refusals:
            if UNBOUND in (refusal.previous, refusal.reason):  # So does it here.
                keys.update(dict.fromkeys(refusal.pair))
        for key in list(keys):
            # Whose name these group ids are depends on the account of who bears it.
            keys.update(dict.fromkeys(group for name in names.of(key) for group in self._spelt.get(name, ())))
        for key in list(keys):
            keys[graph.anchor(key)] = None
            node = graph.nodes.get(key)
            if node is not None and node.kind == GROUP:
                # Whose these are depends on the account of the group id.
                keys.update(dict.fromkeys(other for other in node.links if graph.nodes[other].kind in OF_ONE_ACCOUNT))
        return keys

    def _measure(self, graph: IdentityGraph, keys: Iterable[str]) -> None:
        """Sizes of the touched components, and again of those that were large."""
        names = (*keys, *(finding.identifier for finding in self._places.get(_SIZES, ())))
        parts = components(graph.nodes[key] for key in names if key in graph.nodes)
        found = (too_large(part, size, graph.limits) for part, size in parts.items())
        self._put(_SIZES, [finding for finding in found if finding is not None])
        self._note_largest(parts)
        if self.largest_component > 1 and size_of(component(graph.nodes[self._largest])) < self.largest_component:
            # The largest fell apart; only a look at all of them tells which it is now.
            self.largest_component = 0
            self._note_largest(components(graph.nodes.values()))
        self.largest_component = max(self.largest_component, min(1, len(graph.nodes)))

    def _note_largest(self, parts: Mapping[Component, int]) -> None:
        for part, size in parts.items():
            if size > self.largest_component:
                self.largest_component, self._largest = size, a_member(part).key

    def _put(self, place: str, findings: list[Finding]) -> None:
        """Replace what was found in a place."""
        self._clear(place)
        for finding in findings:
            self.found[finding.key] = finding
            self.kinds[finding.kind] += 1
            self._moved[finding.key] = None
        if findings:
            self._places[place] = findings

    def _clear(self, place: str) -> None:
        for finding in self._places.pop(place, ()):
            del self.found[finding.key]
            self.kinds[finding.kind] -= 1
            self._moved[finding.key] = None

    def _take_news(self) -> Iterator[News]:
        moved, self._moved = self._moved, {}
        for key in sorted(moved):
            finding = self.found.get(key)
            if (finding is None) == (key not in self._told):
                continue
            if finding is None:
                self._told.remove(key)
            else:
                self._told.add(key)
            self._unwritten[key] = None
            yield News(key, finding)
