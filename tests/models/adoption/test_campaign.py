"""Campaign inflation: told apart, no health. Day 20,094 is Monday, 2025-01-06."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.adoption.campaign import brought, campaign_runs, inflation, organic
from ebbtide.models.customer.series import EVENTS, QUERIES, REVENUE, DaySeries
from ebbtide.models.policy import CadencePolicy, CampaignPolicy

MONDAY = 20_094
POLICY, OWN = CampaignPolicy(), CadencePolicy()


def series_of(counts: dict[int, int]) -> DaySeries:
    series = DaySeries()
    for day, count in counts.items():
        series.put(day, [count, 0, count // 2, 0, 0, 0, 5, -1, -1])
    return series


def workdays(first: int, weeks: int, count: int) -> dict[int, int]:
    return {first + 7 * week + day: count for week in range(weeks) for day in range(5)}


def events(series: DaySeries, campaigns: Iterable[int], day: int, width: int) -> int:
    """Organic events of a window."""
    above = inflation(series, campaigns, day, POLICY, OWN)
    found = organic(series, above).window(EVENTS, day, width)
    assert found == series.window(EVENTS, day, width) - brought(above, EVENTS, day, width)
    return found


@pytest.mark.parametrize(
    ("campaigns", "expected"),
    [
        ([100], [(100, 108)]),
        ([100, 100, 104], [(100, 112)]),
        ([108, 100], [(100, 116)]),  # they touch
        ([100, 109], [(100, 108), (109, 117)]),
        ([200, 201], []),
        ([100, 107, 114, 121, 128, 135], [(100, 129), (129, 143)]),  # weekly: a new run after 28 days
        ([100, 107, 114, 121, 129, 199], [(100, 129), (129, 137), (199, 207)]),
        ([], []),
    ],
)
def test_a_run_is_the_day_and_seven_after_it(campaigns: list[int], expected: list[tuple[int, int]]) -> None:
    assert campaign_runs(campaigns, 200, POLICY) == expected


def test_without_a_campaign_nothing_is_held_back() -> None:
    series = series_of(workdays(MONDAY, 4, 10))
    above = inflation(series, [], MONDAY + 28, POLICY, OWN)
    assert above == {}
    assert organic(series, above) is series


@pytest.mark.parametrize(
    ("during", "expected"),
    [
        (10, 50),  # as ever
        (40, 50),  # four times as much: what is above the median of 10 came from the campaign
        (3, 15),  # less than usual stays less
    ],
)
def test_a_campaign_week_counts_at_most_the_usual(during: int, expected: int) -> None:
    start = MONDAY + 56
    series = series_of(workdays(MONDAY, 8, 10) | workdays(start, 1, during))
    assert events(series, [start], start + 7, 7) == expected


def test_weekends_count_nothing_for_who_never_came_at_weekends() -> None:
    start = MONDAY + 56
    series = series_of(workdays(MONDAY, 8, 10) | {start + 5: 30, start + 6: 30})
    assert events(series, [start], start + 7, 7) == 0


def test_days_that_count_nothing_leave_the_usual_days_for_others() -> None:
    saturday = MONDAY + 54
    series = series_of(workdays(MONDAY, 8, 10) | {saturday + day: 10 for day in range(8)})
    # 40 in 54 days are 5.9 in 8, rounded up 6; the weekend, where it never came, takes none of them.
    assert events(series, [saturday], saturday + 8, 8) == 50


def test_a_new_customer_has_the_days_since_its_first() -> None:
    start = MONDAY + 14
    series = series_of(workdays(MONDAY, 2, 10) | workdays(start, 1, 10))
    # 10 in 14 days are 5.7 in 8.
    assert events(series, [start], start + 7, 7) == 50


def test_a_weekly_customer_that_comes_daily_counts_about_weekly() -> None:
    start = MONDAY + 56
    weekly = {MONDAY + 7 * week: 10 for week in range(8)}
    series = series_of(weekly | {start + day: 10 for day in range(5)})
    # 8 days in 56 are active: 8/7 in a run of 8, rounded up 2, of the 5 days that it came.
    assert events(series, [start], start + 7, 7) == 20


def test_who_was_asleep_has_no_organic_activity() -> None:
    series = series_of(workdays(MONDAY, 8, 10) | workdays(MONDAY + 70, 1, 10))
    assert events(series, [MONDAY + 70], MONDAY + 77, 7) == 0
    assert events(series, [], MONDAY + 77, 7) == 50


def test_who_came_by_the_campaign_has_no_organic_activity_yet() -> None:
    series = series_of(workdays(MONDAY, 2, 10))
    assert events(series, [MONDAY], MONDAY + 7, 7) == 0
    assert events(series, [MONDAY], MONDAY + 14, 7) == 40  # its Monday is the run's eighth day


def test_each_field_has_its_own_median_and_a_return_of_money_is_none() -> None:
    series = DaySeries()
    for day, (count, revenue) in enumerate([(10, -5), (20, -5), (30, 7), (40, -5), (90, 9)]):
        series.put(MONDAY + day, [count, 1, day, 0, revenue, 0, 5, 3, 4])
    above = inflation(series, [MONDAY + 4], MONDAY + 5, POLICY, OWN)
    # Medians of 10 20 30 40, of 1 1 1 1, of 0 1 2 3, and of -5 -5 7 -5, which is no money.
    assert above == {MONDAY + 4: [65, 0, 3, 0, 9]}
    assert organic(series, above).get(MONDAY + 4) == [25, 1, 1, 0, 0, 0, 5, 3, 4]
    assert brought(above, QUERIES, MONDAY + 5, 7) == 3
    assert brought(above, REVENUE, MONDAY + 4, 7) == 0


def test_what_weekly_campaigns_keep_up_becomes_the_usual() -> None:
    start = MONDAY + 56
    series = series_of(workdays(MONDAY, 8, 10) | workdays(start, 8, 40))
    weekly = [start + 7 * week for week in range(8)]
    assert events(series, weekly, start + 28, 7) == 50
    assert events(series, weekly, start + 56, 7) == 200


def test_only_the_newest_comparable_days_count() -> None:
    start = MONDAY + 56
    series = series_of(workdays(MONDAY, 6, 100) | workdays(MONDAY + 42, 2, 10) | workdays(start, 1, 100))
    assert events(series, [start], start + 7, 7) == 50


COUNTS = st.dictionaries(st.integers(MONDAY, MONDAY + 120), st.integers(1, 100), max_size=60)
CAMPAIGNS = st.lists(st.integers(MONDAY, MONDAY + 120), max_size=4)
DAY = st.integers(MONDAY, MONDAY + 121)


@given(COUNTS, COUNTS, CAMPAIGNS, CAMPAIGNS, DAY)
def test_nothing_at_or_after_the_day_matters(
    before: dict[int, int], after: dict[int, int], campaigns: list[int], later: list[int], day: int
) -> None:
    past = {at: count for at, count in before.items() if at < day}
    known = [at for at in campaigns if at < day]
    future = {at: count for at, count in after.items() if at >= day}
    assert inflation(series_of(past), known, day, POLICY, OWN) == inflation(
        series_of(past | future), [*known, *(at for at in later if at >= day)], day, POLICY, OWN
    )


@given(COUNTS, CAMPAIGNS, DAY)
def test_organic_lies_between_nothing_and_all(counts: dict[int, int], campaigns: list[int], day: int) -> None:
    series = series_of(counts)
    own = organic(series, inflation(series, campaigns, day, POLICY, OWN))
    runs = campaign_runs(campaigns, day, POLICY)
    for at, count in counts.items():
        bucket = own.get(at)
        assert 0 <= (bucket[EVENTS] if bucket else 0) <= count
        if not any(first <= at < end for first, end in runs):
            assert bucket == series.get(at)


@given(COUNTS, st.integers(MONDAY + 20, MONDAY + 110), st.integers(1, 50))
def test_more_activity_in_a_campaign_never_counts_for_more_than_the_usual(
    counts: dict[int, int], start: int, times: int
) -> None:
    greater = {at: count * times if start <= at < start + 8 else count for at, count in counts.items()}
    usual = max((count for at, count in counts.items() if at < start), default=0)
    assert events(series_of(greater), [start], start + 8, 8) <= 8 * usual


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=6),
    st.sets(st.integers(10, 40), min_size=1, max_size=3),
)
@example([], {27})
def test_what_is_kept_of_a_run_is_what_a_new_series_tells(changes: list[tuple[int, int]], campaigns: set[int]) -> None:
    counts = workdays(MONDAY, 8, 6)
    kept = series_of(counts)
    at = {MONDAY + day for day in campaigns}
    for day, count in [(20, 3), *changes]:
        for until in (MONDAY + 61, MONDAY + 30, MONDAY + 48):
            assert inflation(kept, at, until, POLICY, OWN) == inflation(series_of(counts), at, until, POLICY, OWN)
        kept.put(MONDAY + day, [count, 0, count // 2, 0, 0, 0, 5, -1, -1])
        counts = {**counts, MONDAY + day: count}


def test_other_settings_tell_something_else_of_the_same_series() -> None:
    series = series_of({MONDAY: 10, MONDAY + 1: 20, MONDAY + 2: 90})
    for days, rest in ((8, 75), (1, 70)):
        above = inflation(series, [MONDAY + 2], MONDAY + 30, CampaignPolicy(comparable_days=days), OWN)
        assert above[MONDAY + 2][EVENTS] == rest
