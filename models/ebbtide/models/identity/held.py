"""Links and names that wait for time to pass them, so that nobody hears of them before their day (see ``shard``)."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from ebbtide.schemas.base import to_ms
from ebbtide.schemas.identity import AccountName, IdentityLink

Dated = IdentityLink | AccountName
"""A record of the log that counts from its event time on."""

_LAYOUTS: dict[bytes, type[IdentityLink] | type[AccountName]] = {b"\x01": IdentityLink, b"\x02": AccountName}
_LAYOUT_OF = {contract: layout for layout, contract in _LAYOUTS.items()}


class HeldLinks:
    """Records by event time, then by offset; stored one by one under ``h`` and the offset.

    A record is removed one flush after it was taken: only when the partition's own mark says that its time has
    passed. A crash in between finds either both the record and the old mark, or the graph has it.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Dated]] = []
        self._unwritten: dict[int, Dated] = {}
        self._taken: list[int] = []
        self._done: list[int] = []

    def hold(self, offset: int, record: Dated, at_ms: int) -> None:
        """Keep a record until its time, ``at_ms``, has passed."""
        heappush(self._waiting, (at_ms, offset, record))
        self._unwritten[offset] = record

    @property
    def first_ms(self) -> int | None:
        """Time of the earliest record; None if there is none."""
        return self._waiting[0][0] if self._waiting else None

    def take(self, before_ms: int) -> Iterator[Dated]:
        """The records of before an instant, the earliest first."""
        while self._waiting and self._waiting[0][0] < before_ms:
            _, offset, record = heappop(self._waiting)
            if self._unwritten.pop(offset, None) is None:
                self._taken.append(offset)
            yield record

    def take_writes(self) -> dict[bytes, bytes | None]:
        """What to store since the last time; None deletes what was taken before the last time."""
        unwritten, self._unwritten = self._unwritten, {}
        done, self._done, self._taken = self._done, self._taken, []
        writes: dict[bytes, bytes | None] = {_key(offset): None for offset in done}
        writes.update({_key(offset): _LAYOUT_OF[type(one)] + one.to_json() for offset, one in unwritten.items()})
        return writes

    def restore(self, key: bytes, value: bytes, *, applied: int, barrier_ms: int) -> None:
        """Take in a stored record. One that the graph has by now, or that will be read again, is to be removed.

        Raises ``ValueError`` on a layout that this version does not know.
        """
        contract = _LAYOUTS.get(value[:1])
        if contract is None:
            raise ValueError(f"held record layout {value[:1]!r} is unknown; this version reads {[*_LAYOUTS]}")
        offset = int.from_bytes(key[1:], "big")
        record = contract.from_json(value[1:])
        if offset > applied or to_ms(record.occurred_at) < barrier_ms:
            self._done.append(offset)
        else:
            heappush(self._waiting, (to_ms(record.occurred_at), offset, record))


def _key(offset: int) -> bytes:
    return b"h" + offset.to_bytes(8, "big")
