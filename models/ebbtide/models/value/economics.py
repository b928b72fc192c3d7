"""Unit economics: lifetime, LTV, CAC and their ratio [FX]."""

from __future__ import annotations

from dataclasses import dataclass
from math import isclose

from ebbtide.models.policy import EconomicsPolicy
from ebbtide.models.value.rate import Rate


def lifetime(renewal: float, policy: EconomicsPolicy) -> float:
    """Expected periods until a customer leaves: 1 / (1 - r); r = 0.70 gives 3.33.

    At most ``policy.max_lifetime``, which is also what r = 1 gives: nobody left yet is not nobody ever will. Raises
    ValueError for what is no share.
    """
    if not 0.0 <= renewal <= 1.0:
        raise ValueError(f"a renewal rate lies between 0 and 1, not at {renewal}")
    left = 1.0 - renewal
    return min(policy.max_lifetime, 1.0 / left) if left > 0 else policy.max_lifetime


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Lifetime in periods with the interval that follows from the renewal rate's."""

    periods: float
    low: float
    high: float


def segment_lifetime(renewal: Rate, policy: EconomicsPolicy) -> Lifetime | None:
    """Lifetime of a segment's customers; None where its renewals are fewer than ``policy.min_renewals``."""
    if renewal.share is None or renewal.n < policy.min_renewals:
        return None
    return Lifetime(*(lifetime(r, policy) for r in (renewal.share, renewal.low, renewal.high)))


def per_period(value: float, days: int, policy: EconomicsPolicy) -> float:
    """Value of ``days`` days, such as a contract's or a window's, per period. Raises ValueError without a day."""
    if days <= 0:
        raise ValueError(f"a value per period needs days, not {days}")
    return value * policy.period_days / days


def ltv(value_per_period: float, periods: float, policy: EconomicsPolicy) -> float:
    """Lifetime value: value per period × margin × lifetime, in the value's unit."""
    return value_per_period * policy.margin * periods


def cac(spend: float, won: int) -> float | None:
    """Cost of acquiring a customer by a channel or keyword; None while it won nobody: no number, and not nought."""
    return spend / won if won > 0 else None


@dataclass(frozen=True, slots=True)
class LtvToCac:
    """LTV over CAC, and whether it reaches the line at 3."""

    ratio: float
    healthy: bool


def ltv_to_cac(value: float | None, cost: float | None, policy: EconomicsPolicy) -> LtvToCac | None:
    """LTV over CAC; None where either is not known or acquiring cost nothing."""
    if value is None or cost is None or cost <= 0:
        return None
    ratio, line = value / cost, policy.ltv_to_cac_line
    # A lifetime such as 1 / 0.3 is rounded: what is at the line but for the last digit is at the line.
    return LtvToCac(ratio, ratio >= line or isclose(ratio, line, rel_tol=1e-9))
