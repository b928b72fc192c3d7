"""Up to where a partition is done, when its records finish in any order."""

from __future__ import annotations

from collections import deque


class Watermark:
    """Offsets of one partition that were taken, and which of them are done.

    What is below `done` needs no second look, ever: it is what a consumer group may commit.
    """

    def __init__(self, first: int) -> None:
        """``first`` is the offset that is read first."""
        self._next = first
        self._taken: deque[int] = deque()
        self._finished: set[int] = set()

    def take(self, offset: int) -> None:
        """It was read. Offsets only grow, with gaps where the broker compacted."""
        if offset < self._next:
            raise ValueError(f"offset {offset} was taken before: {self._next} is next")
        self._taken.append(offset)
        self._next = offset + 1

    def finish(self, offset: int) -> None:
        """Nothing is to be done about it any more. Finishing twice is once."""
        taken, finished = self._taken, self._finished
        if not taken or offset < taken[0]:
            return
        finished.add(offset)
        while taken and taken[0] in finished:
            finished.remove(taken.popleft())

    @property
    def done(self) -> int:
        """The lowest offset that is not done."""
        return self._taken[0] if self._taken else self._next

    @property
    def open(self) -> int:
        """How many offsets are kept in memory."""
        return len(self._taken)
