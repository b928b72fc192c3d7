"""How many records are due: an even pace that does not wait for anybody."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Pace:
    """``rate`` records a second from ``begins`` on, at most ``most`` of them. Times are seconds since the start.

    What a late caller missed is due at once: a load that slowed down with whom it is to test would hide the queue.
    """

    rate: float
    begins: float = 0.0
    most: int | None = None
    taken: int = 0

    def take(self, elapsed: float) -> range:
        """Numbers of the records that came due since the last time. The first is due half a gap after the start."""
        due = max(self.taken, int(self.rate * (elapsed - self.begins) + 0.5))
        if self.most is not None:
            due = min(due, self.most)
        numbers = range(self.taken, due)
        self.taken = due
        return numbers

    @property
    def is_over(self) -> bool:
        """Whether all have been due."""
        return self.most is not None and self.taken >= self.most
