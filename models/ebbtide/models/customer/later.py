"""Profile states that a customer's past must not see yet (identity §2).

Who owns a profile as of a grid instant rests on the evidence before it. A partition that is read fast may hand over a
profile by evidence of a week that others have not come to: what it says waits here for that week.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from ebbtide.schemas.profile_state import ProfileState

LATER_KEY = b"@later/"


class Later:
    """Records by the instant they hold from, in the order of their offsets, and the table values that keep them.

    ``applied`` is the last offset that counts as read: a stored record beyond it will be read again.
    """

    def __init__(self, stored: Iterable[tuple[bytes, bytes]], applied: int) -> None:
        self._heap: list[tuple[int, int]] = []
        self._records: dict[int, ProfileState] = {}
        self._writes: dict[bytes, bytes | None] = {}
        for key, value in stored:
            offset = int.from_bytes(key[len(LATER_KEY) :], "big")
            if offset <= applied:
                self._push(offset, ProfileState.from_json(value))

    @property
    def records(self) -> Iterable[ProfileState]:
        """What waits, in no order."""
        return self._records.values()

    def put(self, offset: int, record: ProfileState) -> None:
        """Keep a record of an offset."""
        self._push(offset, record)
        self._writes[_key(offset)] = record.to_json()

    def _push(self, offset: int, record: ProfileState) -> None:
        self._records[offset] = record
        heapq.heappush(self._heap, (record.effective_ms, offset))

    def take(self, at_ms: int) -> Iterator[ProfileState]:
        """Records that hold by ``at_ms``, in the order of their instants, then of offsets."""
        while self._heap and self._heap[0][0] <= at_ms:
            _, offset = heapq.heappop(self._heap)
            self._writes[_key(offset)] = None
            yield self._records.pop(offset)

    def take_writes(self) -> dict[bytes, bytes | None]:
        """Table values since the last time."""
        writes, self._writes = self._writes, {}
        return writes


def _key(offset: int) -> bytes:
    return LATER_KEY + offset.to_bytes(8, "big")
