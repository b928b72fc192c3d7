"""Slope: whether a module's weekly use grows or shrinks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ebbtide.models.adoption.uses import last_monday
from ebbtide.models.policy import AdoptionPolicy

_WEEK = 7


@dataclass(frozen=True, slots=True)
class Slope:
    """Change of weekly use per week by least squares, in uses and relative to the mean week."""

    per_week: float
    relative: float


def slope(weeks: Sequence[int]) -> Slope | None:
    """Slope of weekly uses, oldest first; None below three weeks, or where there was no use at all.

    Whole numbers up to one division at the end: exact, and the same everywhere.
    """
    n, total = len(weeks), sum(weeks)
    if n < 3 or total <= 0:
        return None
    # n·Σx² - (Σx)² of 0..n-1 is n²(n²-1)/12.
    numerator = 12 * (n * sum(week * count for week, count in enumerate(weeks)) - n * (n - 1) // 2 * total)
    denominator = n * n * (n * n - 1)
    return Slope(numerator / denominator, numerator * n / (denominator * total))


def slopes(
    modules: Mapping[str, Sequence[int]], first_day: int, day: int, policy: AdoptionPolicy
) -> dict[str, Slope | None]:
    """Slope of every module over the newest whole weeks since the customer's first active day, at most
    ``policy.slope_weeks``; None for all where there are fewer than ``policy.slope_min_weeks``.

    ``modules`` are weekly uses as of ``day``, oldest first. The week of the first activity is left out where it is not
    whole, so that a start in its middle is no growth.
    """
    known = (last_monday(day) - first_day) // _WEEK
    weeks = min(known, policy.slope_weeks)
    if weeks < policy.slope_min_weeks:
        return dict.fromkeys(sorted(modules))
    return {module: slope(modules[module][-weeks:]) for module in sorted(modules)}
