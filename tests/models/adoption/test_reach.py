"""How many people and how much of the product: users, stickiness, breadth, depth, penetration, utilisation, roles."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.adoption.breadth import breadth
from ebbtide.models.adoption.depth import depth
from ebbtide.models.adoption.machine import machine_share
from ebbtide.models.adoption.penetration import Penetration, penetration
from ebbtide.models.adoption.role_mix import RoleUse, role_mix
from ebbtide.models.adoption.stickiness import stickiness
from ebbtide.models.adoption.users import user_days
from ebbtide.models.adoption.utilisation import Utilisation, utilisation
from ebbtide.models.policy import AdoptionPolicy

POLICY = AdoptionPolicy()
DAY = 1_000
PEOPLE = st.lists(st.sets(st.integers(DAY - 40, DAY + 10)), max_size=8)


def test_active_users_of_one_seven_and_twenty_eight_days() -> None:
    people = [[DAY - 1, DAY - 2, DAY - 28], [DAY - 7], [DAY - 8], [DAY - 29], [DAY], []]
    assert [len(user_days(people, DAY, width)) for width in (1, 7, 28)] == [1, 2, 3]
    assert user_days(people, DAY, 28) == [3, 1, 1]


@given(PEOPLE)
def test_nothing_at_or_after_the_day_matters(people: list[set[int]]) -> None:
    past = [{at for at in days if at < DAY} for days in people]
    assert user_days(people, DAY, 28) == user_days(past, DAY, 28)
    roles = ["admin", None, "key_person"] * 3
    assert role_mix(zip(roles, people, strict=False), DAY, 28) == role_mix(zip(roles, past, strict=False), DAY, 28)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([28], 1.0),
        ([4], 1 / 7),  # once a week
        ([20, 8], 0.5),  # mean DAU 28 / 28 = 1, MAU 2
        ([1] * 28, 1 / 28),
        ([], None),
    ],
)
def test_stickiness_is_dau_over_mau(days: list[int], expected: float | None) -> None:
    assert stickiness(days, 28) == expected


@given(st.lists(st.integers(1, 28), min_size=1))
def test_stickiness_lies_between_one_day_and_all(days: list[int]) -> None:
    found = stickiness(days, 28)
    assert found is not None
    assert found + 1e-12 >= 1 / 28
    assert found <= 1


@pytest.mark.parametrize(
    ("counts", "available", "expected"),
    [
        ({"a": 1, "b": 900}, ("a", "b", "c", "d"), 0.5),
        ({"a": 1, "gone": 4}, ("a", "b"), 0.5),
        ({"a": 0}, ("a", "b"), 0.0),
        ({"a": 3}, ("a", "a"), 1.0),
        ({"a": 3}, (), None),
    ],
)
def test_breadth(counts: dict[str, int], available: Sequence[str], expected: float | None) -> None:
    assert breadth(counts, available) == expected


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9)), st.sets(st.sampled_from("abcdef"), min_size=1))
def test_breadth_is_a_share_and_grows_with_use(counts: dict[str, int], available: set[str]) -> None:
    found, more = breadth(counts, available), breadth({**counts, "a": 1}, available)
    assert found is not None
    assert more is not None
    assert 0 <= found <= more <= 1


@pytest.mark.parametrize(("actions", "users", "expected"), [(120, 8, 15.0), (0, 3, 0.0), (5, 0, None), (-1, 2, 0.0)])
def test_depth_is_core_actions_per_active_user(actions: int, users: int, expected: float | None) -> None:
    assert depth(actions, users) == expected


@pytest.mark.parametrize(
    ("users", "seats", "expected"),
    [
        (9, 10, Penetration(0.9, 0)),
        (0, 10, Penetration(0.0, 0)),
        (12, 10, Penetration(1.0, 2)),  # two without a seat
        (3, 0, None),
        (3, -1, None),
        (3, None, None),
        (3, "10", None),
        (3, True, None),
        (3, float("nan"), None),
    ],
)
def test_penetration(users: int, seats: object, expected: Penetration | None) -> None:
    assert penetration(users, seats) == expected


@given(st.integers(0, 10_000), st.integers(1, 10_000))
def test_penetration_is_a_share(users: int, seats: int) -> None:
    found = penetration(users, seats)
    assert found is not None
    assert 0 <= found.share <= 1
    assert found.over == max(0, users - seats)


@pytest.mark.parametrize(
    ("actions", "seats", "was", "expected"),
    [
        (10_000, 50, False, Utilisation(1.0, 200.0, True)),  # signals §3
        (9_999, 50, False, Utilisation(0.9999, 199.98, False)),
        (9_999, 50, True, Utilisation(0.9999, 199.98, True)),
        (9_000, None, True, Utilisation(0.9, None, True)),
        (8_999, 0, True, Utilisation(0.8999, None, False)),
        (25_000, None, False, Utilisation(2.5, None, True)),
        (-3, 1, True, Utilisation(0.0, 0.0, False)),
    ],
)
def test_utilised_at_ten_thousand_core_actions_in_sixty_days(
    actions: int, seats: int | None, was: bool, expected: Utilisation
) -> None:
    assert utilisation(actions, seats, POLICY, was_utilised=was) == expected


@given(st.lists(st.integers(9_999, 10_001), min_size=1, max_size=30))
def test_an_action_more_or_less_changes_the_state_once(noise: list[int]) -> None:
    state, changes = False, 0
    for actions in noise:
        now = utilisation(actions, None, POLICY, was_utilised=state).utilised
        changes += now is not state
        state = now
    assert changes <= 1


def test_who_is_active_by_role() -> None:
    people = [
        ("key_person", [DAY - 3]),
        ("key_person", [DAY - 40]),
        ("admin", []),
        ("end_user", [DAY - 1, DAY - 2]),
        ("end_user", [DAY - 28]),
        ("champion", [DAY - 5]),
        (None, [DAY]),
    ]
    assert role_mix(people, DAY, 28) == {
        "key_person": RoleUse(2, 1, 0.25),
        "admin": RoleUse(1, 0, 0.0),
        "end_user": RoleUse(2, 2, 0.5),
        "other": RoleUse(2, 1, 0.25),
    }


def test_a_role_mix_of_nobody_has_no_shares() -> None:
    assert role_mix([("admin", [DAY - 60])], DAY, 28)["admin"] == RoleUse(1, 0, None)


@pytest.mark.parametrize(("machine", "human", "expected"), [(3, 1, 0.75), (0, 4, 0.0), (0, 0, None), (-2, 5, 0.0)])
def test_machine_use_is_told_apart(machine: int, human: int, expected: float | None) -> None:
    assert machine_share(machine, human) == expected
