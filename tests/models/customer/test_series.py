"""The day series against brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.series import (
    EVENTS,
    LAST,
    LAST_LOGIN,
    NO_BUCKET,
    REVENUE,
    SUMMED,
    Bucket,
    DaySeries,
    merge_buckets,
)
from ebbtide.models.policy import LifecyclePolicy
from ebbtide.models.standing.core_value import core_day
from ebbtide.schemas.base import DAY_SECONDS

DAYS = st.integers(100, 140)


@st.composite
def buckets(draw: st.DrawFn) -> Bucket:
    seconds = sorted(draw(st.lists(st.integers(0, 86_399), min_size=2, max_size=2)))
    logins = sorted(draw(st.just([-1, -1]) | st.lists(st.integers(0, 86_399), min_size=2, max_size=2)))
    return [draw(st.integers(0, 5)), draw(st.integers(0, 3)), 0, 1, draw(st.integers(-9, 9)), *seconds, *logins]


PUTS = st.lists(st.tuples(DAYS, buckets(), DAYS, st.integers(1, 30)), max_size=25)


@given(PUTS)
def test_random_puts_and_questions(puts: list[tuple[int, Bucket, int, int]]) -> None:
    series, known = DaySeries(), dict[int, Bucket]()
    assert series.first_day() is None
    for put, bucket, day, width in puts:
        series.put(put, list(bucket))
        known[put] = bucket
        if not bucket[EVENTS]:
            del known[put]
        before = sorted(d for d in known if d < day)
        inside = [d for d in before if d >= day - width]
        assert series.days == sorted(known)
        assert series.get(put) == known.get(put)
        assert (put in series) == (put in known)
        assert series.first_day() == min(known, default=None)
        assert series.last_day(day) == max(before, default=None)
        assert series.count_before(day) == len(before)
        assert series.active_days(day, width) == len(inside)
        for field in (EVENTS, REVENUE):
            assert series.total(field, day) == sum(known[d][field] for d in before)
            assert series.window(field, day, width) == sum(known[d][field] for d in inside)
        weekly = series.by_weeks(day, width // 4)
        assert [before - weekly[-1] for before in weekly] == [
            series.total(EVENTS, day - 7 * week) - series.total(EVENTS, day - 7 * (width // 4))
            for week in range(width // 4 + 1)
        ]
        for field in (LAST, LAST_LOGIN):
            seconds = [d * DAY_SECONDS + known[d][field] for d in before if known[d][field] >= 0]
            assert series.last_at(field, day) == max(seconds, default=None)


@given(st.lists(buckets(), min_size=1, max_size=5))
def test_merging_is_summing_and_does_not_depend_on_order(found: list[Bucket]) -> None:
    merged = merge_buckets(found)
    assert merged == merge_buckets(found[::-1])
    assert merged[:5] == [sum(bucket[field] for bucket in found) for field in range(5)]
    assert merged[5] == min(bucket[5] for bucket in found)
    assert merged[6] == max(bucket[6] for bucket in found)
    logins = [bucket for bucket in found if bucket[7] >= 0]
    assert merged[7] == min((bucket[7] for bucket in logins), default=-1)
    assert merged[8] == max((bucket[8] for bucket in logins), default=-1)
    if len(found) > 1:
        assert merge_buckets([merge_buckets(found[:1]), *found[1:]]) == merged


def test_the_last_days_go_away_with_their_sums() -> None:
    """A profile that goes takes the newest days along; nobody may find a query on a day that is gone."""
    series = DaySeries()
    series.put(100, [1, 0, 0, 0, 0, 1, 1, -1, -1])
    series.put(105, [1, 0, 1, 0, 0, 1, 1, -1, -1])
    policy = LifecyclePolicy(core="query")
    assert core_day(series, 110, policy, tenant_has_queries=True) == 105
    series.put(105, list(NO_BUCKET))
    assert core_day(series, 110, policy, tenant_has_queries=True) is None
    assert series.total(EVENTS, 110) == 1


def test_of_a_day_that_is_known_in_part_the_rest_is_in_every_total() -> None:
    series = DaySeries()
    for day in (100, 101, 102):
        series.put(day, [5, 1, 2, 1, 10, 1, 1, -1, -1])
    assert series.put_partial(100, list(NO_BUCKET), core=True) == [1, 0, 1, 0, 0]
    assert series.put_partial(101, [2, 0, 0, 1, 10, 1, 1, -1, -1], core=False) == [2, 0, 0, 1, 10]
    series.rest = [7, 2, 3, 1, 10]
    assert series.rest == [7, 2, 3, 1, 10]
    assert [series.total(field, 103) for field in range(5)] == [15, 3, 6, 3, 30]
    assert [series.total(EVENTS, day) for day in (100, 101, 102, 103)] == [7, 8, 10, 15]
    assert series.window(EVENTS, 103, 1) == 5
    assert series.active_days(103, 3) == 3
    assert [series.numbers(day) is None for day in (99, 100, 101, 102)] == [True, True, True, False]
    # Without a query of the rest none is told.
    assert series.put_partial(100, list(NO_BUCKET), core=False) == [1, 0, 0, 0, 0]


def test_the_last_day_that_added_something() -> None:
    series = DaySeries()
    assert series.last_with(REVENUE, 100) is None
    for day, revenue in ((100, 5), (101, 0), (105, 7)):
        series.put(day, [1, 0, 0, 0, revenue, 1, 1, -1, -1])
    assert [series.last_with(REVENUE, day) for day in (100, 101, 105, 106)] == [None, 100, 100, 105]


_DAYS = st.dictionaries(st.integers(0, 60), st.lists(st.integers(1, 9), min_size=SUMMED, max_size=SUMMED), min_size=1)


@given(_DAYS, st.data())
def test_a_series_less_some_of_its_days_is_that_of_the_rest(days: dict[int, list[int]], data: st.DataObject) -> None:
    whole, rest = DaySeries(), DaySeries()
    for day, sums in days.items():
        whole.put(day, [*sums, 1, 2, 3, 4])
    whole.rest = [7] * SUMMED
    above = {
        day: [data.draw(st.integers(0, value)) for value in days[day]]
        for day in data.draw(st.sets(st.sampled_from(sorted(days)), min_size=1))
    }
    for day, sums in days.items():
        over = above.get(day, [0] * SUMMED)
        rest.put(day, [*(value - brought for value, brought in zip(sums, over, strict=True)), 1, 2, 3, 4])
    rest.rest = [7] * SUMMED
    asked = data.draw(st.integers(0, 70))
    whole.by_weeks(asked, 3)
    found = whole.less(above)
    assert found.days == rest.days
    assert list(found.by_weeks(asked, 10)) == list(rest.by_weeks(asked, 10))
    for field in range(SUMMED):
        assert found.totals(field) == rest.totals(field)
    assert [found.get(day) for day in days] == [rest.get(day) for day in days]
    assert [whole.get(day) for day in days] == [[*sums, 1, 2, 3, 4] for sums in days.values()]
