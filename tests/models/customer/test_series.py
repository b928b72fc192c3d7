"""The day series against brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.series import (
    DAY_SECONDS,
    EVENTS,
    LAST,
    LAST_LOGIN,
    REVENUE,
    Bucket,
    DaySeries,
    merge_buckets,
)

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
