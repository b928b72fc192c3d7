"""Own rhythm and silence. Day 20,094 is Monday, 2025-01-06."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.cadence import (
    Cadence,
    SilenceState,
    asleep_after,
    cadence,
    cadence_of,
    instant_of,
    left_after,
    silence,
    silence_state,
)
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.rhythm import own_cadence
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.view import View
from ebbtide.models.customer.workdays import day_after_workdays, is_weekend, workdays_before
from ebbtide.models.policy import CadencePolicy

MONDAY = 20_094
SATURDAY = MONDAY + 5
POLICY = CadencePolicy()
DAYS = st.integers(-2_000, 40_000)


def active(*days: int) -> DaySeries:
    series = DaySeries()
    for day in days:
        series.put(day, [1, 0, 0, 0, 0, 0, 0, -1, -1])
    return series


@given(DAYS, st.integers(0, 60))
def test_workdays_are_mondays_to_fridays(start: int, length: int) -> None:
    counted = sum(date.fromordinal(719_163 + day).weekday() < 5 for day in range(start, start + length))
    assert workdays_before(start + length) - workdays_before(start) == counted


@given(DAYS)
def test_the_weekend_is_saturday_and_sunday(day: int) -> None:
    assert is_weekend(day) == (date.fromordinal(719_163 + day).weekday() >= 5)


@given(st.lists(st.integers(MONDAY, MONDAY + 60), min_size=1), st.sets(st.integers(MONDAY, MONDAY + 60)))
def test_the_cadence_of_a_series_is_that_of_its_days_in_whatever_order_they_came(
    told: list[int], gone: set[int]
) -> None:
    series = active(*told)
    for day in gone:
        series.put(day, [0] * 9)
    known = sorted(set(told) - gone)
    assert cadence(series, MONDAY + 61, POLICY) == cadence_of(known[-POLICY.max_gaps - 1 :], POLICY)


@given(st.integers(-1_000, 20_000))
def test_the_day_after_workdays_is_the_first(count: int) -> None:
    day = day_after_workdays(count)
    assert workdays_before(day) == count
    assert workdays_before(day - 1) < count


@given(DAYS, st.floats(0.5, 40), st.floats(1, 20), st.booleans())
def test_the_instant_of_a_silence_is_the_first(last: int, silent: float, gap: float, business: bool) -> None:
    own = Cadence(gap, business)
    day = instant_of(last, silent, own)
    assert silence(last, day, own) >= silent
    assert silence(last, day - 1, own) < silent


@pytest.mark.parametrize(
    ("days", "gap", "business"),
    [
        ([SATURDAY], 7.0, False),  # the prior: nothing is known
        ([SATURDAY + 2 * n for n in range(5)], 7.0, False),  # four gaps are not enough
        ([SATURDAY + 2 * n for n in range(6)], 2.0, False),  # five are
        ([SATURDAY + n for n in (0, 1, 2, 3, 6, 10, 14)], 2.0, False),  # 1 1 1 3 4 4: between 1 and 3
        ([MONDAY + n for n in (0, 1, 2, 3, 4, 7)], 1.0, True),  # every workday; Friday to Monday is one step
        ([MONDAY + 7 * n for n in range(6)], 5.0, True),  # every Monday
        ([*(MONDAY + n for n in (0, 1, 2, 3, 4)), SATURDAY], 1.0, False),  # a weekend day half as often as a workday
        ([*(MONDAY + n for n in (0, 1, 2, 3, 4, 7)), SATURDAY + 7], 1.0, True),  # less than half as often
        ([*(MONDAY + n for n in (0, 1, 2, 3, 4, 7)), SATURDAY + 8], 1.0, True),  # a Sunday likewise
        ([*(MONDAY + n for n in range(7)), MONDAY + 7, MONDAY + 8], 1.0, False),  # every day, for a while
    ],
)
def test_the_median_gap(days: list[int], gap: float, business: bool) -> None:
    assert cadence(active(*days), days[-1] + 1, POLICY) == Cadence(gap, business)


@given(st.lists(st.integers(0, 120), min_size=6, max_size=40, unique=True), st.floats(0, 1))
def test_business_days_are_those_of_who_rests_at_weekends(offsets: list[int], rate: float) -> None:
    days = [MONDAY + offset for offset in sorted(offsets)]
    weekend = [day for day in days if (day - MONDAY) % 7 >= 5]
    rests = not weekend or len(weekend) / 2 < rate * (len(days) - len(weekend)) / 5
    found = cadence(active(*days), days[-1] + 1, POLICY.model_copy(update={"weekend_rate": rate}))
    count: Callable[[int], int] = workdays_before if rests else int
    assert found == Cadence(median(count(after) - count(before) for before, after in pairwise(days)), rests)
    assert found.gap >= 1


def test_with_a_rate_of_zero_one_day_at_a_weekend_is_enough() -> None:
    days = [*(MONDAY + n for n in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11)), SATURDAY + 7]
    assert cadence(active(*days), days[-1] + 1, POLICY).business
    assert not cadence(active(*days), days[-1] + 1, POLICY.model_copy(update={"weekend_rate": 0.0})).business


def test_only_the_newest_fifty_gaps_count() -> None:
    days = [SATURDAY - 3 * n for n in range(100, 0, -1)] + [SATURDAY + n for n in range(51)]
    assert cadence(active(*days), days[-1] + 1, POLICY) == Cadence(1.0, business=False)
    assert cadence(active(*days), SATURDAY + 1, POLICY) == Cadence(3.0, business=False)


@pytest.mark.parametrize(
    ("gap", "asleep", "left"),
    [(2.0, 4.0, 15.0), (1.0, 3.0, 7.5), (1.5, 3.0, 11.25), (7.0, 14.0, 52.5)],
)
def test_asleep_at_two_gaps_and_left_at_seven_and_a_half(gap: float, asleep: float, left: float) -> None:
    own = Cadence(gap, business=False)
    assert (asleep_after(own, POLICY), left_after(own, POLICY)) == (asleep, left)
    assert silence_state(asleep - 0.5, own, POLICY) is SilenceState.AWAKE
    assert silence_state(asleep, own, POLICY) is SilenceState.ASLEEP
    assert silence_state(left - 0.5, own, POLICY) is SilenceState.ASLEEP
    assert silence_state(left, own, POLICY) is SilenceState.LEFT


def test_a_weekend_is_no_silence_for_who_never_works_then() -> None:
    own = Cadence(1.0, business=True)
    friday = MONDAY + 4
    assert [silence(friday, friday + n, own) for n in range(1, 7)] == [1, 1, 1, 2, 3, 4]
    assert instant_of(friday, 3.0, own) == MONDAY + 9  # Wednesday, where calendar days would say Monday
    assert own.days == 1.4


def test_left_is_never_before_asleep() -> None:
    policy = CadencePolicy(left_gaps=0.5)
    own = Cadence(4.0, business=False)
    assert left_after(own, policy) == asleep_after(own, policy) == 8.0
    assert silence_state(8, own, policy) is SilenceState.LEFT


@given(
    st.lists(st.tuples(st.integers(100, 260), st.booleans()), min_size=1, max_size=120),
    st.lists(st.integers(0, 40), max_size=60),
)
def test_gaps_that_move_on_are_those_told_anew(puts: list[tuple[int, bool]], looks: list[int]) -> None:
    """Whatever days come or go, late ones too, and in whatever order instants are asked for."""
    policy = CadencePolicy(max_gaps=6, min_gaps=2)
    series, asked = DaySeries(), View(Customer("c", "t", "group_id", "acme"))
    asked.series = series
    look = 100
    for step, (day, stays) in enumerate([*sorted(puts[::2]), *puts[1::2]]):
        series.put(day, [int(stays), 0, 0, 0, 0, 0, 0, -1, -1])
        look += looks[step] if step < len(looks) else 1
        for at in (look, look + 1, day, day + 1):
            if series.count_before(at):
                assert own_cadence(asked, at, policy) == cadence(series, at, policy)
