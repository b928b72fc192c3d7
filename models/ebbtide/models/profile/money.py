"""Money in an event's properties, as whole millionths so that sums do not depend on their order."""

from __future__ import annotations

from typing import Any

MICROS = 1_000_000
_LIMIT = 1e12
"""More than this is no price. Not-a-number and infinity fail the comparison too."""


_MOST = 9 * 10**18


def bounded(micros: int) -> int:
    """A sum of money that fits 64 bits, whatever producers send."""
    return max(-_MOST, min(_MOST, micros))


def revenue_micros(properties: dict[str, Any]) -> int:
    """``revenue``, ``total`` or ``value`` (Segment's e-commerce names) in millionths; 0 where there is none."""
    for name in ("revenue", "total", "value"):
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LIMIT:
            return round(value * MICROS)
    return 0
