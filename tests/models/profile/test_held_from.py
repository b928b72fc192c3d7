"""Values of a trait as an account has them that knows of them from an instant on."""

from __future__ import annotations

import pytest

from ebbtide.models.identity.membership import Timeline
from ebbtide.models.profile.parts import held_from
from ebbtide.schemas.profile_state import Trait


def values(*dated: tuple[str, int, int]) -> list[Trait]:
    return [Trait(value, at_ms, mark, "crm") for value, at_ms, mark in dated]


@pytest.mark.parametrize(
    ("since_ms", "held"),
    [
        (0, [("a", 10, 1), ("b", 20, 2), ("c", 30, 3)]),
        (10, [("a", 10, 1), ("b", 20, 2), ("c", 30, 3)]),
        (11, [("a", 11, 1), ("b", 20, 2), ("c", 30, 3)]),
        (25, [("b", 25, 2), ("c", 30, 3)]),
        (99, [("c", 99, 3)]),
    ],
)
def test_of_older_values_the_newest_is_dated_then(since_ms: int, held: list[tuple[str, int, int]]) -> None:
    assert held_from(since_ms, values(("a", 10, 1), ("b", 20, 2), ("c", 30, 3))) == values(*held)


@pytest.mark.parametrize(("mark", "held"), [(4, [("b", 30, 4)]), (6, [("a", 30, 5), ("b", 30, 6)])])
def test_what_was_told_at_that_very_instant_holds(mark: int, held: list[tuple[str, int, int]]) -> None:
    found = held_from(30, values(("a", 10, 5), ("b", 30, mark)))
    assert found == values(*held)
    assert found == sorted(found, key=lambda value: value[1:3])


@pytest.mark.parametrize(
    ("accounts", "now", "since"),
    [
        ({}, "me", None),
        ({"a": [(3, None)]}, "a", 3),
        ({"a": [(3, 5)]}, "a", 3),
        ({"a": [(3, 5), (9, None)]}, "a", 3),
        ({"a": [(3, None)], "b": [(7, None)]}, "me", 7),
        ({"a": [(3, 6)], "b": [(7, None)]}, "b", 7),
        ({"a": [(3, None)], "b": [(7, 8)]}, "a", 9),
    ],
)
def test_since_when_an_owner_has_what_is_of_no_day(
    accounts: dict[str, list[tuple[int, int | None]]], now: str, since: int | None
) -> None:
    found = Timeline(accounts, "me")
    assert (found.now, found.now_since) == (now, since)
