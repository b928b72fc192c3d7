"""The customer base changed: told at once, for what counts, whoever counted it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.shift import (
    LEAST_CUSTOMERS,
    LEAST_INSTANTS,
    WATCHED,
    WIDTHS,
    InputWatch,
    Moved,
    counted,
    merged,
    stability_index,
)
from ebbtide.models.customer.decisions import PACKED
from support.vectors import VECTORS, without_contract

EVENTS = "events_28d"


def asked(seed: int, *groups: tuple[int, float], spread: float = 0.7) -> tuple[dict[str, dict[int, int]], int]:
    """So many customers whose events lie around a value, and how many they are."""
    random = Random(seed)
    vectors = []
    for customers, mean in groups:
        for _ in range(customers):
            vector = without_contract(1.0)
            vector[NAMES.index(EVENTS)] = max(0.0, random.gauss(mean, spread))
            vectors.append(PACKED.pack(*vector))
    return counted(vectors), len(vectors)


def look(watch: InputWatch, seed: int, *groups: tuple[int, float], spread: float = 0.7) -> Moved | None:
    counts, customers = asked(seed, *groups, spread=spread)
    return watch.look(counts, customers, enter=0.25, leave=0.1)


def test_a_new_kind_of_customer_is_told_at_once_and_becomes_usual() -> None:
    watch = InputWatch()
    assert [look(watch, week, (400, 5.0)) for week in range(30)] == [None] * 30
    moved = look(watch, 30, (400, 5.0), (200, 2.0))
    assert moved is not None
    assert (moved.is_shifted, moved.customers, list(moved.indices)) == (True, 600, [EVENTS])
    assert moved.indices[EVENTS] > 0.25
    later = [look(watch, 31 + week, (400, 5.0), (200, 2.0)) for week in range(12)]
    settled = [told for told in later if told is not None]
    assert [(told.is_shifted, told.indices) for told in settled] == [(False, {})]
    assert not watch.is_shifted


def test_growth_of_the_same_kind_is_no_shift() -> None:
    watch = InputWatch()
    assert [look(watch, week, (100 + 40 * week, 5.0)) for week in range(40)] == [None] * 40


def test_small_books_and_young_ones_say_nothing() -> None:
    small = InputWatch()
    for week in range(20):
        assert look(small, week, (LEAST_CUSTOMERS - 1, 5.0 if week < 10 else 1.0)) is None
    assert small == InputWatch()
    young = InputWatch()
    for week in range(LEAST_INSTANTS):
        assert look(young, week, (400, float(week))) is None
    assert young.instants == LEAST_INSTANTS


@given(st.lists(VECTORS, min_size=1, max_size=20), st.integers(0, 20))
def test_partitions_count_together_what_one_counts_alone(vectors: list[tuple[float, ...]], cut: int) -> None:
    packed = [PACKED.pack(*vector) for vector in vectors]
    parts = [counted(part) for part in (packed[:cut], packed[cut:]) if part]
    assert merged(parts) == counted(packed)
    assert list(counted(packed)) == list(WATCHED)
    for name, bins in counted(packed).items():
        assert sum(bins.values()) == len(packed)
        for vector in packed:
            value = PACKED.unpack(vector)[NAMES.index(name)]
            assert any(number * WIDTHS[name] <= value < (number + 1) * WIDTHS[name] + 1e-9 for number in bins)


HISTOGRAM = st.dictionaries(st.integers(-5, 20), st.integers(1, 1_000), min_size=1)


@given(HISTOGRAM, HISTOGRAM, st.integers(2, 9))
def test_the_index_is_none_for_the_same_and_no_more_for_more_of_it(
    one: dict[int, int], other: dict[int, int], times: int
) -> None:
    assert stability_index(one, one) == 0.0
    assert stability_index(one, {number: times * count for number, count in one.items()}) == 0.0
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))
    assert stability_index(one, other) >= 0.0


def test_the_index_by_hand() -> None:
    """Shares 1/2, 1/2 against 3/4, 1/4: ¼·ln 1.5 + ¼·ln 2, less (1 + 3·√2)·(1/1000 + 1/2000)."""
    chance = (1 + 3 * 2**0.5) * 0.0015
    assert stability_index({0: 500, 1: 500}, {0: 1_500, 1: 500}) == pytest.approx(0.27465307 - chance, abs=1e-8)


def test_a_small_book_is_not_alarmed_by_chance() -> None:
    """Sixty customers of one wide kind, twenty books of a year."""
    for seed in range(20):
        watch = InputWatch()
        assert [look(watch, 100 * seed + week, (60, 6.0), spread=2.5) for week in range(52)] == [None] * 52
