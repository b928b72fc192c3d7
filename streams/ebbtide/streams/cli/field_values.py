"""Values of the record's fields as people read them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from ebbtide.streams.cli.identity_story import shown

NOTHING = "–"
_SHARES = {"share", "probability"}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:")


def value_text(value: Any, unit: str = "") -> str:
    """One value, safe for a terminal; ``unit`` as the dictionary of fields has it."""
    match value:
        case None | "" | [] | dict() if not value:
            text = NOTHING
        case bool():
            text = "yes" if value else "no"
        case int() | float():
            text = per_cent(value) if unit in _SHARES else number(value)
        case list():
            text = ", ".join(value_text(one, unit) for one in value)
        case dict():
            text = ", ".join(f"{shown(str(name))} {_inner(one)}" for name, one in value.items())
        case _:
            text = _words(str(value))
    return text


def _inner(value: Any) -> str:
    text = value_text(value)
    return f"({text})" if isinstance(value, dict | list) and len(value) > 1 else text


def number(value: float) -> str:
    """A number with thousands apart and at most two digits after the point."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign apart, as parts of a sum are written."""
    return f"{'−' if value < 0 else '+'} {abs(value):.{digits}f}"


def per_cent(share: float) -> str:
    """A share as per cent, of small ones one digit more."""
    digits = 1 if 0 < abs(share) < 0.2 else 0
    return f"{share * 100:.{digits}f} %"


def time_text(at: datetime) -> str:
    """An instant to the minute; midnight as the date alone."""
    return f"{at:%Y-%m-%d}" if at.time() == at.time().min else f"{at:%Y-%m-%d %H:%M}"


def _words(text: str) -> str:
    """Words as they are; times, which the CRM's fields have as text, shorter."""
    if _TIME.match(text):
        try:
            return time_text(datetime.fromisoformat(text))
        except ValueError:
            pass
    return shown(text)
