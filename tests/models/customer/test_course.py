"""Declines: the days since which a customer does less than half of its usual, as soon as that is hardly chance."""

from __future__ import annotations

from itertools import accumulate, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.grid import MONDAY
from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.comparable import recovery
from ebbtide.models.customer.course import Course, Decline, Declines
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.workdays import weekday_of
from ebbtide.models.policy import BaselinePolicy, DropPolicy

BASELINE, DROPS = BaselinePolicy(), DropPolicy()
DECLINES = Declines(BASELINE, DROPS)
DAILY, WORKDAYS, SLOW = Cadence(1.0, business=False), Cadence(1.0, business=True), Cadence(3.0, business=True)

Person = dict[int, int]
"""Actions by day."""


def series_of(people: list[Person]) -> DaySeries:
    series = DaySeries()
    for day in sorted({day for person in people for day in person}):
        put(series, people, day)
    return series


def put(series: DaySeries, people: list[Person], day: int) -> None:
    series.put(day, [sum(person.get(day, 0) for person in people), 0, 0, 0, 0, 0, 0, -1, -1])


def decline(people: list[Person], day: int, own: Cadence = WORKDAYS) -> Decline | None:
    return DECLINES.newest(Course(), series_of(people), people, day, own)


def team(weeks: int, size: int = 5, each: int = 3, until: int | None = None) -> list[Person]:
    """People who come on every workday, from a Monday on; all of them stay away from day ``until`` on."""
    days = [day for day in range(MONDAY, MONDAY + 7 * weeks) if weekday_of(day) < 5]
    return [dict.fromkeys((day for day in days if until is None or day < until), each) for _ in range(size)]


def test_a_team_that_stays_away_is_missed_within_two_days() -> None:
    stops = MONDAY + 7 * 10 + 1
    people = team(12, until=stops)
    told = [decline(people, day) for day in range(stops, stops + 4)]
    assert told[:2] == [None, None]
    found = told[2]
    assert found is not None
    # Two workdays of five people, three actions each.
    assert (found.width, found.people, found.actions) == (2, 0, 0)
    assert found.usual_people == pytest.approx(10.0)
    assert found.usual_actions == pytest.approx(30.0, rel=0.02)
    assert found.ratio == 0.0


def test_a_decline_lasts_two_cadences() -> None:
    stops = MONDAY + 7 * 10
    people = team(12, until=stops)
    lengths = [next(day for day in range(20) if decline(people, stops + day, own)) for own in (WORKDAYS, DAILY, SLOW)]
    # Two workdays; one Monday and the weekend before; six workdays, of which more than half are missed.
    assert lengths == [2, 1, 4]


def test_weekends_are_no_decline() -> None:
    people = team(10)
    assert [decline(people, MONDAY + 7 * 9 + day) for day in range(7)] == [None] * 7


def fallen_team(changed: int, each: int) -> list[Person]:
    """Five people of thirty actions each workday; from a day on every other of them comes, and does less."""
    people = team(20, each=30)
    for who, person in enumerate(people):
        for day in [day for day in person if day >= changed]:
            person[day] = each
            if (day + who) % 2:
                del person[day]
    return people


def test_who_does_more_than_half_is_not_told_however_sure_that_is() -> None:
    changed = MONDAY + 7 * 16
    kept, lost = (decline(fallen_team(changed, each), changed + 26) for each in (36, 20))
    assert kept is None
    assert lost is not None
    assert lost.ratio < 0.5


def test_who_does_little_is_told_later() -> None:
    stops = MONDAY + 7 * 12
    weekly = [{MONDAY + 7 * week: 6 for week in range(12)}, {MONDAY + 7 * week + 2: 4 for week in range(12)}]
    first = next(day for day in range(28) if decline(weekly, stops + day) is not None)
    # Two Mondays and a Wednesday without anybody.
    assert 8 < first <= 10
    # Sixteen actions in four weeks are too few to tell anything.
    assert all(decline([{MONDAY + 7 * week: 4 for week in range(12)}], stops + day) is None for day in range(28))


def test_what_is_over_is_no_decline() -> None:
    holiday = range(MONDAY + 7 * 12, MONDAY + 7 * 13)
    people = [{day: count for day, count in person.items() if day not in holiday} for person in team(16)]
    told = [decline(people, holiday.start + day) is not None for day in range(28)]
    # A week off and a week of work are half of the usual.
    assert told == [False] * 2 + [True] * 9 + [False] * 17


@st.composite
def habits_with_news(draw: st.DrawFn) -> tuple[list[Person], list[tuple[int, int, int]]]:
    """Up to three people over 14 weeks, and late news: a person, a day, and what was done on it."""
    span = 7 * 14
    rate = draw(st.sampled_from([1, 2, 5]))
    people = [
        {
            MONDAY + day: count
            for day, count in enumerate(draw(st.lists(st.integers(0, 4), min_size=span, max_size=span)))
            if count and (day % rate == 0) and (day < 70 or draw(st.booleans()))
        }
        for _ in range(draw(st.integers(1, 3)))
    ]
    news = st.tuples(st.integers(0, len(people) - 1), st.integers(MONDAY, MONDAY + span), st.integers(1, 30))
    return people, draw(st.lists(news, max_size=4))


UNSEEN = st.lists(st.frozensets(st.integers(MONDAY, MONDAY + 97), max_size=40), min_size=13, max_size=13)


