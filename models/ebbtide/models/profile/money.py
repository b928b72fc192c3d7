"""Money in an event's properties, as whole millionths so that sums do not depend on their order.

All sums of orders are in one currency, that of ``MoneyPolicy``: an order in another one is converted as it is folded.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ebbtide.models.policy import MoneyPolicy
from ebbtide.models.profile.currency import currency_code

MICROS = 1_000_000
_LIMIT = 1e12
"""More than this is no price. Not-a-number and infinity fail the comparison too."""

_MOST = 9 * 10**18

NO_CODE, OTHERS = "no_code", "others"
"""What names no currency; codes beyond the first ``_MOST_CODES``, so that a producer cannot make names without end."""
_MOST_CODES = 64


def bounded(micros: int) -> int:
    """A sum of money that fits 64 bits, whatever producers send."""
    return max(-_MOST, min(_MOST, micros))


def amount_of(properties: dict[str, Any]) -> float:
    """``revenue``, ``total`` or ``value`` (Segment's e-commerce names), in units of its currency; 0 for none."""
    for name in ("revenue", "total", "value"):
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LIMIT:
            return value
    return 0


def rate_of(code: str, policy: MoneyPolicy) -> float | None:
    """Units of the money currency for one unit of ``code``; None where the operator set no rate."""
    return 1 if code == policy.currency else policy.rates.get(code)


class OrderMoney:
    """What orders come to in the money currency. ``without_rate`` counts, by code, those whose money does not count."""

    __slots__ = ("_rates", "without_rate")

    def __init__(self, policy: MoneyPolicy) -> None:
        self.without_rate: Counter[str] = Counter()
        # An order that names no currency is in the money currency.
        self._rates: dict[Any, float] = {None: 1, **policy.rates, policy.currency: 1}

    def micros(self, properties: dict[str, Any]) -> int:
        """An order's money in millionths of the money currency; 0 where it has none, or a currency without a rate."""
        amount = amount_of(properties)
        if not amount:
            return 0
        told = properties.get("currency")
        try:
            rate = self._rates[told]
        except (KeyError, TypeError):
            rate = self._other(told)
        converted = amount * rate
        return round(converted * MICROS) if abs(converted) <= _LIMIT else 0

    def _other(self, told: object) -> float:
        """The rate of what is not spelt as in the settings; 0, and counted, where there is none."""
        if isinstance(told, str) and not told.strip():
            return 1
        code = currency_code(told) or NO_CODE
        rate = self._rates.get(code)
        if rate is not None:
            return rate
        counted = self.without_rate
        if code not in counted and len(counted) >= _MOST_CODES:
            code = OTHERS
        counted[code] += 1
        return 0
