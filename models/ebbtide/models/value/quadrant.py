"""Quadrants A to E by order frequency and order value, and customers ranked by what they are worth [CRM].

                  few orders     many orders
low order value   B              C
high order value  D              E              A: prospect, no order
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from ebbtide.models.policy import QuadrantPolicy
from ebbtide.models.value.bands import band


class Quadrant(StrEnum):
    """A: prospect; B: few and small orders; C: many small ones; D: few large ones; E: many large ones."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"


_BY_BANDS = {(0, 0): Quadrant.B, (1, 0): Quadrant.C, (0, 1): Quadrant.D, (1, 1): Quadrant.E}
_BANDS = {quadrant: bands for bands, quadrant in _BY_BANDS.items()}


def quadrant(
    orders: int,
    value: float,
    many: float | None,
    large: float | None,
    policy: QuadrantPolicy,
    previous: Quadrant | None = None,
) -> Quadrant | None:
    """Quadrant by orders in the window and by ``value`` per order (``value`` is their sum).

    ``many`` orders and a ``large`` order are more than these thresholds of the customer base, its medians; None, where
    they are not known yet, gives None. ``previous`` is left only when a threshold is clearly passed.
    """
    if orders <= 0:
        return Quadrant.A
    if many is None or large is None:
        return None
    was = _BANDS.get(previous, (None, None)) if previous else (None, None)
    frequency = band(orders, (many,), was[0], margin=policy.margin, least=policy.margin_orders)
    return _BY_BANDS[frequency, band(value / orders, (large,), was[1], margin=policy.margin)]


def ranked_by_value(values: Mapping[str, float]) -> list[str]:
    """Customers, most valuable first; of equals the first by id.

    By money, not by orders: 20 orders of 20 are worth 400, 5 orders of 200 are worth 1,000, and come first.
    """
    return sorted(values, key=lambda customer: (-values[customer], customer))
