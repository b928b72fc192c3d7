"""Codes of currencies, however a producer spells them."""

from __future__ import annotations

import re

_CODE = re.compile(r"[A-Za-z]{3}\Z")


def currency_code(told: object) -> str | None:
    """Three letters as ISO 4217 writes them, in any case and with blanks around them; None for anything else."""
    found = told.strip() if isinstance(told, str) else ""
    return found.upper() if _CODE.match(found) else None