@given(habits_with_news(), UNSEEN)
def test_what_is_kept_changes_nothing(
    given_news: tuple[list[Person], list[tuple[int, int, int]]], unseen: list[frozenset[int]]
) -> None:
    """However a course was followed before, whatever came late, and whichever days were found to say nothing meanwhile:
    it tells what a new one tells."""
    people, news = given_news
    series, course = series_of(people), Course()
    for step, day in enumerate(range(MONDAY + 60, MONDAY + 98, 3)):
        for _ in range(2 if step % 3 == 2 else 0):
            if news:
                who, at, count = news.pop()
                people[who][at] = count
                put(series, people, at)
                course.forget([at])
        # Some of the days are known at once, others later.
        lost = unseen[step // 3] | unseen[step] if step % 2 else unseen[step // 3]
        kept = DECLINES.newest(course, series, people, day, DAILY, lost)
        assert kept == DECLINES.newest(Course(), series, people, day, DAILY, lost)
        assert kept == shortest(people, day, lost)
        if day < MONDAY + 90:
            silent = range(day - 3, day)
            told = DECLINES.silence(course, series, people, silent, lost)
            assert told == DECLINES.silence(Course(), series, people, silent, lost)


def shortest(people: list[Person], day: int, unseen: frozenset[int]) -> Decline | None:
    """The shortest decline that is sure, by adding up each."""
    course = Course()
    series = series_of(people)
    DECLINES.newest(course, series, people, day, DAILY, unseen)
    back = range(day - 1, day - DROPS.longest_days - 1, -1)
    known = list(takewhile(lambda at: at in unseen or course.days[at].usual_people > 0, back))
    lost = list(accumulate(int(at in unseen) for at in known))
    sums = [list(accumulate(column)) for column in zip(*(course.days[at] for at in known), strict=True)]
    told = [Decline(width, *row) for width, row in enumerate(zip(*sums, lost, strict=True), 1)]
    sure = [one for one in told if one.width - one.unseen >= 2 and one.evidence > DROPS.evidence]
    found = next((one for one in sure if one.actions < one.usual_actions / 2), None)
    ends = recovery(series, day, DAILY, BASELINE)
    is_over = found is not None and found.width > 7 and ends is not None and ends.ratio >= BASELINE.drop_leave
    return None if is_over else found


def test_a_holiday_before_a_decline_is_no_part_of_it_and_teaches_nothing() -> None:
    """Nobody comes in the tenth week; from the Wednesday of the eleventh on everybody stays away."""
    holiday = frozenset(range(MONDAY + 63, MONDAY + 70))
    stops = MONDAY + 72
    people = [{day: 3 for day in person if day not in holiday} for person in team(12, until=stops)]
    series = series_of(people)
    seen = [DECLINES.newest(Course(), series, people, day, WORKDAYS, holiday) for day in range(stops - 2, stops + 3)]
    assert seen[:4] == [None] * 4
    found, usual = seen[4], decline(team(12, until=stops), stops + 2)
    assert found is not None
    assert usual is not None
    # But for what is known from seven weeks in place of eight.
    assert found._replace(evidence=usual.evidence) == usual
    assert found.evidence == pytest.approx(usual.evidence, rel=0.05)
    # As long as nobody knows of the holiday it is a decline itself, and only a week of it.
    assert decline(people, MONDAY + 66) is not None
    # Silence over it says no more than the days before and after it.
    silent = range(MONDAY + 63, MONDAY + 70)
    assert DECLINES.silence(Course(), series, people, silent, holiday) == 0.0
    without = DECLINES.silence(Course(), series, people, silent)
    assert without is not None
    assert without > 4


def test_days_left_out_are_no_silence() -> None:
    """Two cadences of four workdays must have been seen."""
    rare = Cadence(4.0, business=True)
    stops = MONDAY + 72
    people = team(14, until=stops)
    for lost in range(4):
        unseen = frozenset(range(stops, stops + lost))
        told = [decline(people, day, rare) for day in range(stops, stops + 20)]
        kept = [
            DECLINES.newest(Course(), series_of(people), people, day, rare, unseen) for day in range(stops, stops + 20)
        ]
        first, later = (next(n for n, one in enumerate(row) if one is not None) for row in (told, kept))
        assert later >= first
        found = kept[later]
        assert found is not None
        assert found.unseen == lost


def test_two_late_days_before_anybody_asks() -> None:
    people = team(12, until=MONDAY + 72)
    series, course = series_of(people), Course()
    DECLINES.newest(course, series, people, MONDAY + 76, WORKDAYS)
    for at in (MONDAY + 75, MONDAY + 73):
        for person in people:
            person[at] = 3
        put(series, people, at)
        course.forget([at])
    assert DECLINES.newest(course, series, people, MONDAY + 76, WORKDAYS) == decline(people, MONDAY + 76)


def test_nothing_is_said_of_who_never_came_or_is_new() -> None:
    assert decline([{}], MONDAY + 80) is None
    assert decline(team(3, until=MONDAY + 14), MONDAY + 20) is None


def test_a_course_does_not_grow() -> None:
    people = team(60)
    series, course = series_of(people), Course()
    for day in range(MONDAY + 60, MONDAY + 7 * 60):
        DECLINES.newest(course, series, people, day, DAILY)
    assert len(course.days) <= 3 * DROPS.longest_days + 1
    assert len(course.habits) <= 20
    course.forget([])
    course.forget([MONDAY + 7 * 60])
    assert course.until is not None
