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
    """Records by the instant they hold from, in their order, and the table values that keep them."""

    def __init__(self, stored: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._heap: list[tuple[int, int]] = []
        self._records: dict[int, ProfileState] = {}
        self._writes: dict[bytes, bytes | None] = {}
        for key, value in stored:
            self._push(int.from_bytes(key[len(LATER_KEY) :], "big"), ProfileState.from_json(value))

    def put(self, sequence: int, record: ProfileState) -> None:
        """Keep a record. ``sequence`` grows from one to the next, and is the same when the input is repeated."""
        self._push(sequence, record)
        self._writes[_key(sequence)] = record.to_json()

    def _push(self, sequence: int, record: ProfileState) -> None:
        self._records[sequence] = record
        heapq.heappush(self._heap, (record.effective_ms, sequence))

    def take(self, at_ms: int) -> Iterator[ProfileState]:
        """Records that hold by ``at_ms``, in the order of their instants, then of arrival."""
        while self._heap and self._heap[0][0] <= at_ms:
            _, sequence = heapq.heappop(self._heap)
            self._writes[_key(sequence)] = None
            yield self._records.pop(sequence)

    def take_writes(self) -> dict[bytes, bytes | None]:
        """Table values since the last time."""
        writes, self._writes = self._writes, {}
        return writes


def _key(sequence: int) -> bytes:
    return LATER_KEY + sequence.to_bytes(8, "big")
