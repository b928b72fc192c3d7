"""How figures are written in the tables of an evaluation."""

from __future__ import annotations

from typing import Any

NOTHING = "–"


def number(value: float | None) -> str:
    """Counts whole, rates with two digits that matter."""
    if value is None:
        return NOTHING
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1 else f"{value:.2f}"


def per_cent(value: float | None) -> str:
    """A share in whole per cent, of one percent and less in tenths."""
    if value is None:
        return NOTHING
    return f"{value:.1%}" if 0 < value < 0.0095 else f"{value:.0%}"


def interval(share: dict[str, Any]) -> str:
    """The 95 % interval of a share, in per cent, after it."""
    return "" if share["share"] is None else f" ({100 * share['low_95']:.0f}-{100 * share['high_95']:.0f})"


def share_of(share: dict[str, Any]) -> str:
    """A share with what it is out of."""
    if share["share"] is None:
        return f"{NOTHING} (none to judge)"
    return f"{per_cent(share['share'])}{interval(share)}, {share['count']:,} of {share['of']:,}"


def days(value: float | None) -> str:
    """A number of days."""
    return NOTHING if value is None else f"{number(round(value, 1))} days"


def quartiles(spread: dict[str, float | None]) -> str:
    """The median, and the middle half; whole from ten on."""
    if spread["median"] is None:
        return NOTHING
    lower, middle, upper = (_short(spread[name] or 0.0) for name in ("lower_quartile", "median", "upper_quartile"))
    return f"{middle} ({lower} to {upper})"


def _short(value: float) -> str:
    return number(round(value, 1) if abs(value) < 10 else round(value))


def signed(value: float | None, *, share: bool) -> str:
    """A difference with its sign; of shares in points of per cent."""
    if value is None:
        return NOTHING
    return f"{100 * value:+.1f}" if share else f"{value:+,.2f}"
