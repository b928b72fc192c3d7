"""Event time of a partition: the minimum over its sources, told in band (design §3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from ebbtide.schemas.base import to_ms
from ebbtide.schemas.profile_state import Tick


def from_ms(ms: int) -> datetime:
    """UTC time of epoch milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC)


@dataclass(slots=True)
class SourceClock:
    """What one source said last."""

    watermark_ms: int | None = None
    idle: bool = False


@dataclass(slots=True)
class PartitionClock:
    """Watermark of a partition that hears from ``expected`` sources.

    A source that was never heard of holds everything back: it may be about to deliver old events. One that said it is
    idle holds nobody back. Time never goes back.
    """

    expected: frozenset[str]
    sources: dict[str, SourceClock] = field(default_factory=dict)
    time_ms: int | None = None
    observe_ms: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        # What was remembered of a source that no longer exists must not hold time back for ever.
        self.sources = {name: source for name, source in self.sources.items() if name in self.expected}

    def tick(self, tick: Tick) -> bool:
        """Take in what a source says; tell whether time went on."""
        source = self.sources.setdefault(tick.source, SourceClock())
        source.idle = tick.idle
        if tick.watermark is not None:
            ms = to_ms(tick.watermark)
            if source.watermark_ms is None or ms > source.watermark_ms:
                source.watermark_ms = ms
            if tick.observe and ms not in self.observe_ms and (self.time_ms is None or ms > self.time_ms):
                self.observe_ms = sorted([*self.observe_ms, ms])
        time_ms = self._minimum()
        if time_ms is None or (self.time_ms is not None and time_ms <= self.time_ms):
            return False
        self.time_ms = time_ms
        return True

    def take_observations(self, through_ms: int | None = None) -> list[int]:
        """Instants at which everybody is to be observed, that time has reached and ``through_ms`` allows; each once."""
        if self.time_ms is None:
            return []
        limit = self.time_ms if through_ms is None else min(self.time_ms, through_ms)
        due = [ms for ms in self.observe_ms if ms <= limit]
        self.observe_ms = self.observe_ms[len(due) :]
        return due

    def _minimum(self) -> int | None:
        if any(name not in self.sources for name in self.expected):
            return None
        busy = [s.watermark_ms for s in self.sources.values() if not s.idle]
        if not busy:
            # Everybody is idle: time stands where the furthest of them saw it (live, that is the wall clock's pace).
            return max((s.watermark_ms for s in self.sources.values() if s.watermark_ms is not None), default=None)
        known = [ms for ms in busy if ms is not None]
        return min(known) if len(known) == len(busy) else None


class ClockState(msgspec.Struct):
    """A partition clock as a table keeps it."""

    time_ms: int | None = None
    sources: dict[str, tuple[int | None, bool]] = msgspec.field(default_factory=dict)
    observe_ms: list[int] = msgspec.field(default_factory=list)

    @classmethod
    def of(cls, clock: PartitionClock) -> ClockState:
        """What is to be remembered of a clock."""
        sources = {name: (source.watermark_ms, source.idle) for name, source in clock.sources.items()}
        return cls(clock.time_ms, sources, clock.observe_ms)

    def clock(self, expected: frozenset[str]) -> PartitionClock:
        """The clock again, hearing from ``expected`` sources."""
        sources = {name: SourceClock(ms, idle) for name, (ms, idle) in self.sources.items()}
        return PartitionClock(expected, sources, self.time_ms, self.observe_ms)


@dataclass(slots=True)
class SourceWatermark:
    """Watermark of one raw partition: greatest event time seen minus the lateness bound.

    Punctuation sets it outright: the producer knows better. While the source is silent, wall time carries it on.
    """

    lateness_ms: int
    greatest_ms: int | None = None
    watermark_ms: int | None = None
    last_arrival_ms: int = 0

    def event(self, at_ms: int, now_ms: int) -> bool:
        """Note an event; tell whether it came late, that is below the watermark."""
        self.last_arrival_ms = now_ms
        watermark_ms = self.watermark_ms
        if self.greatest_ms is None or at_ms > self.greatest_ms:
            self.greatest_ms = at_ms
            reached_ms = at_ms - self.lateness_ms
            if watermark_ms is None or reached_ms > watermark_ms:
                self.watermark_ms = reached_ms
        return watermark_ms is not None and at_ms < watermark_ms

    def punctuate(self, to_ms: int, *, now_ms: int) -> None:
        """Note that nothing older than ``to_ms`` follows."""
        self._raise(to_ms)
        self.last_arrival_ms = now_ms

    def carry(self, *, now_ms: int) -> int | None:
        """Let wall time carry the watermark on. What was told holds: it stays there when the source wakes up."""
        if self.greatest_ms is not None:
            self._raise(self.greatest_ms - self.lateness_ms + max(0, now_ms - self.last_arrival_ms))
        return self.watermark_ms

    def _raise(self, ms: int) -> None:
        if self.watermark_ms is None or ms > self.watermark_ms:
            self.watermark_ms = ms
