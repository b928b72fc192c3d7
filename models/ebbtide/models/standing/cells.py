"""The nine cells of health, usage by relationship, and what a move between two of them means [FX] (signals §6)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ebbtide.models.policy import HealthCellPolicy
from ebbtide.models.standing.levels import RANK, Level


class Direction(StrEnum):
    """Up: one axis rose and none fell. Down: the other way round. Mixed: one rose and the other fell."""

    UP = "up"
    DOWN = "down"
    MIXED = "mixed"


class Urgency(StrEnum):
    """What a move asks for."""

    OPPORTUNITY = "opportunity"
    NOTICE = "notice"
    URGENT = "urgent"
    CRITICAL = "critical"


class CellMove(NamedTuple):
    """A move between two cells. ``steps`` counts levels on both axes, whatever their direction: 1 to 4."""

    old: str
    new: str
    direction: Direction
    steps: int
    urgency: Urgency


def cell(usage: str, relationship: str) -> str:
    """The cell of two levels, as in `low-high`: usage low, relationship high."""
    return f"{usage}-{relationship}"


_PLACES = {cell(usage, relationship): (RANK[usage], RANK[relationship]) for usage in Level for relationship in Level}
CELLS = tuple(_PLACES)
"""All nine."""


def cell_move(old: str, new: str, policy: HealthCellPolicy) -> CellMove | None:
    """What a move means; None where the cell is the same. Raises ``KeyError`` for what is no cell.

    Down is urgent, by two cells or more critical; up is an opportunity. A mixed move is urgent where more was lost than
    gained, else only noticed.
    """
    if old == new:
        return None
    (old_usage, old_relationship), (new_usage, new_relationship) = _PLACES[old], _PLACES[new]
    usage, relationship = new_usage - old_usage, new_relationship - old_relationship
    steps = abs(usage) + abs(relationship)
    net = usage + relationship
    if net == steps:
        return CellMove(old, new, Direction.UP, steps, Urgency.OPPORTUNITY)
    if net == -steps:
        urgency = Urgency.CRITICAL if steps >= policy.critical_steps else Urgency.URGENT
        return CellMove(old, new, Direction.DOWN, steps, urgency)
    return CellMove(old, new, Direction.MIXED, steps, Urgency.URGENT if net < 0 else Urgency.NOTICE)
