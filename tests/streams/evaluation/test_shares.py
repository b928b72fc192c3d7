"""Shares, and the laws of their intervals."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.streams.evaluation.shares import Case, paired_difference, quotient, ratio, share, spread

CASES = st.lists(st.sampled_from((0.0, 1.0)), min_size=12, max_size=20).map(
    lambda parts: [Case("abcdefghijkl"[number % 12], part) for number, part in enumerate(parts)]
)
few = settings(max_examples=25, deadline=None)


def test_a_share_is_counted_and_has_an_interval() -> None:
    found = share([Case("a", 1), Case("a", 0), Case("b", 1), Case("c", 1)])
    assert (found["count"], found["of"], found["share"]) == (3, 4, 0.75)
    assert (found["low_95"], found["high_95"]) == (pytest.approx(0.3006, abs=1e-4), pytest.approx(0.9544, abs=1e-4))
    assert share([]) == {"count": 0, "of": 0, "share": None, "low_95": None, "high_95": None}


@pytest.mark.parametrize(
    ("values", "quartiles"), [([], (None, None, None)), ([4.0], (4.0, 4.0, 4.0)), ([1.0, 2.0, 3.0], (1.5, 2.0, 2.5))]
)
def test_quartiles(values: list[float], quartiles: tuple[float | None, ...]) -> None:
    assert tuple(spread(values).values()) == quartiles


@given(CASES)
@few
def test_nothing_differs_from_itself(cases: list[Case]) -> None:
    assert paired_difference(cases, cases) == {"difference": 0.0, "low_95": 0.0, "high_95": 0.0}


@given(CASES, CASES)
@few
def test_a_difference_turned_round_is_its_negative(first: list[Case], second: list[Case]) -> None:
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert there["difference"] == pytest.approx(-(back["difference"] or 0.0))
    assert there["low_95"] is not None
    assert there["high_95"] is not None
    assert there["low_95"] == pytest.approx(-(back["high_95"] or 0.0))
    assert -1.0 <= there["low_95"] <= there["high_95"] <= 1.0


def test_what_customers_share_narrows_the_interval() -> None:
    """Twenty customers of whom each is better by 0.1 differ for certain, however unlike they are."""
    first = [Case(str(number), number / 20) for number in range(20)]
    second = [Case(str(number), number / 20 + 0.1) for number in range(20)]
    found = paired_difference(first, second)
    assert [found["low_95"], found["difference"], found["high_95"]] == pytest.approx([0.1, 0.1, 0.1])
    unpaired = paired_difference(first, [Case(f"other-{case.customer_id}", case.part) for case in second])
    assert unpaired["low_95"] is not None
    assert unpaired["low_95"] < 0.0


def test_a_quotient_of_rates() -> None:
    """In danger 9 of 12 churned, of all 10 of 20: 1.5 times as often."""
    danger = [Case(name, name < "j") for name in "abcdefghijkl"]
    others = [Case(name, name == "m") for name in "mnopqrst"]
    found = quotient(danger, [*danger, *others])
    assert found["lift"] == pytest.approx(1.5)
    assert found["low_95"] is not None
    assert found["high_95"] is not None
    assert 1.0 < found["low_95"] < 1.5 < found["high_95"] < 3.0
    assert quotient([], danger)["lift"] is None
    assert quotient(danger, [Case("x", 0.0)])["lift"] is None
    assert ratio([]) is None


def test_of_few_customers_no_interval_is_told() -> None:
    """Nine of whom all differ would seem certain."""
    first, second = [Case(name, 0.0) for name in "abcdefghi"], [Case(name, 1.0) for name in "abcdefghi"]
    assert paired_difference(first, second) == {"difference": 1.0, "low_95": None, "high_95": None}
    assert quotient(second, second) == {"lift": 1.0, "low_95": None, "high_95": None}
    more = [*first, Case("j", 0.0)], [*second, Case("j", 1.0)]
    assert paired_difference(*more) == {"difference": 1.0, "low_95": 1.0, "high_95": 1.0}
    assert paired_difference(first, [])["difference"] is None
