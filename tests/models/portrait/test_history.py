"""Rows of sums against brute force, and which of them are unknown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.series import EVENTS, NO_BUCKET, QUERIES, DaySeries
from ebbtide.models.customer.view import View
from ebbtide.models.portrait.history import DAYS, WEEK, WEEKS, active_users, history, sums
from support.customers import SETTLED, acme, bucket, customer, share
from support.raw import DAY_0

KNOWN = st.dictionaries(st.integers(0, 60), st.integers(1, 9), max_size=30)


def series_of(known: dict[int, int], forgotten: set[int]) -> DaySeries:
    series = DaySeries()
    for day, events in known.items():
        series.put(day, bucket(events, queries=2 * events))
    for day in forgotten:
        series.put_partial(day, NO_BUCKET, core=True)
    return series


@given(KNOWN, st.data(), st.integers(1, 70), st.integers(1, 9), st.sampled_from([1, 7]))
def test_each_span_sums_its_days_and_is_unknown_where_one_of_them_is_forgotten(
    known: dict[int, int], data: st.DataObject, day: int, count: int, width: int
) -> None:
    forgotten = set(data.draw(st.lists(st.sampled_from(sorted(known)), unique=True))) if known else set()
    found = sums(series_of(known, forgotten), QUERIES, day, count, width)
    spans = [range(day - width * (age + 1), day - width * age) for age in reversed(range(count))]
    assert found == [
        None if forgotten & set(span) else sum(2 * known.get(inside, 0) for inside in span) for span in spans
    ]


@given(KNOWN, st.integers(1, 70))
def test_weeks_are_the_sums_of_their_days(known: dict[int, int], day: int) -> None:
    series = series_of(known, set())
    by_day = sums(series, EVENTS, day, 5 * WEEK, 1)
    by_week = sums(series, EVENTS, day, 5, WEEK)
    assert by_week == [sum(n or 0 for n in by_day[start : start + WEEK]) for start in range(0, 5 * WEEK, WEEK)]


def test_users_of_a_week_are_the_profiles_with_an_event_in_it() -> None:
    ann, bob = share("user_id/ann", {0: bucket(), 6: bucket(), 13: bucket()}), share("user_id/bob", {6: bucket()})
    ann.old_days = [DAY_0 - 30, DAY_0 - 1]
    gone = share("user_id/gone", {6: bucket()}, detached=True)
    made = customer("group_id/acme", ann=ann, bob=bob, gone=gone)
    assert active_users(made, DAY_0 + 14, 3) == [1, 2, 1]
    # The thirteenth day is not before itself.
    assert active_users(made, DAY_0 + 13, 2) == [1, 2]


def test_all_rows_of_a_customer_end_where_the_instant_begins() -> None:
    made = acme()
    rows = history(made, View(made), DAY_0 + SETTLED)
    assert len(rows.events_daily) == DAYS
    assert rows.events_daily[-14:] == [4, 4, 4, 4, 4, 0, 0, 4, 4, 5, 0, 0, 0, 0]
    assert (rows.events_weekly[-3:], rows.queries_weekly[-3:]) == ([25, 20, 13], [10, 10, 6])
    assert rows.active_days_weekly[-3:] == [5, 5, 3]
    assert {len(rows.events_weekly), len(rows.queries_weekly), len(rows.active_days_weekly)} == {WEEKS}
    assert rows.active_users_weekly[-3:] == [2, 1, 2]


def test_a_customer_that_never_acted_has_rows_of_nothing() -> None:
    made: Customer = customer("group_id/quiet")
    rows = history(made, View(made), DAY_0)
    assert rows.events_daily == [0] * DAYS
    assert rows.active_users_weekly == [0] * WEEKS
