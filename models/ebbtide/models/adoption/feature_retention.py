"""Feature retention: used in week w and again in week w+1 [SA]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Retention:
    """Weeks with use that had a week after them, and those of them after which use went on. Counts add up."""

    used: int
    again: int

    @property
    def share(self) -> float | None:
        """Share of weeks after which use went on; None where there was none."""
        return self.again / self.used if self.used else None


def retention(weeks: Sequence[int]) -> Retention:
    """Retention of one module from its uses by whole week, oldest first. The newest week has no week after it yet."""
    pairs = [later > 0 for week, later in pairwise(weeks) if week > 0]
    return Retention(len(pairs), sum(pairs))


def retentions(modules: Mapping[str, Sequence[int]]) -> dict[str, Retention]:
    """Retention of every module that was used before the newest week, by name."""
    found = ((module, retention(modules[module])) for module in sorted(modules))
    return {module: one for module, one in found if one.used}


def overall(parts: Iterable[Retention]) -> Retention:
    """All modules, or one module of many customers, together."""
    used = again = 0
    for part in parts:
        used += part.used
        again += part.again
    return Retention(used, again)
