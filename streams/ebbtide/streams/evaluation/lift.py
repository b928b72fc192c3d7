"""What the health tiers are worth: how much more often customers in danger churn, and how many are called excellent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from ebbtide.schemas.score import HealthTier
from ebbtide.streams.evaluation.shares import Case, quotient, ratio

EVERY_DAYS = 28
"""Customers are looked at so often where nobody names a number of days: four steps of the observation grid."""


class TieredCustomer(NamedTuple):
    """A customer at an instant: its tier, and whether it churned within the horizon after."""

    customer_id: str
    tier: str
    churned: bool


def tier_lift(seen: Sequence[TieredCustomer], instants: Iterable[datetime]) -> dict[str, Any]:
    """Churn within the horizon of customers in danger over that of all, and the share that is in the excellent tier.

    A customer counts once at every instant; intervals draw customers whole.
    """
    everybody = [Case(row.customer_id, row.churned) for row in seen]
    danger = [Case(row.customer_id, row.churned) for row in seen if row.tier == HealthTier.DANGER]
    excellent = [Case(row.customer_id, row.tier == HealthTier.EXCELLENT) for row in seen]
    at = sorted(instants)
    return {
        "instants": len(at),
        "first": None if not at else _iso(at[0]),
        "last": None if not at else _iso(at[-1]),
        "observations": len(everybody),
        "churned": sum(row.churned for row in seen),
        "customers_churned": len({row.customer_id for row in seen if row.churned}),
        "base_rate": ratio(everybody),
        "in_danger": len(danger),
        "customers_in_danger": len({case.customer_id for case in danger}),
        "danger_rate": ratio(danger),
        **quotient(danger, everybody),
        "excellent_share": ratio(excellent),
    }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
