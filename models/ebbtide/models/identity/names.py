"""The names that accounts bear, to be compared with group ids (identity §6). A name identifies nobody and joins nobody.

Names are compared without surrounding space and without case. Of an account the earliest ``MOST_NAMES`` are kept: which
these are follows from the set of what was told, whatever the order, and whatever was forgotten on the way.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence

import msgspec

LAYOUT = b"\x01"
MOST_NAMES = 32
"""Who has more sends something else as the name."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(dict[str, int]).decode

Names = dict[str, int]
"""Names of one account, folded, each with the event time at which it was first borne, epoch milliseconds."""


def folded(name: str) -> str:
    """The name as it is compared."""
    return name.strip().casefold()


def note_name(names: Names, name: str, at_ms: int) -> bool:
    """Note a folded name. Returns whether it is news: a name, or an earlier time, among the earliest ``MOST_NAMES``."""
    known = names.get(name)
    if known is not None and known <= at_ms:
        return False
    names[name] = at_ms
    if len(names) <= MOST_NAMES:
        return True
    last = max(names, key=lambda one: (names[one], one))
    del names[last]
    return last != name


class AccountNames:
    """Who bears which name, of one tenant. Accounts go by the identifier keys that the names were told of."""

    def __init__(self) -> None:
        self._of: dict[str, Names] = {}
        self._bearers: dict[str, list[tuple[int, str]]] = {}
        self._unwritten: dict[str, None] = {}

    def add(self, account: str, name: str, at_ms: int) -> None:
        """Note that an account bore a name."""
        names = self._of.setdefault(account, {})
        before = dict(names)
        if note_name(names, folded(name), at_ms):
            self._index(account, before, names)
            self._unwritten[account] = None

    def accounts(self) -> Iterable[str]:
        """Keys of all that bear a name."""
        return self._of

    def of(self, account: str) -> Iterable[str]:
        """The folded names of an account."""
        return self._of.get(account, ())

    def bearers(self, name: str) -> Sequence[tuple[int, str]]:
        """Who bears a name, given as it is spelt: since when, epoch milliseconds, and the account's key; in order."""
        return self._bearers.get(folded(name), ())

    def take_writes(self) -> Iterator[tuple[bytes, bytes]]:
        """What to store since the last time, by account."""
        unwritten, self._unwritten = self._unwritten, {}
        for account in unwritten:
            yield account.encode(), LAYOUT + _pack(self._of[account])

    def restore(self, key: bytes, value: bytes) -> None:
        """Take in a stored record. Raises ``ValueError`` on a layout that this version does not know."""
        if value[:1] != LAYOUT:
            raise ValueError(f"layout {value[:1]!r} of the names of {key!r} is unknown; this version reads {LAYOUT!r}")
        account = key.decode()
        names = self._of[account] = _unpack(value[1:])
        self._index(account, {}, names)

    def _index(self, account: str, before: Names, names: Names) -> None:
        for name, at_ms in before.items() - names.items():
            bearers = self._bearers[name]
            del bearers[bisect_left(bearers, (at_ms, account))]
            if not bearers:
                del self._bearers[name]
        for name, at_ms in names.items() - before.items():
            insort(self._bearers.setdefault(name, []), (at_ms, account))
