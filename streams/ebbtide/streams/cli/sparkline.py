"""Rows of numbers as one line of block characters."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
UNKNOWN = "·"


def sparkline(values: Sequence[float | None]) -> str:
    """A character for each value, from nothing (the lowest block, and it alone) to the greatest.

    Below zero is nothing; ``None`` is unknown.
    """
    top = max((value for value in values if value is not None), default=0)
    return "".join(UNKNOWN if value is None else BLOCKS[_height(value, top)] for value in values)


def _height(value: float, top: float) -> int:
    if value <= 0:
        return 0
    # Seven steps above nothing: whatever was there is seen.
    return max(1, round(value / top * (len(BLOCKS) - 1)))
