"""Quantiles of many values in little space, the same in whatever order and parts they come (decision 10).

DDSketch (Masson et al., VLDB 2019, package ``ddsketch``): bins whose bounds grow by a constant factor. No bin is ever
collapsed, so counts add up exactly; what bounds the number of bins is the range of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from math import isnan

from ddsketch.mapping import LogarithmicMapping
from ddsketch.store import DenseStore

from ebbtide.schemas.fleet import SketchCounts

LEAST, GREATEST = 1e-6, 1e15
"""Magnitudes that are told apart: what is nearer to 0 is 0, what is greater is the greatest. 21 decades are 2,418 bins
at an accuracy of 1 %."""

_mapping = cache(LogarithmicMapping)


class Sketch:
    """Counts of values by bin, with a relative error of at most ``accuracy`` for every value read from it."""

    __slots__ = ("_mapping", "_negative", "_positive", "_zeros", "accuracy")

    def __init__(self, accuracy: float) -> None:
        self.accuracy = accuracy
        self._mapping = _mapping(accuracy)
        self._positive, self._negative = DenseStore(), DenseStore()
        self._zeros = 0

    @property
    def count(self) -> int:
        """Number of values."""
        return int(self._positive.count) + int(self._negative.count) + self._zeros

    def add(self, value: float, times: int = 1) -> None:
        """Count a value. Raises ``ValueError`` for not-a-number."""
        if isnan(value):
            raise ValueError("a sketch cannot hold not-a-number")
        size = min(abs(value), GREATEST)
        if size < LEAST:
            self._zeros += times
        else:
            (self._positive if value > 0 else self._negative).add(self._mapping.key(size), times)

    def merge(self, counts: SketchCounts) -> None:
        """Count what another sketch counted. One of another accuracy is binned anew: its errors add up."""
        self._zeros += counts.zeros
        if counts.accuracy == self.accuracy:
            for store, bins in ((self._positive, counts.positive), (self._negative, counts.negative)):
                for key, times in bins.items():
                    store.add(key, times)
            return
        foreign = _mapping(counts.accuracy)
        for sign, bins in ((1, counts.positive), (-1, counts.negative)):
            for key, times in bins.items():
                self.add(sign * foreign.value(key), times)

    def counts(self) -> SketchCounts:
        """As numbers for the wire, bins in the order of their keys."""
        return SketchCounts.unchecked(
            accuracy=self.accuracy,
            zeros=self._zeros,
            positive=dict(_filled(self._positive)),
            negative=dict(_filled(self._negative)),
        )

    def quantiles(self, shares: Iterable[float]) -> list[float]:
        """The values at some shares, ascending, of all values; in one pass. Raises ``IndexError`` on an empty sketch.

        The value at share ``q`` of ``n`` values is that of rank ``floor(q * (n - 1))``, counted from 0 upwards.
        """
        found: list[float] = []
        bins, below, value = iter(self._ascending()), 0, 0.0
        last = self.count - 1
        if last < 0:
            raise IndexError("an empty sketch has no quantiles")
        for share in shares:
            rank = share * last
            while below <= rank:
                value, times = next(bins)
                below += times
            found.append(value)
        return found

    def value_reaching(self, share: float) -> float | None:
        """The value such that all values from it on make at least ``share`` of the sum of the positive ones.

        None where no value is positive.
        """
        bins = [(self._mapping.value(key), times) for key, times in _filled(self._positive)]
        total = sum(value * times for value, times in bins)
        wanted, reached = share * total, 0.0
        for value, times in reversed(bins):
            reached += value * times
            if reached >= wanted:
                return value
        # Rounding may leave the sum of all just short of itself.
        return bins[0][0] if bins else None

    def _ascending(self) -> list[tuple[float, int]]:
        """All values with their counts."""
        below = [(-self._mapping.value(key), times) for key, times in _filled(self._negative)]
        zero = [(0.0, self._zeros)] if self._zeros else []
        return below[::-1] + zero + [(self._mapping.value(key), times) for key, times in _filled(self._positive)]


@lru_cache(maxsize=65_536)
def snap(value: float, accuracy: float) -> float:
    """The value that a sketch gives for ``value``: what is equal is then equal to its own quantile too."""
    size = min(abs(value), GREATEST)
    if size < LEAST:
        return 0.0
    mapping = _mapping(accuracy)
    told: float = mapping.value(mapping.key(size))
    return told if value > 0 else -told


def _filled(store: DenseStore) -> Iterator[tuple[int, int]]:
    offset = store.offset
    return ((index + offset, int(times)) for index, times in enumerate(store.bins) if times)
