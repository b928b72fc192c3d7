"""Nine cells, and all 72 moves between them."""

from __future__ import annotations

from collections import Counter

import pytest

from ebbtide.models.policy import HealthCellPolicy
from ebbtide.models.standing.cells import CELLS, CellMove, Direction, Urgency, cell, cell_move

POLICY = HealthCellPolicy()

# Written by hand: from the cell of the row to that of the column. First letter usage, second relationship; low, middle,
# high. "+n" is n steps up: an opportunity. "-1" down: urgent; "-2" to "-4": critical. "~n" is n steps of which some go
# up and some down: noticed, and urgent ("!n") where more goes down than up.
MOVES = """
     ll  lm  lh  ml  mm  mh  hl  hm  hh
ll    .  +1  +2  +1  +2  +3  +2  +3  +4
lm   -1   .  +1  ~2  +1  +2  ~3  +2  +3
lh   -2  -1   .  !3  ~2  +1  ~4  ~3  +2
ml   -1  ~2  ~3   .  +1  +2  +1  +2  +3
mm   -2  -1  ~2  -1   .  +1  ~2  +1  +2
mh   -3  -2  -1  -2  -1   .  !3  ~2  +1
hl   -2  !3  ~4  -1  ~2  ~3   .  +1  +2
hm   -3  -2  !3  -2  -1  ~2  -1   .  +1
hh   -4  -3  -2  -3  -2  -1  -2  -1   .
"""
NAMES = {"l": "low", "m": "middle", "h": "high"}
MEANINGS = {
    "+": (Direction.UP, Urgency.OPPORTUNITY),
    "~": (Direction.MIXED, Urgency.NOTICE),
    "!": (Direction.MIXED, Urgency.URGENT),
}


def named(short: str) -> str:
    return "-".join(NAMES[letter] for letter in short)


def expected() -> list[tuple[str, str, str]]:
    head, *rows = MOVES.split("\n")[1:-1]
    columns = head.split()
    return [
        (old, new, code)
        for row in rows
        for old, *codes in [row.split()]
        for new, code in zip(columns, codes, strict=True)
    ]


@pytest.mark.parametrize(("old", "new", "code"), expected())
def test_every_move(old: str, new: str, code: str) -> None:
    found = cell_move(named(old), named(new), POLICY)
    if code == ".":
        assert found is None
        return
    steps = int(code[1:])
    down = Direction.DOWN, Urgency.URGENT if steps == 1 else Urgency.CRITICAL
    direction, urgency = MEANINGS.get(code[0], down)
    assert found == CellMove(named(old), named(new), direction, steps, urgency)


def test_there_are_72_moves() -> None:
    moves = [cell_move(old, new, POLICY) for old in CELLS for new in CELLS]
    found = [one for one in moves if one is not None]
    assert len(found) == 72
    assert Counter(one.direction for one in found) == {Direction.UP: 27, Direction.DOWN: 27, Direction.MIXED: 18}


def test_a_move_and_its_way_back_mirror_each_other() -> None:
    mirror = {Direction.UP: Direction.DOWN, Direction.DOWN: Direction.UP, Direction.MIXED: Direction.MIXED}
    for old in CELLS:
        for new in CELLS:
            there, back = cell_move(old, new, POLICY), cell_move(new, old, POLICY)
            if there is not None and back is not None:
                assert (back.direction, back.steps) == (mirror[there.direction], there.steps)


def test_how_many_cells_are_critical_is_a_setting() -> None:
    found = cell_move("high-high", "low-high", HealthCellPolicy(critical_steps=3))
    assert found is not None
    assert found.urgency is Urgency.URGENT


def test_cells_have_the_names_of_the_record() -> None:
    assert cell("low", "high") == "low-high"
    assert len(set(CELLS)) == 9
    with pytest.raises(KeyError):
        cell_move("low-high", "low", POLICY)
