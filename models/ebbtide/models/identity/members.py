"""Who is in which account, and when: people by their identifier keys, accounts by their group ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

import msgspec

from ebbtide.models.identity.membership import Membership, union

LAYOUT = b"\x01"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[str, Membership]).decode
_NOBODY: frozenset[str] = frozenset()

Groups = dict[str, Membership]
"""By group id."""


class Members:
    """Memberships of one tenant."""

    def __init__(self) -> None:
        self._groups: dict[str, Groups] = {}
        self._people: dict[str, set[str]] = defaultdict(set)
        self._unwritten: dict[str, None] = {}

    def add(self, person: str, group: str, told: Membership) -> None:
        """Note what was told of the person in the group."""
        groups = self._groups.setdefault(person, {})
        known = groups.get(group)
        new = union(known, told)
        if new != known:
            groups[group] = new
            self._people[group].add(person)
            self._unwritten[person] = None

    def people(self, group: str) -> Set[str]:
        """Keys of the group's people."""
        return self._people.get(group, _NOBODY)

    def groups(self, people: Iterable[str]) -> Groups:
        """The groups of some identifiers taken together, sorted."""
        found: Groups = {}
        for person in people:
            for group, membership in self._groups.get(person, {}).items():
                found[group] = union(found.get(group), membership)
        return dict(sorted(found.items()))

    def take_writes(self) -> Iterator[tuple[bytes, bytes]]:
        """What to store since the last time, by person."""
        unwritten, self._unwritten = self._unwritten, {}
        for person in unwritten:
            yield person.encode(), LAYOUT + _pack(self._groups[person])

    def restore(self, key: bytes, value: bytes) -> None:
        """Take in a stored record. Raises ``ValueError`` on a layout that this version does not know."""
        if value[:1] != LAYOUT:
            raise ValueError(f"membership layout {value[:1]!r} of {key!r} is unknown; this version reads {LAYOUT!r}")
        person = key.decode()
        self._groups[person] = groups = _unpack(value[1:])
        for group in groups:
            self._people[group].add(person)
