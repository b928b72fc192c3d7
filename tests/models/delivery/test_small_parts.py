"""Schedule, pace, breaker and watermark: each alone."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.delivery.breaker import FAILURES, FIRST_MS, MOST_HELD_MS, MOST_MS, Breaker, BreakerState
from ebbtide.models.delivery.pace import Pace
from ebbtide.models.delivery.schedule import GAPS_S, JITTER, gap_ms
from ebbtide.models.delivery.watermark import Watermark

draws = st.floats(0, 1, exclude_max=True)


# Schedule


def test_it_is_the_table_of_the_specification_and_ends_after_three_days() -> None:
    assert [gap_ms(failures, 0.5) for failures in range(1, 11)] == [*(gap * 1000 for gap in GAPS_S), None]
    assert 3 * 86_400 < sum(GAPS_S) < 3.5 * 86_400


@given(st.integers(1, len(GAPS_S)), draws)
def test_jitter_stays_within_its_bounds(failures: int, draw: float) -> None:
    gap = gap_ms(failures, draw)
    assert gap is not None
    assert GAPS_S[failures - 1] * (1 - JITTER) * 1000 - 1 <= gap <= GAPS_S[failures - 1] * (1 + JITTER) * 1000 + 1


# Pace


@given(st.floats(0.5, 500), st.integers(1, 50), st.lists(st.integers(0, 3_000), min_size=1, max_size=40))
def test_never_more_than_burst_and_rate_allow(per_second: float, burst: int, pauses: list[int]) -> None:
    pace, now, sent = Pace(per_second, burst), 1_000_000, []
    for pause in pauses:
        now += pause
        while pace.available(now) >= 1:
            pace.spend(now)
            sent.append(now)
        later = pace.wake_ms(now)
        assert later > now
        assert pace.available(later) >= 1
        now = later
    for first, began in enumerate(sent):
        for last in range(first, len(sent)):
            assert last - first + 1 <= burst + (sent[last] - began) * per_second / 1000 + 1e-6


def test_it_may_at_once_when_there_is_a_token() -> None:
    assert Pace(1, 1).wake_ms(5_000) == 5_000
    pace = Pace(1, 1)
    pace.spend(5_000)
    assert pace.available(4_000) == 0, "a clock that goes back gives nothing"


# Breaker


def failed(times: int, now_ms: int = 0) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = breaker.failed(now_ms, 0.5)
    return breaker


def test_some_failures_in_a_row_open_it() -> None:
    assert failed(FAILURES - 1).state(0) is BreakerState.CLOSED
    assert failed(FAILURES - 1).worked() == Breaker()
    opened = failed(FAILURES)
    assert opened.state(0) is BreakerState.OPEN
    assert opened.allows(0) == 0
    assert opened.wake_ms() == round(FIRST_MS * 0.875)
    assert opened.failed(0, 0.5) == opened, "what was sent before does not count twice"


def test_one_request_at_a_time_finds_out_whether_it_works_again() -> None:
    opened = failed(FAILURES)
    later = opened.wake_ms()
    assert opened.state(later) is BreakerState.HALF_OPEN
    assert opened.allows(later) == 1
    probing = opened.asked()
    assert probing.allows(later) == 0
    assert probing.state(later) is BreakerState.HALF_OPEN
    assert probing.worked() == Breaker()
    again = probing.failed(later, 0.5)
    assert again.wake_ms() - later == round(2 * FIRST_MS * 0.875)
    assert Breaker().asked() == Breaker()


@given(st.integers(1, 40), draws)
def test_it_waits_longer_each_time_up_to_a_bound(trips: int, draw: float) -> None:
    breaker, now = failed(FAILURES), 0
    for _ in range(trips):
        now = breaker.wake_ms()
        breaker = breaker.asked().failed(now, draw)
    assert 0.75 * min(MOST_MS, FIRST_MS * 2**trips) - 1 <= breaker.wake_ms() - now <= MOST_MS


def test_a_pause_that_is_asked_for_is_kept_within_reason() -> None:
    held = Breaker().held(1_000, 5_000)
    assert (held.allows(5_999), held.allows(6_000)) == (0, None)
    assert held.held(1_000, 10).held_ms == 6_000, "a shorter one does not shorten it"
    assert Breaker().held(0, 10**9).held_ms == MOST_HELD_MS
    assert held.worked().held_ms == 6_000


def test_who_wants_no_more_gets_no_more() -> None:
    disabled = failed(FAILURES).disable()
    assert disabled.allows(10**12) == 0
    assert disabled.worked().state(0) is BreakerState.DISABLED


# Watermark


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_it_never_passes_what_is_not_done(steps: list[int], random: Random) -> None:
    offsets, at = [], 10
    for step in steps:  # with gaps, as compaction leaves them
        offsets.append(at)
        at += step
    mark = Watermark(offsets[0])
    for offset in offsets:
        mark.take(offset)
    left, before = set(offsets), mark.done
    order = list(offsets)
    random.shuffle(order)
    for offset in order:
        mark.finish(offset)
        left.discard(offset)
        assert mark.done == (min(left) if left else offsets[-1] + 1)
        assert mark.done >= before
        before = mark.done
    assert mark.open == 0


def test_offsets_only_grow() -> None:
    mark = Watermark(5)
    mark.take(5)
    with pytest.raises(ValueError, match="5 was taken before"):
        mark.take(5)
    mark.finish(5)
    mark.finish(5)
    mark.finish(3)
    assert (mark.done, mark.open) == (6, 0)
