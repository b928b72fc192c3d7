"""Sums from which mean and variance follow: whole numbers, so that parts add up in any order to the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, sum and sum of squares of whole numbers."""

    n: int = 0
    total: int = 0
    squares: int = 0

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.n + other.n, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Mean of at least one number."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Sample variance of at least two numbers."""
        return (self.n * self.squares - self.total * self.total) / (self.n * (self.n - 1))


def moments(value: int) -> Moments:
    """The moments of one number."""
    return Moments(1, value, value * value)


NONE = Moments()
