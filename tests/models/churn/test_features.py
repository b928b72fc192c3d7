"""The vector: its order, its ranges, and what it may know."""

from __future__ import annotations

import struct
from math import isfinite, log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.features import FEATURES, NAMES, NO_CONTRACT, features, is_under_contract, was_active
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.standing.running import Running
from support.vectors import series

DAYS = st.integers(19_990, 21_500)
CADENCES = st.floats(1.0, 400.0)


def put(
    target: DaySeries, day: int, *, events: int = 1, logins: int = 0, queries: int = 0, revenue: float = 0.0
) -> None:
    target.put(day, [events, logins, queries, int(revenue != 0), round(revenue * 1_000_000), 0, 0, -1, -1])


def vector(target: DaySeries, day: int, cadence: float = 7.0) -> dict[str, float]:
    values = features(target, day, cadence)
    assert values is not None
    return dict(zip(NAMES, values, strict=True))


def test_names_are_unique_and_documented() -> None:
    assert len(set(NAMES)) == len(FEATURES)
    assert all(feature.doc and feature.unit and feature.low < feature.high for feature in FEATURES)


@given(series(), DAYS, CADENCES)
def test_every_number_is_finite_and_within_its_documented_range(target: DaySeries, day: int, cadence: float) -> None:
    values = features(target, day, cadence)
    if values is None:
        assert target.last_day(day) is None
        return
    for feature, value in zip(FEATURES, values, strict=True):
        assert isfinite(value)
        assert feature.low <= value <= feature.high, feature.name


@given(series(min_days=1), DAYS, CADENCES, st.integers(1, 50))
def test_the_future_is_not_seen(target: DaySeries, day: int, cadence: float, events: int) -> None:
    before = features(target, day, cadence)
    put(target, day, events=events, logins=events, revenue=5.0)
    put(target, day + 3, events=events)
    assert features(target, day, cadence) == before


def test_nothing_is_known_of_a_customer_that_was_never_active() -> None:
    target = DaySeries()
    assert features(target, 100, 7.0) is None
    put(target, 100)
    assert features(target, 100, 7.0) is None
    assert features(target, 101, 7.0) is not None


def test_one_purchase_yesterday() -> None:
    target = DaySeries()
    put(target, 99, revenue=20.0)
    seen = vector(target, 100)
    assert seen["recency"] == seen["tenure"] == seen["mean_gap"] == log1p(1)
    assert seen["recency_per_gap"] == log1p(1.0)
    assert seen["recency_per_cadence"] == log1p(1 / 7)
    assert seen["life_share"] == seen["silence_surprise"] == 0.0
    assert seen["revenue_91d"] == seen["revenue_total"] == log1p(20.0)
    assert seen["orders_total"] == log1p(1)


def test_a_regular_user_who_fell_silent() -> None:
    """Ten active days, one in ten days, then 50 days of silence."""
    target = DaySeries()
    for day in range(0, 100, 10):
        put(target, day, events=4, logins=1, queries=3)
    seen = vector(target, 140, cadence=10.0)
    assert seen["recency"] == log1p(50)
    assert seen["recency_per_gap"] == seen["recency_per_cadence"] == log1p(5.0)
    assert seen["active_days_7d"] == seen["active_days_28d"] == seen["events_28d"] == seen["logins_28d"] == 0.0
    assert seen["active_days_91d"] == log1p(5)
    assert seen["active_days_total"] == log1p(10)
    assert seen["trend_28d"] == log(1 / 2)
    assert seen["trend_91d"] == pytest.approx(log(6 / 6))
    assert seen["events_per_active_day"] == log(4)
    assert seen["queries_share"] == 0.75
    assert seen["life_share"] == 90 / 140
    assert seen["silence_surprise"] == log1p(-9 * log(90 / 140))


def test_refunds_have_a_value_of_their_own() -> None:
    target = DaySeries()
    put(target, 0, revenue=-20.0)
    assert vector(target, 5)["revenue_total"] == -log1p(20.0)


YEAR = Running(365, 20, 1, 60)


def under_contract(weekly: list[int], day: int = 700, running: Running = YEAR) -> dict[str, float]:
    """Weeks of one active day each with so many events, the newest last, up to ``day``."""
    target = DaySeries()
    for back, events in enumerate(reversed(weekly)):
        if events:
            put(target, day - 7 * back - 7, events=events)
    values = features(target, day, 7.0, running)
    assert values is not None
    return dict(zip(NAMES, values, strict=True))


@pytest.mark.parametrize(
    ("weekly", "two", "four"),
    [
        ([10] * 12, 100, 100),
        # The usual week of before the last two is the 10 of most; of before the last four, too.
        ([10] * 10 + [4, 0], 20, 60),
        ([10] * 6 + [50, 50] + [10] * 2 + [4, 4], 40, 70),
        ([10] * 8 + [90] * 4, 400, 400),
        # Too little to hold it against.
        ([1] * 12, 100, 100),
        ([2] * 11 + [0], 100, 75),
        ([10, 10], 100, 100),
        ([10, 10, 2], 60, 100),
    ],
    ids=["as ever", "falls", "a week is no habit", "rises", "too little", "just enough", "new", "newer"],
)
def test_use_is_held_against_the_weeks_before(weekly: list[int], two: int, four: int) -> None:
    seen = under_contract(weekly)
    assert (seen["usual_14d"], seen["usual_28d"]) == (log1p(two), log1p(four))


def test_what_is_known_of_the_contract_is_told() -> None:
    seen = under_contract([10] * 12)
    assert seen["people_14d"] == log1p(60)
    assert (seen["contract_days"], seen["contract_days_left"], seen["renewals_due"]) == (
        log1p(365),
        log1p(20),
        log1p(1),
    )


@given(series(min_days=1), DAYS, CADENCES, st.integers(1, 4_000), st.integers(0, 4_000), st.integers(0, 100))
def test_only_the_last_six_are_of_the_contract(
    target: DaySeries, day: int, cadence: float, term: int, left: int, people: int
) -> None:
    alone = features(target, day, cadence)
    told = features(target, day, cadence, Running(term, left, left // term, people))
    if alone is None or told is None:
        assert alone is told
        return
    assert told[: -len(NO_CONTRACT)] == alone[: -len(NO_CONTRACT)]
    assert alone[-len(NO_CONTRACT) :] == NO_CONTRACT
    assert (is_under_contract(told), is_under_contract(alone)) == (True, False)
    for feature, value in zip(FEATURES, told, strict=True):
        assert feature.low <= value <= feature.high, feature.name


@given(st.integers(1, 2_000), st.integers(1, 400))
def test_who_was_active_on_the_last_day_of_a_horizon_was_active_within_it(recency: int, horizon: int) -> None:
    frozen = struct.unpack("<f", struct.pack("<f", log1p(recency)))[0]
    assert was_active([frozen] * len(NAMES), horizon) == (recency <= horizon)
