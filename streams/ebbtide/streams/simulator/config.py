"""What the simulated customer book looks like: its size, its length, its troubles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from ebbtide.schemas.base import DAY_MS

HOUR_MS = 3_600_000
MINUTE_MS = 60_000

MOST_CUSTOMERS = 100_000
MOST_DAYS = 3_650


@dataclass(frozen=True)
class BookConfig:
    """Settings of one seeded book. Equal settings give byte-identical output.

    ``customers`` counts the accounts under contract on the first day; leads that convert come on top.
    ``intensity`` scales product use; 1.0 is about 10 events per account and day.
    Shares are fractions of product events, ``leads_per_month`` a fraction of ``customers``.

    Raises ``ValueError`` naming the setting that is out of range.
    """

    customers: int = 200
    seed: int = 1
    days: int = 180
    start: datetime = datetime(2025, 1, 6, tzinfo=UTC)
    tenant: str = "default"
    intensity: float = 1.0
    churn_scale: float = 1.0
    # Sensors' customer-success method: behaviour explains 81 % of churn, the rest shows no sign.
    causeless_share: float = 0.19
    leads_per_month: float = 0.03
    duplicate_share: float = 0.015
    late_share: float = 0.02
    very_late_share: float = 0.001
    very_late_hours: float = 48.0
    clock_skew_share: float = 0.1
    heartbeat_hours: int = 6
    outages: bool = True
    holidays: bool = True

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "customers": (1, MOST_CUSTOMERS),
            "seed": (0, 2**63),
            "days": (1, MOST_DAYS),
            "intensity": (0.02, 50.0),
            "churn_scale": (0.0, 10.0),
            "causeless_share": (0.0, 1.0),
            "leads_per_month": (0.0, 1.0),
            "duplicate_share": (0.0, 0.5),
            "late_share": (0.0, 0.5),
            "very_late_share": (0.0, 0.5),
            "very_late_hours": (1.0, 720.0),
            "clock_skew_share": (0.0, 1.0),
            "heartbeat_hours": (1, 24),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be between {low:g} and {high:g}, got {value!r}")
        if self.start.tzinfo is None:
            raise ValueError("start needs a time zone, for example datetime(2025, 1, 6, tzinfo=UTC)")
        if not self.tenant:
            raise ValueError("tenant must not be empty")

    @property
    def first_day(self) -> datetime:
        """Midnight UTC of the first day."""
        return self.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def start_ms(self) -> int:
        """The first instant of the log, milliseconds since 1970."""
        return int(self.first_day.timestamp()) * 1000

    @property
    def end_ms(self) -> int:
        """The instant after the last event; late arrivals may come after it."""
        return self.start_ms + self.days * DAY_MS

    def at(self, day: float) -> datetime:
        """The point in time ``day`` days after the start."""
        return self.first_day + timedelta(days=day)

    @classmethod
    def sized(cls, *, events: int, customers: int, seed: int = 1, days: int = 90) -> Self:
        """A book with about ``events`` lines (within 5 %) and ``customers`` accounts under contract or converted.

        ``days`` stays; the intensity of use is solved for. Raises ``ValueError`` when no intensity gives that many.
        """
        from ebbtide.streams.simulator.sizing import solve_intensity  # noqa: PLC0415  (sizing plans a book itself)

        # 3 % of the book come in as leads a month, 37 % of them sign.
        opening = max(1, round(customers / (1 + 0.03 * 0.37 * days / 30)))
        draft = cls(customers=opening, seed=seed, days=days)
        return replace(draft, intensity=solve_intensity(draft, events))
