"""Features of the product: retention, slope, top and unused features, interests. Day 20,094 is a Monday."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.adoption.feature_retention import Retention, overall, retention, retentions
from ebbtide.models.adoption.interests import Interests, interests
from ebbtide.models.adoption.slope import Slope, slope, slopes
from ebbtide.models.adoption.top_features import top_features, unused_features
from ebbtide.models.policy import AdoptionPolicy

MONDAY = 20_094
POLICY = AdoptionPolicy()
WEEKS = st.lists(st.integers(0, 1_000), max_size=9)


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ([3, 2, 0, 1, 0, 0, 4], Retention(3, 1)),  # after weeks 0, 1, 3: again, not, not; week 6 is the newest
        ([1, 1, 1, 1], Retention(3, 3)),
        ([0, 0, 0, 5], Retention(0, 0)),
        ([5], Retention(0, 0)),
        ([], Retention(0, 0)),
    ],
)
def test_used_in_a_week_and_again_in_the_next(weeks: list[int], expected: Retention) -> None:
    assert retention(weeks) == expected


def test_shares_and_all_modules_together() -> None:
    modules = {"b": [1, 1, 0, 1], "a": [1, 1, 1, 1], "c": [0, 0, 0, 1]}
    by_module = retentions(modules)
    assert list(by_module) == ["a", "b"]
    assert by_module["a"].share == 1.0
    assert by_module["b"].share == 0.5
    assert overall(by_module.values()) == Retention(5, 4)
    assert overall([]).share is None


@given(WEEKS)
def test_retention_is_a_share_of_the_weeks(weeks: list[int]) -> None:
    found = retention(weeks)
    assert 0 <= found.again <= found.used <= max(0, len(weeks) - 1)


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ([2, 4, 6, 8], Slope(2.0, 0.4)),
        ([8, 6, 4, 2], Slope(-2.0, -0.4)),
        ([5, 5, 5], Slope(0.0, 0.0)),
        ([1, 0, 2], Slope(0.5, 0.5)),
        ([0, 0, 0, 0], None),
        ([1, 2], None),
        ([], None),
    ],
)
def test_least_squares(weeks: list[int], expected: Slope | None) -> None:
    assert slope(weeks) == expected


@given(st.lists(st.integers(0, 1_000), min_size=3, max_size=9).filter(any))
def test_the_slope_turns_with_the_weeks(weeks: list[int]) -> None:
    there, back = slope(weeks), slope(weeks[::-1])
    assert there is not None
    assert back is not None
    assert there.per_week == -back.per_week
    assert there.relative * sum(weeks) / len(weeks) == pytest.approx(there.per_week)


@pytest.mark.parametrize(
    ("first_day", "known"),
    [
        (MONDAY - 28, [2, 4, 6, 8]),
        (MONDAY - 29, [2, 4, 6, 8]),  # the week of the first activity is not whole
        (MONDAY - 27, []),  # three whole weeks are too few
        (MONDAY - 700, [0, 0, 0, 0, 2, 4, 6, 8]),  # the newest eight
    ],
)
def test_slopes_begin_with_the_first_whole_week(first_day: int, known: list[int]) -> None:
    weeks = {"a": [9, 0, 0, 0, 0, 2, 4, 6, 8]}
    assert slopes(weeks, first_day, MONDAY + 3, POLICY) == {"a": slope(known)}


def test_top_features_and_their_ties() -> None:
    counts = {"b": 5, "a": 5, "c": 9, "d": 0}
    assert top_features(counts, 5) == ["c", "a", "b"]
    assert top_features(counts, 2) == ["c", "a"]


def test_unused_features_keep_the_order_of_value() -> None:
    assert unused_features({"b": 1, "d": 0}, ["c", "b", "a", "c", "d"], 5) == ["c", "a", "d"]
    assert unused_features({}, ["c", "b", "a"], 2) == ["c", "b"]


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9)))
def test_no_feature_is_both_top_and_unused(counts: dict[str, int]) -> None:
    assert set(top_features(counts, 9)).isdisjoint(unused_features(counts, "abcdef", 9))
    assert set(top_features(counts, 9)).union(unused_features(counts, "abcdef", 9)) == set("abcdef")


def test_interests_name_what_to_talk_about() -> None:
    found = interests(
        {"funnels": 40, "overview": 12},
        {"Home": 9, "Docs": 30, "Settings": 1},
        {
            "funnels": Slope(1.0, 0.1),
            "replay": Slope(0.5, 0.8),
            "overview": Slope(-1.0, -0.2),
            "even": Slope(0.0, 0.0),
            "new": None,
        },
        3,
    )
    assert found == Interests(("funnels", "overview"), ("Docs", "Home", "Settings"), ("replay", "funnels"))
