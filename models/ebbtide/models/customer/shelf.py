"""What a partition has heard of that holds from an instant on: models and fleet statistics, per tenant.

A grid instant is judged with the newest of an earlier instant, however early a newer one came: a partition that repeats
a week after a crash judges it as it did the first time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

from ebbtide.models.churn.scorer import ModelError, Scorer
from ebbtide.models.fleet.reader import Fleet
from ebbtide.schemas.base import DAY_MS, Contract, to_ms
from ebbtide.schemas.fleet import FleetStats
from ebbtide.schemas.learning import Model

MODEL_KEY = b"@model/"
STATS_KEY = b"@fleet/"

R = TypeVar("R", bound=Contract)
V = TypeVar("V")


class Shelf(ABC, Generic[R, V]):
    """Records ``R`` per tenant, oldest first, as what is read of them (``V``), and the table values that keep them."""

    prefix: ClassVar[bytes]

    def __init__(self) -> None:
        self._days: dict[str, list[int]] = {}
        self._values: dict[str, list[V]] = {}
        self._writes: dict[bytes, bytes | None] = {}
        self._kept_from: int | None = None

    @abstractmethod
    def _read(self, record: R) -> tuple[str, int, V]:
        """Tenant, the day from whose start on the record holds, and what is read of it."""

    @abstractmethod
    def restore(self, value: bytes) -> None:
        """Take up a stored record."""

    def add(self, record: R) -> None:
        """Take in a record. One that was heard of before changes nothing.

        Raises what reading it raises, and then stays as it was.
        """
        tenant, day = self._put(record)
        self._writes[self._key(tenant, day)] = record.to_json()

    def _put(self, record: R) -> tuple[str, int]:
        tenant, day, value = self._read(record)
        days, values = self._days.setdefault(tenant, []), self._values.setdefault(tenant, [])
        index = bisect_left(days, day)
        if index < len(days) and days[index] == day:
            values[index] = value
        else:
            days.insert(index, day)
            values.insert(index, value)
        return tenant, day

    def newest(self, tenant: str, settled_day: int) -> V | None:
        """What holds for the grid instant after ``settled_day``; None before the first."""
        index = bisect_left(self._days.get(tenant, ()), settled_day + 1)
        return self._values[tenant][index - 1] if index else None

    def take_writes(self, settled_day: int | None) -> Iterator[tuple[bytes, bytes | None]]:
        """Table values since the last time.

        A record is dropped one flush after it was needed last: until then a crash may bring its week back.
        """
        if self._kept_from is not None:
            for tenant, days in self._days.items():
                old = bisect_left(days, self._kept_from + 1) - 1
                for day in days[: max(old, 0)]:
                    self._writes[self._key(tenant, day)] = None
                if old > 0:
                    del days[:old], self._values[tenant][:old]
        self._kept_from = settled_day
        writes, self._writes = self._writes, {}
        yield from writes.items()

    def _key(self, tenant: str, day: int) -> bytes:
        return self.prefix + f"{day}/{tenant}".encode()


class ModelShelf(Shelf[Model, Scorer]):
    """Models, by the instant they were trained through."""

    prefix = MODEL_KEY

    def __init__(self, untrained: Scorer) -> None:
        super().__init__()
        self._untrained = untrained

    def _read(self, record: Model) -> tuple[str, int, Scorer]:
        in_force = record.in_force_from or record.trained_through
        day = 0 if in_force is None else to_ms(in_force) // DAY_MS
        return record.tenant, day, Scorer.from_model(record)

    def restore(self, value: bytes) -> None:
        """Take up a stored model; one for other features, by another version of Ebbtide, is of no use any more."""
        with suppress(ModelError):
            self._put(Model.from_json(value))

    def scorer(self, tenant: str, settled_day: int) -> Scorer:
        """The scorer for what comes after ``settled_day``."""
        return self.newest(tenant, settled_day) or self._untrained


class StatsShelf(Shelf[FleetStats, Fleet]):
    """Fleet statistics, by their instant."""

    prefix = STATS_KEY

    def _read(self, record: FleetStats) -> tuple[str, int, Fleet]:
        return record.tenant, to_ms(record.as_of) // DAY_MS, Fleet(record)

    def restore(self, value: bytes) -> None:
        """Take up stored statistics."""
        self._put(FleetStats.from_json(value))

    def stats(self, tenant: str, settled_day: int) -> Fleet | None:
        """The statistics for what comes after ``settled_day``; None before the first."""
        return self.newest(tenant, settled_day)
