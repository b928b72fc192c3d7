"""Who is in which account, and when, and who has an address at which domain.

People, addresses and domains go by their identifier keys, accounts by their group ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

import msgspec

from ebbtide.models.identity.membership import Membership, union

LAYOUT = b"\x01"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[dict[str, Membership], str | None]).decode
_NOBODY: frozenset[str] = frozenset()

Groups = dict[str, Membership]
"""By group id."""


class Members:
    """Memberships of one tenant."""

    def __init__(self) -> None:
        self._groups: dict[str, Groups] = {}
        self._people: dict[str, set[str]] = defaultdict(set)
        self._domains: dict[str, str] = {}
        self._addresses: dict[str, set[str]] = defaultdict(set)
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

    def add_address(self, mail: str, domain: str) -> None:
        """Note that somebody has an address at a domain."""
        if mail not in self._domains:
            self._domains[mail] = domain
            self._addresses[domain].add(mail)
            self._unwritten[mail] = None

    def addresses(self, domain: str) -> Set[str]:
        """Keys of the e-mails at a domain."""
        return self._addresses.get(domain, _NOBODY)

    def domains(self, people: Iterable[str]) -> set[str]:
        """Keys of the domains at which some identifiers are addresses."""
        return {self._domains[person] for person in people if person in self._domains}

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
            yield person.encode(), LAYOUT + _pack((self._groups.get(person, {}), self._domains.get(person)))

    def restore(self, key: bytes, value: bytes) -> None:
        """Take in a stored record. Raises ``ValueError`` on a layout that this version does not know."""
        if value[:1] != LAYOUT:
            raise ValueError(f"membership layout {value[:1]!r} of {key!r} is unknown; this version reads {LAYOUT!r}")
        person = key.decode()
        groups, domain = _unpack(value[1:])
        if groups:
            self._groups[person] = groups
        for group in groups:
            self._people[group].add(person)
        if domain is not None:
            self._domains[person] = domain
            self._addresses[domain].add(person)
