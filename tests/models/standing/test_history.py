"""Facts of a customer, each once and in one order."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.standing.history import DatedFact, History
from ebbtide.schemas.base import DAY_MS
from support.standing import fact, history

FACTS = st.lists(
    st.builds(
        DatedFact,
        st.sampled_from(["a", "b"]),
        st.integers(0, 5).map(lambda n: n * DAY_MS // 2),
        st.sampled_from([{}, {"k": 1}, {"k": 1, "l": {"m": [1]}}]),
        st.sampled_from(["", "", "e1", "e2"]),
        st.sampled_from(["", "p"]),
    ),
    max_size=8,
)


@given(FACTS, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(facts: list[DatedFact], random: Random) -> None:
    shuffled = [*facts, *facts]
    random.shuffle(shuffled)
    for kind in "ab":
        assert History(shuffled).before(9, kind) == History(facts).before(9, kind)


@given(FACTS, st.integers(0, 3), st.integers(0, 3))
def test_a_window_is_what_lies_in_it(facts: list[DatedFact], day: int, since: int) -> None:
    every = History(facts).before(99, "a")
    assert History(facts).before(day, "a") == [one for one in every if one.day < day]
    assert History(facts).before(day, "a", since_day=since) == [one for one in every if since <= one.day < day]


def test_an_id_counts_once_and_what_is_said_twice_does_too() -> None:
    first, again = fact("a", 1, "", "e1", n=1), fact("a", 2, "", "e1", n=1)
    assert history(again, first).before(9, "a") == [first]
    low, high = fact("a", 1, "", "e1", n=1), fact("a", 1, "", "e1", n=2)
    assert history(high, low).before(9, "a") == history(low, high).before(9, "a") == [low]
    assert len(history(fact("a", 1, n=1, m=2), fact("a", 1, m=2, n=1)).before(9, "a")) == 1
    assert len(history(fact("a", 1, n=1), fact("a", 1, n=2), fact("a", 1.5, n=1)).before(9, "a")) == 3
    assert len(history(fact("a", 1, "p1"), fact("a", 1, "p2")).before(9, "a")) == 2
    assert len(history(fact("a", 1, "", "e1"), fact("a", 1, "", "e2")).before(9, "a")) == 2


def test_several_types_come_one_after_the_other() -> None:
    facts = history(fact("b", 1), fact("a", 2), fact("c", 3))
    assert [one.type for one in facts.before(9, "a", "b", "none")] == ["a", "b"]


def test_from_what_a_view_of_a_customer_has() -> None:
    assert History.of([("a", DAY_MS, {"n": 1})]).before(2, "a") == [DatedFact("a", DAY_MS, {"n": 1})]


def test_fields_are_read_as_what_they_should_be() -> None:
    one = fact("a", 1.5, text="x", whole=7, share=0.5, flag=True, nothing=None)
    assert one.day == 1
    assert [one.text(name) for name in ("text", "whole", "nothing", "missing")] == ["x", "7", "", ""]
    assert [one.number(name) for name in ("whole", "share", "text", "flag", "nothing", "missing")] == [
        7.0,
        0.5,
        None,
        None,
        None,
        None,
    ]


def test_whom_a_fact_is_about() -> None:
    assert fact("a", 1, "p1", contact_id="c1").person == "p1"
    assert fact("a", 1, email="x@y.example", contact_id="c1").person == "c1"
    assert fact("a", 1).person == ""
