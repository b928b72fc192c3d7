"""How long to wait for somebody who may still come: for as long as anything moves."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class Patience:
    """Over after ``limit_s`` seconds in which nothing moved."""

    limit_s: float
    last: Hashable = None
    since: float | None = None

    def is_over(self, now: float, seen: Hashable) -> bool:
        """Whether ``seen`` has been the same for longer than that. ``now`` is in seconds, of any clock."""
        if self.since is None or seen != self.last:
            self.last, self.since = seen, now
        return now - self.since > self.limit_s
