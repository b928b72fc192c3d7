"""How times spread: percentiles of what was measured, none of it averaged away."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import ceil

SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999}


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of times, milliseconds, by nearest rank: each is a time that was measured.

    Of fewer than 1,000 times the last but the maximum says what the maximum says.
    """

    count: int
    p50: float
    p90: float
    p99: float
    p99_9: float
    max: float

    @classmethod
    def of(cls, times: Collection[float]) -> Spread | None:
        """The spread of some times; None of none."""
        if not times:
            return None
        ordered = sorted(times)
        return cls(
            len(ordered), **{name: nearest_rank(ordered, share) for name, share in SHARES.items()}, max=ordered[-1]
        )

    def as_dict(self) -> dict[str, float]:
        """For JSON: names with their unit."""
        return {
            "count": self.count,
            **{f"{name}_ms": round(getattr(self, name), 1) for name in (*SHARES, "max")},
        }


def nearest_rank(ordered: list[float], share: float) -> float:
    """The least of the ordered times that at least ``share`` of them do not exceed; ``share`` in (0, 1]."""
    # A product that ought to be whole may come out a little above it.
    return ordered[max(1, ceil(round(share * len(ordered), 6))) - 1]
