"""Who is in which account, and when, and who has an address at which domain.

People, addresses and domains go by their identifier keys, accounts by their group ids. The last day on which somebody
was seen, as far as it was told, is kept too; it is not the last there was (``renames``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set

import msgspec

from ebbtide.models.identity.membership import Membership, union

LAYOUT = b"\x02"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[dict[str, Membership], dict[str, int], str | None]).decode
_NOBODY: frozenset[str] = frozenset()

Groups = dict[str, Membership]
"""By group id."""


class Members:
    """Memberships of one tenant. ``in_several`` are the people with more than one group id."""

    def __init__(self) -> None:
        self._groups: dict[str, Groups] = {}
        self._last: dict[str, dict[str, int]] = {}
        self._people: dict[str, set[str]] = defaultdict(set)
        self._domains: dict[str, str] = {}
        self._addresses: dict[str, set[str]] = defaultdict(set)
        self._unwritten: dict[str, None] = {}
        self.in_several: dict[str, None] = {}

    def add(self, person: str, group: str, told: Membership) -> None:
        """Note what was told of the person in the group."""
        groups = self._groups.setdefault(person, {})
        known = groups.get(group)
        new = union(known, told)
        if new != known:
            groups[group] = new
            self._people[group].add(person)
            self._unwritten[person] = None
            if len(groups) > 1:
                self.in_several[person] = None
        last = max(_seen_on(told), _seen_on(known))
        # Most are heard of once: then the first day is the last, and nothing more is kept.
        if last > self._last_day(person, group):
            self._last.setdefault(person, {})[group] = last
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

    def known_groups(self) -> Iterable[str]:
        """All group ids that anybody was seen in."""
        return self._people

    def groups(self, people: Iterable[str]) -> Groups:
        """The groups of some identifiers taken together, sorted."""
        found: Groups = {}
        for person in people:
            for group, membership in self._groups.get(person, {}).items():
                found[group] = union(found.get(group), membership)
        return dict(sorted(found.items())) if len(found) > 1 else found

    def first_day(self, person: str, group: str) -> int:
        """First day of one of the group's people. Raises ``KeyError`` for others."""
        return self._groups[person][group].first

    def seen(self, person: str) -> Iterator[tuple[str, int, int]]:
        """Group id, first day and last known day of each of a person's groups."""
        for group, membership in self._groups[person].items():
            yield group, membership.first, self._last_day(person, group)

    def take_writes(self) -> Iterator[tuple[bytes, bytes]]:
        """What to store since the last time, by person."""
        unwritten, self._unwritten = self._unwritten, {}
        for person in unwritten:
            groups, last = self._groups.get(person, {}), self._last.get(person, {})
            yield person.encode(), LAYOUT + _pack((groups, last, self._domains.get(person)))

    def restore(self, key: bytes, value: bytes) -> None:
        """Take in a stored record. Raises ``ValueError`` on a layout that this version does not know."""
        if value[:1] != LAYOUT:
            raise ValueError(f"membership layout {value[:1]!r} of {key!r} is unknown; this version reads {LAYOUT!r}")
        person = key.decode()
        groups, last, domain = _unpack(value[1:])
        if groups:
            self._groups[person] = groups
        if last:
            self._last[person] = last
        for group in groups:
            self._people[group].add(person)
        if len(groups) > 1:
            self.in_several[person] = None
        if domain is not None:
            self._domains[person] = domain
            self._addresses[domain].add(person)

    def _last_day(self, person: str, group: str) -> int:
        first = self._groups[person][group].first
        last = self._last.get(person)
        return first if last is None else last.get(group, first)


def _seen_on(known: Membership | None) -> int:
    """The first day, unless it is known from a fact alone that tells of leaving or being back; then 0."""
    if known is None or known.first in known.left or known.first in known.back:
        return 0
    return known.first
