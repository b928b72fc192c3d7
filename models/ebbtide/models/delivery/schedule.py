"""When a failed delivery is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

GAPS_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between attempts, from the retry table of the Standard Webhooks specification: ten attempts in three days."""
JITTER: Final = 0.1
"""A gap is up to so much longer or shorter, so that what failed together is not tried again together."""


def gap_ms(failures: int, draw: float, gaps_s: Sequence[float] = GAPS_S) -> int | None:
    """Milliseconds until the next attempt after so many failed ones; None when there is no other.

    ``failures`` is 1 or more, ``draw`` evenly distributed in [0, 1).
    """
    if failures > len(gaps_s):
        return None
    return round(gaps_s[failures - 1] * 1000 * (1 + JITTER * (2 * draw - 1)))
