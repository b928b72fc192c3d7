"""One way to move all states."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.standing.hysteresis import Held, Proposal, StateChange, move

DWELL = 7


def test_the_first_state_is_a_change_from_nothing() -> None:
    held, change = move("s", None, Proposal("a", "r", {"n": 1}), 10, DWELL)
    assert held == Held("a", 10)
    assert change == StateChange("s", None, "a", 10, "r", {"n": 1})


@pytest.mark.parametrize(
    ("held", "proposed", "day", "expected", "changed"),
    [
        (Held("a", 10), Proposal("a", "r"), 30, Held("a", 10), False),
        (Held("a", 10), Proposal("b", "r"), 16, Held("a", 10, "b"), False),  # six days: held back
        (Held("a", 10, "b"), Proposal("b", "r"), 16, Held("a", 10, "b"), False),
        (Held("a", 10, "b"), Proposal("c", "r"), 16, Held("a", 10, "c"), False),
        (Held("a", 10, "b"), Proposal("a", "r"), 16, Held("a", 10), False),  # the reason passed
        (Held("a", 10, "b"), Proposal("b", "r"), 17, Held("b", 17), True),  # seven
        (Held("a", 10), Proposal("b", "r", urgent=True), 11, Held("b", 11), True),
        (Held("a", 10, "c"), Proposal("b", "r", urgent=True), 11, Held("b", 11), True),
    ],
)
def test_a_state_lasts_for_its_dwell_time(
    held: Held, proposed: Proposal, day: int, expected: Held, changed: bool
) -> None:
    found, change = move("s", held, proposed, day, DWELL)
    assert found == expected
    assert change == (StateChange("s", held.value, proposed.value, day, "r", {}) if changed else None)


@pytest.mark.parametrize(
    ("held", "proposed"), [(Held("a", 10), Proposal("a", "r")), (Held("a", 10, "b"), Proposal("b", "r"))]
)
def test_what_does_not_change_is_the_same_object(held: Held, proposed: Proposal) -> None:
    assert move("s", held, proposed, 12, DWELL)[0] is held


@pytest.mark.parametrize(("held", "expected"), [(Held("a", 10), None), (Held("a", 10, "b"), 17)])
def test_a_pending_state_says_when_it_may_come(held: Held, expected: int | None) -> None:
    assert held.due_day(DWELL) == expected


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.integers(0, 9))
def test_changes_that_are_not_urgent_lie_a_dwell_time_after_the_change_before(
    proposals: list[tuple[str, bool]], dwell: int
) -> None:
    held: Held | None = None
    changed: list[tuple[int, bool]] = []
    for day, (value, urgent) in enumerate(proposals):
        held, change = move("s", held, Proposal(value, "r", urgent=urgent), day, dwell)
        if change is not None:
            changed.append((day, urgent))
            assert held == Held(value, day)
        elif urgent:
            assert held.value == value, "urgent changes never wait"
    assert all(urgent or after - before >= dwell for (before, _), (after, urgent) in pairwise(changed))


@given(st.builds(Held, st.text(), st.integers(-(2**31), 2**31), st.none() | st.text()))
def test_a_held_state_is_stored_and_read(held: Held) -> None:
    encoded = msgspec.msgpack.encode(held)
    assert msgspec.msgpack.decode(encoded, type=Held) == held
    assert isinstance(msgspec.msgpack.decode(encoded), list), "three fields without their names"


def test_a_held_state_without_a_pending_one_may_be_short() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(["growth", 20_094]), type=Held) == Held("growth", 20_094)
