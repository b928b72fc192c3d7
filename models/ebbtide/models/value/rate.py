"""A share of so many, with its interval, and how it stands to a line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ebbtide.models.churn.quality import wilson


class Verdict(StrEnum):
    """A number against its line: the interval lies above it, below it, holds it, or there is too little to tell."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNSURE = "unsure"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of ``n`` with its 95 % Wilson interval; None where ``n`` is 0."""

    share: float | None
    n: int
    low: float
    high: float


def rate(successes: int, trials: int) -> Rate:
    """``successes`` of ``trials``. Raises ValueError for impossible counts."""
    if not 0 <= successes <= trials:
        raise ValueError(f"a rate needs 0 <= successes <= trials, not {successes} of {trials}")
    return Rate(successes / trials if trials else None, trials, *wilson(successes, trials))


def verdict(found: Rate, line: float, min_n: int) -> Verdict:
    """A rate against a line, by its interval."""
    if found.n < min_n:
        return Verdict.TOO_FEW
    if found.low >= line:
        return Verdict.HEALTHY
    return Verdict.UNHEALTHY if found.high < line else Verdict.UNSURE
