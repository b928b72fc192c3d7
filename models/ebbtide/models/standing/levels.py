"""Low, middle, high: the axes of the nine cells (signals §6)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """A level of usage or of relationship [FX]."""

    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"


RANK: dict[str, int] = {level.value: rank for rank, level in enumerate(Level)}
"""By level, lowest 0."""


class LevelEdges(NamedTuple):
    """Where levels begin and end: low below ``low_enter`` and until ``low_leave``, high above ``high_enter`` and until
    ``high_leave``."""

    low_enter: float
    low_leave: float
    high_leave: float
    high_enter: float


def level_of(value: float, current: str | None, edges: LevelEdges) -> Level:
    """The level of a value for one whose level was ``current`` (None: not known).

    Entering goes before staying: where the edges of a narrow segment overlap, a value beyond one of them decides.
    """
    if value < edges.low_enter:
        return Level.LOW
    if value > edges.high_enter:
        return Level.HIGH
    if current == Level.LOW and value < edges.low_leave:
        return Level.LOW
    if current == Level.HIGH and value > edges.high_leave:
        return Level.HIGH
    return Level.MIDDLE
