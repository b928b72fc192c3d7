"""Day numbers as calendar dates."""

from __future__ import annotations

from datetime import date

_EPOCH = date(1970, 1, 1).toordinal()


def date_of(day: int) -> date:
    """The UTC date of a day number."""
    return date.fromordinal(_EPOCH + day)
