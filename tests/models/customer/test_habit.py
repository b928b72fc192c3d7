"""Habits: what is usual on a weekday, and how likely a day is if only a share of it is done."""

from __future__ import annotations

from collections.abc import Collection
from math import exp, lgamma, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.grid import MONDAY
from ebbtide.models.customer.habit import Habit, Habits, Sums
from ebbtide.models.customer.workdays import weekday_of
from ebbtide.models.policy import BaselinePolicy, DropPolicy

BASELINE, DROPS = BaselinePolicy(), DropPolicy(habit_lag_weeks=0)
HABITS = Habits(BASELINE, DROPS)
FIRST = MONDAY
NOW = FIRST + 7 * 8


def told(people: list[set[int]], each: int, now: int = NOW, first: int = FIRST) -> Habit | None:
    """The habit of people who do ``each`` actions on every active day."""
    return HABITS.as_of(now, first, people, sums(people, each))


def sums(people: list[set[int]], each: int) -> Sums:
    """What people do who do ``each`` actions on every active day."""
    return lambda day, width: each * sum(at in days for days in people for at in range(day - width, day))


def workweeks(people: int, weeks: int = 8) -> list[set[int]]:
    return [{day for day in range(FIRST, FIRST + 7 * weeks) if weekday_of(day) < 5} for _ in range(people)]


def test_a_habit_by_hand() -> None:
    habit = told(workweeks(2), 3)
    assert habit is not None
    assert [weekday.people for weekday in habit.weekdays] == pytest.approx([2.0] * 5 + [0.02] * 2)
    # 240 actions on 80 days of people, and 2.5 on one.
    assert habit.actions == 2.99
    # Both come for sure: no spread but that of the usual itself, known from 16 days and the mean of all for two.
    spread = 0.05 / 2 + 2 * (0.1 + 1 / (16 + 4 + 0.5))
    assert habit.weekdays[0].by_share[0] == pytest.approx((2 * (1 - 0.5**0.6) / spread, 0.6 * log(0.5) / spread))


def test_days_that_say_nothing_teach_nothing() -> None:
    """As if the week had not been; where more than half of the days are gone, nothing is known."""
    people = workweeks(2)

    def habit(unseen: Collection[int]) -> Habit | None:
        here = [{day for day in days if day not in unseen} for days in people]
        return HABITS.as_of(NOW, FIRST, here, sums(here, 3), unseen)

    usual, without = told(workweeks(2, 7), 3, NOW - 7), habit(range(FIRST + 14, FIRST + 21))
    assert usual is not None
    assert without is not None
    assert without.actions == usual.actions
    assert [weekday.people for weekday in without.weekdays] == pytest.approx(
        [weekday.people for weekday in usual.weekdays]
    )
    # All Mondays are gone: a Monday is as any workday.
    mondays = habit(range(FIRST, NOW, 7))
    assert mondays is not None
    assert mondays.weekdays[0].people == pytest.approx(2.0)
    assert habit(range(FIRST + 28, NOW)) is not None
    assert habit(range(FIRST + 27, NOW)) is None
    # The older half of the weeks may be gone altogether.
    assert habit(range(FIRST, FIRST + 28)) is not None


def test_the_newest_weeks_teach_nothing_as_far_as_older_ones_are_enough() -> None:
    late = Habits(BASELINE, DropPolicy(habit_lag_weeks=2))

    def learned(weeks: int, quiet: int) -> float:
        """People on a Monday, where nobody came in the newest weeks."""
        end = FIRST + 7 * weeks
        people = [{day for day in days if day < end - 7 * quiet} for days in workweeks(2, weeks)]
        habit = late.as_of(end, FIRST, people, sums(people, 9))
        assert habit is not None
        return habit.weekdays[0].people

    assert [learned(10, quiet) for quiet in (0, 1, 2)] == pytest.approx([2.0, 2.0, 2.0])
    assert learned(10, 3) < 1.9
    # Of five weeks the newest one is left out, of four none.
    assert learned(5, 1) == pytest.approx(2.0)
    assert learned(5, 2) < 1.9
    assert learned(4, 1) < 1.9


def test_a_weekday_leans_on_its_kind() -> None:
    (days,) = workweeks(1)
    habit = told([{day for day in days if weekday_of(day) != 2}], 5)
    assert habit is not None
    wednesday, thursday = habit.weekdays[2].people, habit.weekdays[3].people
    assert wednesday == pytest.approx(2 * 0.8 / 10)
    assert thursday == pytest.approx((8 + 2 * 0.8) / 10)


