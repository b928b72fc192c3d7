"""Low, middle, high."""

from __future__ import annotations

import pytest

from ebbtide.models.standing.levels import Level, LevelEdges, level_of

EDGES = LevelEdges(40, 45, 60, 65)


@pytest.mark.parametrize(
    ("value", "from_nothing", "from_low", "from_middle", "from_high"),
    [
        (39.9, "low", "low", "low", "low"),
        (40.0, "middle", "low", "middle", "middle"),
        (44.9, "middle", "low", "middle", "middle"),
        (45.0, "middle", "middle", "middle", "middle"),
        (60.0, "middle", "middle", "middle", "middle"),
        (60.1, "middle", "middle", "middle", "high"),
        (65.0, "middle", "middle", "middle", "high"),
        (65.1, "high", "high", "high", "high"),
    ],
)
def test_enter_and_leave_lie_apart(
    value: float, from_nothing: str, from_low: str, from_middle: str, from_high: str
) -> None:
    found = [level_of(value, current, EDGES) for current in (None, "low", "middle", "high")]
    assert found == [from_nothing, from_low, from_middle, from_high]


@pytest.mark.parametrize(("value", "expected"), [(0.9, Level.LOW), (1.0, Level.LOW), (1.01, Level.HIGH)])
def test_where_edges_overlap_a_value_beyond_one_decides(value: float, expected: Level) -> None:
    everybody_alike = LevelEdges(1.0, 1.1, 0.9, 1.0)
    assert level_of(value, Level.LOW, everybody_alike) is expected
