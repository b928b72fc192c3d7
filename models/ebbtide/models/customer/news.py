"""What a customer heard since its table value was written whole.

To pack a customer takes long, and one event moves little of it. So while a day runs only what was heard is written,
under a key of its own beside the value: records of ``profile-states`` as they came, and what does not go by columns.
Whoever reads both folds the records into the value once more. What was decided at a grid instant is always written
whole, and so is what has much news: news is short, and is gone a day later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

import msgspec

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.packed import PLAIN, encode, pack_plain, unpack_plain
from ebbtide.models.customer.view import View, fold
from ebbtide.schemas.profile_state import ProfileState

NEWS_KEY = b"@news/"
_Scope = frozenset[tuple[int, int | str]]
_LAYOUT = b"\x01"
_MOST_BYTES = 2_048
"""With more news a value is written whole: its records would be written again with each that comes."""


def news_key(customer_id: str) -> bytes:
    """The table's key of a customer's news."""
    return NEWS_KEY + customer_id.encode()


def catch_up(customer: Customer, view: View, value: bytes, news: bytes) -> list[ProfileState]:
    """Take in the news of a customer that was read from ``value``; returns its records, none where it is not of it.

    Raises ``ValueError`` on a layout this version does not know.
    """
    if news[:1] != _LAYOUT:
        raise ValueError(f"layout {news[:1]!r} of a customer's news is unknown; this version reads {_LAYOUT[0]}")
    base, plain, records = msgspec.msgpack.decode(news[1:])
    if base != crc32(value):
        # A crash came between a value and the end of the news before it.
        return []
    found = [ProfileState.from_json(record) for record in records]
    for record in found:
        fold(customer, view, record)
    told = unpack_plain(plain)
    for name in PLAIN:
        setattr(customer, name, getattr(told, name))
    return found


class _Since:
    """Records since a value was written, and the value's checksum.

    Values in records are absolute: of a profile one that tells all of what the one before told takes its place.
    """

    __slots__ = ("_newest", "base", "bytes", "records")

    def __init__(self, value: bytes) -> None:
        self.base = crc32(value)
        self.records: list[bytes] = []
        self.bytes = 0
        self._newest: dict[str, tuple[int, _Scope | None]] = {}

    def add(self, record: ProfileState) -> None:
        """The next record of the customer that is news to it."""
        place, told = self._newest.get(record.profile_id, (-1, None))
        scope, said = _scope(record), record.to_json()
        self.bytes += len(said)
        if told is not None and scope is not None and told <= scope:
            self.bytes -= len(self.records[place])
            self.records[place] = said
        else:
            place = len(self.records)
            self.records.append(said)
        self._newest[record.profile_id] = place, scope


def _scope(record: ProfileState) -> _Scope | None:
    """What a record tells of: the keys of its values. None of one that also takes others away."""
    if record.full or record.detached:
        return None
    parts: tuple[Iterable[int | str], ...] = record.days, record.uses, record.sources, record.traits, record.outcomes
    return frozenset((number, key) for number, part in enumerate(parts) for key in part)


class News:
    """By customer the records since its value was written whole. Who is not here is to be written whole."""

    def __init__(self) -> None:
        self._since: dict[str, _Since] = {}
        self._stored: set[str] = set()

    def restore(self, customer: Customer, view: View, value: bytes, news: bytes | None) -> bool:
        """A customer as its table value says, and its news if there is any. Returns whether there was."""
        since = self._since[customer.customer_id] = _Since(value)
        if news is None:
            return False
        self._stored.add(customer.customer_id)
        found = catch_up(customer, view, value, news)
        for record in found:
            since.add(record)
        return bool(found)

    def hear(self, record: ProfileState) -> None:
        """A record that is news is about to be folded."""
        since = self._since.get(record.customer_id)
        if since is not None:
            since.add(record)

    def close(self, customer_id: str) -> None:
        """More than a record moved the customer: its value is to be written whole."""
        self._since.pop(customer_id, None)

    def is_short(self, customer_id: str) -> bool:
        """Whether the customer's news will be written, and not its whole value."""
        since = self._since.get(customer_id)
        return since is not None and since.bytes <= _MOST_BYTES

    def writes(self, customer: Customer) -> Iterator[tuple[bytes, bytes | None]]:
        """Table values of a customer that changed."""
        customer_id = customer.customer_id
        if self.is_short(customer_id):
            since = self._since[customer_id]
            news = msgspec.msgpack.encode([since.base, pack_plain(customer), since.records])
            self._stored.add(customer_id)
            yield news_key(customer_id), _LAYOUT + news
            return
        value = encode(customer)
        self._since[customer_id] = _Since(value)
        # First the value: a crash may come between.
        yield customer_id.encode(), value
        if customer_id in self._stored:
            self._stored.remove(customer_id)
            yield news_key(customer_id), None
