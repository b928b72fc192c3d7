"""Who is in which account: people by their identifier keys, accounts by their group ids, since which day.

The smallest day that was heard of holds, so that the order of arrival cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

import msgspec

LAYOUT = b"\x01"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[str, int]).decode
_NOBODY: frozenset[str] = frozenset()

Groups = dict[str, int]
"""First day by group id; days count since 1970-01-01."""


class Members:
    """Memberships of one tenant."""

    def __init__(self) -> None:
        self._groups: dict[str, Groups] = {}
        self._people: dict[str, set[str]] = defaultdict(set)
        self._unwritten: dict[str, None] = {}

    def add(self, person: str, group: str, day: int) -> None:
        """Note that the person was seen in the group on a day."""
        groups = self._groups.setdefault(person, {})
        known = groups.get(group)
        if known is None or day < known:
            groups[group] = day
            self._people[group].add(person)
            self._unwritten[person] = None

    def people(self, group: str) -> Set[str]:
        """Keys of the group's people."""
        return self._people.get(group, _NOBODY)

    def groups(self, people: Iterable[str]) -> Groups:
        """The groups of some identifiers taken together, sorted."""
        first: Groups = {}
        for person in people:
            for group, day in self._groups.get(person, {}).items():
                first[group] = min(day, first.get(group, day))
        return dict(sorted(first.items()))

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
