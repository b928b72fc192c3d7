"""How many events a key may send: a token bucket whose last request may take more than is there."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Rate:
    """So many events a second over time, and those of ``burst_seconds`` at once."""

    events_per_second: float
    burst_seconds: float


@dataclass(slots=True)
class Bucket:
    """What a key has left, as of a time in seconds."""

    left: float
    at: float


def taken(rate: Rate, bucket: Bucket | None, events: int, *, now: float) -> tuple[Bucket, int]:
    """The bucket after so many events at ``now``, and for how many whole seconds the client must wait; 0: taken.

    While anything is left the request is taken whole, and what it takes too much is waited for by the next one: so a
    batch larger than the burst gets through as well.
    """
    most = rate.events_per_second * rate.burst_seconds
    left = most if bucket is None else min(most, bucket.left + (now - bucket.at) * rate.events_per_second)
    if left <= 0:
        return Bucket(left, now), max(1, ceil(-left / rate.events_per_second))
    return Bucket(left - events, now), 0
