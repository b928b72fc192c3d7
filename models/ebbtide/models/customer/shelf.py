"""The models that a partition has heard of, by the instant they were trained through.

A grid instant is scored with the newest model that was trained through an earlier one, however early a newer model
came: a partition that repeats a week after a crash scores it as it did the first time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from ebbtide.models.churn.scorer import Scorer
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.learning import Model
from ebbtide.schemas.topics import DAY_MS

MODEL_KEY = b"@model/"


class ModelShelf:
    """Models per tenant, oldest first, and the table values that keep them."""

    def __init__(self, untrained: Scorer) -> None:
        self._untrained = untrained
        self._days: dict[str, list[int]] = {}
        self._scorers: dict[str, list[Scorer]] = {}
        self._writes: dict[bytes, bytes | None] = {}
        self._kept_from: int | None = None

    def restore(self, value: bytes) -> None:
        """Take up a stored model."""
        self._put(Model.from_json(value))

    def add(self, model: Model) -> None:
        """Take in a model. One that was heard of before changes nothing."""
        self._put(model)
        self._writes[_key(model.tenant, _day(model))] = model.to_json()

    def _put(self, model: Model) -> None:
        day = _day(model)
        days, scorers = self._days.setdefault(model.tenant, []), self._scorers.setdefault(model.tenant, [])
        index = bisect_left(days, day)
        if index < len(days) and days[index] == day:
            scorers[index] = Scorer.from_model(model)
        else:
            days.insert(index, day)
            scorers.insert(index, Scorer.from_model(model))

    def scorer(self, tenant: str, settled_day: int) -> Scorer:
        """The scorer for what comes after ``settled_day``."""
        index = bisect_left(self._days.get(tenant, ()), settled_day + 1)
        return self._scorers[tenant][index - 1] if index else self._untrained

    def take_writes(self, settled_day: int | None) -> Iterator[tuple[bytes, bytes | None]]:
        """Table values since the last time.

        A model is dropped one flush after it was needed last: until then a crash may bring its week back.
        """
        if self._kept_from is not None:
            for tenant, days in self._days.items():
                old = bisect_left(days, self._kept_from + 1) - 1
                for day in days[: max(old, 0)]:
                    self._writes[_key(tenant, day)] = None
                if old > 0:
                    del days[:old], self._scorers[tenant][:old]
        self._kept_from = settled_day
        writes, self._writes = self._writes, {}
        yield from writes.items()


def _day(model: Model) -> int:
    return 0 if model.trained_through is None else to_ms(model.trained_through) // DAY_MS


def _key(tenant: str, day: int) -> bytes:
    return MODEL_KEY + f"{day}/{tenant}".encode()
