"""What a demo plays: how large a book, how fast, for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.config import BookConfig

MONDAY = 0


@dataclass(frozen=True)
class Plan:
    """``speed`` is in simulated days per second and counts after the warm-up, which goes as fast as the worker does.

    ``duration`` is in seconds of feeding; None feeds to the end of the book and then waits.
    """

    customers: int = 100
    speed: float = 1.0
    duration: float | None = None
    seed: int = 7
    # Silence of 14 days is the outcome that two or three months can teach: renewals are a year apart. The first model
    # comes after four weeks: one to the first observation, two for its outcome, and the next grid instant.
    label_kind: str = "inactivity"
    horizon_days: int = 14
    warm_up_days: int = 35
    book_days: int = 210

    def book(self, now: datetime) -> BookConfig:
        """The seeded book. It starts on a Monday and ends before ``now``, so that its clock is never in the future."""
        days = self.book_days
        if self.duration is not None:
            days = min(days, self.warm_up_days + int(self.duration * self.speed) + 14)
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        first = midnight - timedelta(days=days + 1)
        first -= timedelta(days=(first.weekday() - MONDAY) % 7)
        return BookConfig(customers=self.customers, seed=self.seed, days=days, start=first)

    def warm_until_ms(self, book: BookConfig) -> int:
        """Event time at which the pace begins, epoch milliseconds."""
        return book.start_ms + self.warm_up_days * DAY_MS
