"""Which offsets of one partition are delivered, acknowledged and may be committed. Pure."""

from collections import deque
from itertools import count

__all__ = ["Progress"]

_leases = count(1)


class Progress:
    """One possession of one partition.

    Spans `[start, end)` are delivered in order and without holes, acknowledged in any order, each by as many
    readers as it was delivered to. `committable` is the end of the longest acknowledged prefix, or None before the
    first acknowledgement: it never passes an offset that is not acknowledged. Faust's own tracking does (`_add_gap`
    marks the first offset after a hole, a record not yet processed, as acknowledged; a head gap of one, or any on a
    fresh group, is ignored), so it is not used.
    """

    __slots__ = ("_missing", "_spans", "committable", "committed", "end", "high_watermark", "lease", "position")

    def __init__(self, position: int | None = None, end: int = 0) -> None:
        self.lease = next(_leases)
        #: Where the next span must start; None until the first span of a group without committed offset.
        self.position = position
        #: Where the log ended when this possession began; 0 if nothing of it was left to read.
        self.end = end
        self.committable: int | None = None
        self.committed: int | None = position
        self.high_watermark: int | None = None
        self._spans: deque[tuple[int, int]] = deque()
        self._missing: dict[int, int] = {}

    @property
    def in_flight(self) -> int:
        """Spans delivered and not yet part of the acknowledged prefix."""
        return len(self._spans)

    @property
    def pending(self) -> int:
        """Offsets delivered and not yet part of the acknowledged prefix. Of a fresh group, until the first of them is
        acknowledged, all from 0 on. May be read in another thread.
        """
        return (self.position or 0) - (self.settled or 0)

    @property
    def settled(self) -> int | None:
        """Every offset below this one needs no more work."""
        return self.committable if self.committable is not None else self.committed

    @property
    def reread(self) -> bool:
        """Whether all that lay in the log when this possession began is done: whoever had it before read no more."""
        return (self.settled or 0) >= self.end

    @property
    def lag(self) -> int:
        """Records between the acknowledged prefix and the end of the log, as far as known."""
        if self.high_watermark is None:
            return 0
        return max(0, self.high_watermark - (self.settled or 0))

    def deliver(self, start: int, end: int, readers: int = 1) -> None:
        """Note that `[start, end)` went out to so many readers; none means that it held no record and is done."""
        if self.position is not None and start != self.position:
            raise ValueError(f"span {start}..{end} does not follow {self.position}")
        if end <= start:
            raise ValueError(f"span {start}..{end} is empty")
        self.position = end
        self._spans.append((start, end))
        self._missing[start] = readers
        self._settle()

    def acknowledge(self, start: int) -> bool:
        """One reader is done with the span that starts here. True when that moved `committable`."""
        missing = self._missing.get(start, 0)
        if missing < 1:
            raise ValueError(f"no span that starts at {start} waits for an acknowledgement")
        self._missing[start] = missing - 1
        return self._settle()

    def _settle(self) -> bool:
        moved = False
        while self._spans and not self._missing[self._spans[0][0]]:
            start, end = self._spans.popleft()
            del self._missing[start]
            self.committable = end
            moved = True
        return moved