@given(st.lists(st.sets(st.integers(FIRST, NOW - 1)), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_people_come_in_any_order(people: list[set[int]], rng: Random) -> None:
    mixed = rng.sample(people, len(people))
    assert told(people, 20) == told(mixed, 20)


def test_actions_of_nobody_are_no_habit_of_people() -> None:
    habit = HABITS.as_of(NOW, FIRST, [], lambda _day, width: 5 * width)
    assert habit is not None
    assert {weekday.people for weekday in habit.weekdays} == {0.02}


def test_one_week_is_enough_where_the_policy_says_so() -> None:
    habits = Habits(BaselinePolicy(min_weeks=1), DROPS)
    days = set(range(FIRST, FIRST + 7))
    habit = habits.as_of(FIRST + 7, FIRST, [days], sums([days], 5))
    assert habit is not None
    assert [weekday.people for weekday in habit.weekdays] == [1.0] * 7


def test_people_who_come_by_chance_spread() -> None:
    steady = told([set(range(FIRST, NOW))] * 2, 3)
    chance = told([{day for day in range(FIRST, NOW) if (day + who) % 4 == 0} for who in range(8)], 3)
    assert steady is not None
    assert chance is not None
    assert steady.weekdays[0].people == pytest.approx(chance.weekdays[0].people)
    # That nobody comes is less of a surprise where everybody came by chance.
    assert HABITS.evidence(steady, NOW, 0, 0) > 1.5 * HABITS.evidence(chance, NOW, 0, 0) > 0


@pytest.mark.parametrize(
    ("people", "each", "now", "known"),
    [
        (workweeks(2), 3, NOW, True),
        (workweeks(2, weeks=4), 3, FIRST + 28, True),
        (workweeks(2, weeks=4), 3, FIRST + 27, False),  # four whole weeks are needed
        ([{FIRST + 7 * week for week in range(8)}], 5, NOW, True),  # 40 actions in 56 days are 20 in 28
        ([{FIRST + 7 * week for week in range(8)}], 4, NOW, False),
        ([{FIRST + 7 * week for week in range(4)}], 5, NOW, True),  # who stopped four weeks ago
        ([{FIRST + 7 * week for week in range(4)}], 4, NOW, False),
        ([], 4, NOW, False),
    ],
)
def test_what_a_habit_takes(people: list[set[int]], each: int, now: int, known: bool) -> None:
    assert (told(people, each, now) is not None) == known


def negative_binomial(count: int, mean: float, size: float) -> float:
    """Logarithm of its mass."""
    return (
        lgamma(count + size)
        - lgamma(size)
        - lgamma(count + 1)
        + size * log(size / (size + mean))
        + count * log(mean / (size + mean))
    )


@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 25), st.integers(0, 200), st.integers(0, 6))
def test_evidence_is_a_ratio_of_likelihoods(usual: int, each: int, people: int, rest: int, weekday: int) -> None:
    habit = told(workweeks(usual), each)
    if habit is None:
        return
    mean = habit.weekdays[weekday].people
    counted, steady = (8 * usual, usual) if weekday < 5 else (0, 0.0)
    wander = DROPS.people_wander + 1 / (counted + 2 * mean + 0.5)
    spread = max((mean - steady + 0.05) / mean + wander * mean, 0.25)

    def likelihood(share: float) -> float:
        comes: float = share**DROPS.people_power
        found = (people * log(mean * comes) - mean * comes) / spread
        if people:
            expected = max(people * (habit.actions * share ** (1 - DROPS.people_power) - 1), 0.05)
            found += negative_binomial(rest, expected, DROPS.actions_shape * people / (1 + 0.1 * people))
        return found

    usually = likelihood(1.0)
    expected = log(sum(exp(likelihood(share) - usually) for share in DROPS.shares) / len(DROPS.shares))
    actions = people + rest if people else 0
    assert HABITS.evidence(habit, FIRST + weekday, people, actions) == pytest.approx(expected, abs=1e-6)


def test_fewer_people_and_less_done_both_are_evidence() -> None:
    habit = told(workweeks(6), 5)
    assert habit is not None
    fewer = [HABITS.evidence(habit, NOW, people, 5 * people) for people in (6, 4, 2, 0)]
    less = [HABITS.evidence(habit, NOW, 6, actions) for actions in (30, 20, 10, 6)]
    assert fewer[0] == less[0] < 0
    assert fewer == sorted(fewer)
    assert less == sorted(less)
    # Nobody comes at weekends: that nobody came says next to nothing.
    assert 0 < HABITS.evidence(habit, NOW + 5, 0, 0) < 0.05


@pytest.mark.parametrize("shares", [(0.5, 1.0), (0.0,), ()])
def test_shares_are_less_than_the_usual(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares"):
        DropPolicy(shares=shares)


def test_whoever_thinks_of_one_share_is_told_of_it_sooner() -> None:
    halves = Habits(BASELINE, DropPolicy(shares=(0.5,)))
    people = workweeks(6)
    of_all, of_halves = (each.as_of(NOW, FIRST, people, sums(people, 5)) for each in (HABITS, halves))
    assert of_all is not None
    assert of_halves is not None
    assert halves.evidence(of_halves, NOW, 4, 15) > HABITS.evidence(of_all, NOW, 4, 15)
    assert halves.evidence(of_halves, NOW, 0, 0) < HABITS.evidence(of_all, NOW, 0, 0)
