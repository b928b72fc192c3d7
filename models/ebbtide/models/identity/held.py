"""Links that wait for time to pass them, so that nobody hears of them before their day (see ``shard``)."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from ebbtide.schemas.base import to_ms
from ebbtide.schemas.identity import IdentityLink

LAYOUT = b"\x01"


class HeldLinks:
    """Links by event time, then by offset; stored one by one under ``h`` and the offset.

    A record is removed one flush after its link was taken: only when the partition's own mark says that its time has
    passed. A crash in between finds either both the record and the old mark, or the link in the graph.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, IdentityLink]] = []
        self._unwritten: dict[int, IdentityLink] = {}
        self._taken: list[int] = []
        self._done: list[int] = []

    def hold(self, offset: int, link: IdentityLink) -> None:
        """Keep a link until its time has passed."""
        heappush(self._waiting, (to_ms(link.occurred_at), offset, link))
        self._unwritten[offset] = link

    @property
    def first_ms(self) -> int | None:
        """Time of the earliest link; None if there is none."""
        return self._waiting[0][0] if self._waiting else None

    def take(self, before_ms: int) -> Iterator[IdentityLink]:
        """The links of before an instant, the earliest first."""
        while self._waiting and self._waiting[0][0] < before_ms:
            _, offset, link = heappop(self._waiting)
            if self._unwritten.pop(offset, None) is None:
                self._taken.append(offset)
            yield link

    def take_writes(self) -> dict[bytes, bytes | None]:
        """What to store since the last time; None deletes what was taken before the last time."""
        unwritten, self._unwritten = self._unwritten, {}
        done, self._done, self._taken = self._done, self._taken, []
        writes: dict[bytes, bytes | None] = {_key(offset): None for offset in done}
        writes.update({_key(offset): LAYOUT + link.to_json() for offset, link in unwritten.items()})
        return writes

    def restore(self, key: bytes, value: bytes, *, applied: int, barrier_ms: int) -> None:
        """Take in a stored record. One that the graph has by now, or that will be read again, is to be removed.

        Raises ``ValueError`` on a layout that this version does not know.
        """
        if value[:1] != LAYOUT:
            raise ValueError(f"held link layout {value[:1]!r} is unknown; this version reads {LAYOUT!r}")
        offset = int.from_bytes(key[1:], "big")
        link = IdentityLink.from_json(value[1:])
        if offset > applied or to_ms(link.occurred_at) < barrier_ms:
            self._done.append(offset)
        else:
            heappush(self._waiting, (to_ms(link.occurred_at), offset, link))


def _key(offset: int) -> bytes:
    return b"h" + offset.to_bytes(8, "big")
