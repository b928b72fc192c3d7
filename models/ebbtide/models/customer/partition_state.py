"""What a partition of ``customers`` itself must remember: how far it has read, and how far it has evaluated."""

from __future__ import annotations

import msgspec

from ebbtide.models.clock.watermark import ClockState


class Count(msgspec.Struct, array_like=True):
    """Messages of one source at an instant of its time: how many it ``told`` of, how many are ``held`` here.

    Those held in all partitions are those told, or messages were lost or counted twice.
    """

    at_ms: int
    told: int
    held: int


class PartitionState(msgspec.Struct):
    """Greatest offsets by topic, the clock, days since the epoch of grid instants, and counts by source."""

    applied: dict[str, int] = msgspec.field(default_factory=dict)
    clock: ClockState = msgspec.field(default_factory=ClockState)
    settled_day: int | None = None
    ended_day: int | None = None
    reported_day: int | None = None
    trained_day: int | None = None
    stats_day: int | None = None
    sequence: int = 0
    counts: dict[str, Count] = msgspec.field(default_factory=dict)
