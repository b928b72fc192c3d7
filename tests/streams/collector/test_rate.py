"""A key's rate: nothing is refused below it, nothing gets through for long above it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.streams.collector.rate import Rate, taken

RATE = Rate(events_per_second=100, burst_seconds=2)


def test_a_burst_is_taken_and_what_it_took_too_much_is_waited_for() -> None:
    bucket, wait = taken(RATE, None, 500, now=0)
    assert wait == 0
    bucket, wait = taken(RATE, bucket, 1, now=0)
    assert wait == 3
    bucket, wait = taken(RATE, bucket, 1, now=2.9)
    assert wait == 1
    bucket, wait = taken(RATE, bucket, 1, now=3.1)
    assert wait == 0


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 5)), max_size=40))
def test_over_time_no_more_than_the_rate_gets_through(requests: list[tuple[int, float]]) -> None:
    bucket, now, through, last = None, 0.0, 0, 0
    for events, pause in requests:
        now += pause
        bucket, wait = taken(RATE, bucket, events, now=now)
        if not wait:
            through, last = through + events, events
            # The last request may take too much, never those before it.
            assert through - last <= RATE.events_per_second * (now + RATE.burst_seconds) + 1e-6
        else:
            again, _ = taken(RATE, bucket, 0, now=now + wait)
            assert again.left >= 0


@given(st.lists(st.integers(0, 10), max_size=30))
def test_who_stays_below_the_rate_never_waits(requests: list[int]) -> None:
    bucket = None
    for second, events in enumerate(requests):
        bucket, wait = taken(RATE, bucket, events, now=second * 0.1)
        assert wait == 0
