"""The sketch: order and parts do not matter, quantiles are within the accuracy, and it says what the library says."""

from __future__ import annotations

from random import Random

import pytest
from ddsketch import DDSketch
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.fleet.sketch import GREATEST, LEAST, Sketch, snap
from ebbtide.schemas.fleet import SketchCounts

NUMBERS = st.one_of(
    st.integers(-50, 400).map(float),
    st.floats(LEAST, 1e9),
    st.floats(LEAST, 1e9).map(lambda value: -value),
    st.just(0.0),
)
ACCURACIES = st.sampled_from([0.001, 0.01, 0.05])
SHARES = [step / 20 for step in range(21)]
SLACK = 1 + 1e-9
"""Logarithms are rounded: at a bin's bound the error may pass the accuracy by this."""


def sketch(values: list[float], accuracy: float = 0.01) -> Sketch:
    found = Sketch(accuracy)
    for value in values:
        found.add(value)
    return found


def merged(parts: list[list[float]], accuracy: float) -> Sketch:
    """Parts that each went over the wire."""
    found = Sketch(accuracy)
    for part in parts:
        found.merge(SketchCounts.from_json(sketch(part, accuracy).counts().to_json()))
    return found


@given(st.lists(NUMBERS), st.integers(1, 7), st.randoms(use_true_random=False), ACCURACIES)
def test_any_parts_in_any_order_make_the_sketch_of_all(
    values: list[float], count: int, rng: Random, accuracy: float
) -> None:
    shuffled = rng.sample(values, len(values))
    parts = [shuffled[n::count] for n in range(count)]
    whole, found = sketch(values, accuracy), merged(parts, accuracy)
    assert found.counts().to_json() == whole.counts().to_json()
    assert found.count == len(values)


@given(st.lists(NUMBERS, min_size=1, max_size=200), ACCURACIES)
def test_a_quantile_is_within_the_accuracy_of_the_exact_one(values: list[float], accuracy: float) -> None:
    ordered = sorted(values)
    for share, found in zip(SHARES, sketch(values, accuracy).quantiles(SHARES), strict=True):
        exact = ordered[int(share * (len(ordered) - 1))]
        assert abs(found - exact) <= accuracy * abs(exact) * SLACK
        # What is equal to a quantile is equal to what the sketch tells of it.
        assert snap(exact, accuracy) == found


@given(st.lists(NUMBERS, min_size=1, max_size=60))
def test_quantiles_are_those_of_the_library(values: list[float]) -> None:
    library = DDSketch(0.01)
    for value in values:
        library.add(value)
    assert sketch(values).quantiles(SHARES) == [library.get_quantile_value(share) for share in SHARES]


@given(st.lists(NUMBERS), st.floats(0.05, 0.95))
def test_the_greatest_values_make_the_share_and_without_the_least_of_them_they_do_not(
    values: list[float], share: float
) -> None:
    found = sketch(values).value_reaching(share)
    told = [snap(value, 0.01) for value in values if value > 0]
    if found is None:
        assert told == []
        return
    total = sum(told)
    assert sum(value for value in told if value >= found) >= share * total / SLACK
    assert sum(value for value in told if value > found) <= share * total * SLACK


def test_times_are_values() -> None:
    one, many = Sketch(0.01), sketch([3.0, 3.0, 0.0, -2.0, -2.0])
    for value, times in ((3.0, 2), (0.0, 1), (-2.0, 2)):
        one.add(value, times)
    assert one.counts() == many.counts()


def test_what_is_too_small_or_too_great_is_told_at_the_edge() -> None:
    found = sketch([LEAST / 2, -LEAST / 2, 1e300, float("inf"), float("-inf")])
    assert (found.count, found.counts().zeros) == (5, 2)
    least, *_, greatest = found.quantiles([0, 0.5, 1])
    assert greatest == -least == pytest.approx(GREATEST, rel=0.01)
    assert snap(1e300, 0.01) == greatest
    assert snap(LEAST / 2, 0.01) == 0


def test_one_of_another_accuracy_is_binned_anew() -> None:
    values = [-40.0, 0.0, 1.0, 250.0]
    found = Sketch(0.01)
    found.merge(sketch(values, 0.05).counts())
    assert found.quantiles([0, 0.34, 0.67, 1]) == pytest.approx(values, rel=0.061)
    assert found.counts().accuracy == 0.01


def test_nothing_has_no_quantiles_and_no_number_is_refused() -> None:
    with pytest.raises(IndexError, match="empty"):
        Sketch(0.01).quantiles([0.5])
    with pytest.raises(ValueError, match="not-a-number"):
        Sketch(0.01).add(float("nan"))


def test_rounding_does_not_hide_the_least_of_all() -> None:
    """A share of nearly 1 of sums that are rounded on the way: the least value is the answer at the latest."""
    values = [10.0**n for n in range(-6, 15)]
    assert sketch(values).value_reaching(1.0 + 1e-12) == snap(1e-6, 0.01)
