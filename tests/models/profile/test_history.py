"""What stays of the dated facts of a customer: the same in any order, and never too much."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.profile import history
from ebbtide.models.profile.history import FIRST_TOUCH, KEPT, MOST_FACTS, Facts, put
from ebbtide.schemas.facts import FACTS

KINDS = ("touchpoint", "deal.won", "renewal.closed", FIRST_TOUCH)
facts = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 5), st.sampled_from([{}, {"channel": "search"}])), max_size=25
)


def folded(told: list[tuple[str, tuple[str, int, dict[str, Any]]]]) -> Facts:
    found: Facts = {}
    for event_id, fact in told:
        stays = put(found, event_id, fact)
        assert stays == (event_id in found)
    return found


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", {kind: most and min(most, 3) for kind, most in KEPT.items()})


def test_what_is_kept_is_declared() -> None:
    assert set(KEPT) < set(FACTS)
    assert {kind for kind, most in KEPT.items() if most is None} == {"contract.signed", "renewal.closed"}


@given(facts, st.integers(0, 1_000))
def test_it_does_not_depend_on_order_nor_on_repeats(drawn: list[tuple[str, int, dict[str, Any]]], seed: int) -> None:
    told = [(f"f{n}", fact) for n, fact in enumerate(drawn)]
    shuffled = [*told, *told[::2]]
    Random(seed).shuffle(shuffled)
    assert folded(shuffled) == folded(told)


@given(facts)
def test_the_newest_stay_all_renewals_and_the_first_touch(drawn: list[tuple[str, int, dict[str, Any]]]) -> None:
    told = {f"f{n}": fact for n, fact in enumerate(drawn)}
    found = folded(list(told.items()))
    for kind in KINDS[:2]:
        newest = sorted((fact[1], key) for key, fact in told.items() if fact[0] == kind)[-3:]
        assert {key for key, fact in found.items() if fact[0] == kind} == {key for _, key in newest}
    assert {k: f for k, f in found.items() if f[0] == KINDS[2]} == {k: f for k, f in told.items() if f[0] == KINDS[2]}
    leads = sorted(("channel" not in fact[2], fact[1], key) for key, fact in told.items() if fact[0] == FIRST_TOUCH)
    assert [key for key, fact in found.items() if fact[0] == FIRST_TOUCH] == [key for _, _, key in leads[:1]]


@given(facts, facts)
def test_parts_put_together_are_the_whole_put_together(
    one: list[tuple[str, int, dict[str, Any]]], two: list[tuple[str, int, dict[str, Any]]]
) -> None:
    """A customer's share is told what two slots kept; it holds what it would, had it heard all."""
    told = [(f"f{n}", fact) for n, fact in enumerate([*one, *two])]
    first, second = folded(told[: len(one)]), folded(told[len(one) :])
    assert folded([*first.items(), *second.items()]) == folded(told)


def test_of_a_type_two_hundred_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", KEPT)
    found = folded([(f"f{n}", ("touchpoint", n, {})) for n in range(250)])
    assert len(found) == MOST_FACTS == 200
    assert min(at_ms for _, at_ms, _ in found.values()) == 50
