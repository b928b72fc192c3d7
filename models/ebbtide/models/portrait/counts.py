"""What a customer did, by kind of deed and window (signals §2)."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.models.customer.series import EVENTS, LOGINS, ORDERS, QUERIES, REVENUE, DaySeries
from ebbtide.models.profile.money import MICROS

WINDOWS = (1, 7, 30, 60, 90)
_ROWS = (("queries", QUERIES), ("logins", LOGINS), ("events", EVENTS), ("orders", ORDERS), ("value", REVENUE))


@dataclass(frozen=True, slots=True)
class Counts:
    """One kind: its sum in each of the windows, and ever. ``value`` is money, in the money currency."""

    windows: dict[int, float]
    total: float


def counts(series: DaySeries, day: int) -> dict[str, Counts]:
    """Queries, logins, events of humans, orders and value, as of grid instant ``day``; windows in days."""
    return {
        name: Counts(
            {width: _amount(field, series.window(field, day, width)) for width in WINDOWS},
            _amount(field, series.total(field, day)),
        )
        for name, field in _ROWS
    }


def _amount(field: int, value: int) -> float:
    return value / MICROS if field == REVENUE else value
