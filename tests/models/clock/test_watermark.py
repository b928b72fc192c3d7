"""Event time: the minimum over sources, never back, idle sources hold nobody."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.clock.watermark import PartitionClock, SourceClock, SourceWatermark, from_ms
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.profile_state import Tick

TICKS = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 50), st.booleans()), max_size=30)


def tick(source: str, ms: int | None, *, idle: bool = False, observe: bool = False) -> Tick:
    watermark = None if ms is None else from_ms(ms)
    return Tick(source=source, watermark=watermark, idle=idle, observe=observe, arrived_ms=0)


@given(TICKS)
def test_time_is_the_minimum_of_the_busy_and_never_goes_back(ticks: list[tuple[str, int | None, bool]]) -> None:
    clock = PartitionClock(frozenset("abc"))
    greatest: dict[str, int | None] = {}
    idle: dict[str, bool] = {}
    for source, ms, is_idle in ticks:
        before = clock.time_ms
        moved = clock.tick(tick(source, ms, idle=is_idle))
        known = greatest.get(source)
        greatest[source] = known if ms is None else ms if known is None else max(known, ms)
        idle[source] = is_idle
        assert moved == (clock.time_ms != before)
        assert before is None or (clock.time_ms is not None and clock.time_ms >= before)
        busy = [greatest[name] for name in greatest if not idle[name]]
        if len(greatest) == 3 and busy and None not in busy and clock.time_ms != before:
            assert clock.time_ms == min(ms for ms in busy if ms is not None)
        if len(greatest) < 3 or None in busy:
            assert not moved


def test_a_source_never_heard_of_holds_everything_back() -> None:
    clock = PartitionClock(frozenset("ab"))
    assert not clock.tick(tick("a", 5))
    assert clock.tick(tick("b", None, idle=True))
    assert clock.time_ms == 5


def test_everybody_idle_stands_where_the_furthest_saw_it() -> None:
    clock = PartitionClock(frozenset("ab"))
    clock.tick(tick("a", 5, idle=True))
    clock.tick(tick("b", 9, idle=True))
    assert clock.time_ms == 9
    assert not PartitionClock(frozenset("a")).tick(tick("a", None, idle=True))


def test_a_remembered_source_that_is_gone_holds_nobody() -> None:
    clock = PartitionClock(frozenset("a"), {"gone": SourceClock(1), "a": SourceClock(3)})
    assert clock.tick(tick("a", 4))
    assert clock.time_ms == 4


def test_observations_are_due_once_when_time_reaches_them() -> None:
    clock = PartitionClock(frozenset("ab"))
    assert clock.take_observations() == []
    clock.tick(tick("a", 5, observe=True))
    clock.tick(tick("b", 4))
    assert clock.take_observations() == []
    clock.tick(tick("b", 5, observe=True))
    clock.tick(tick("a", 8, observe=True))
    clock.tick(tick("b", 9))
    assert clock.take_observations(through_ms=6) == [5]
    assert clock.take_observations() == [8]
    clock.tick(tick("b", 7, observe=True))
    assert clock.take_observations() == []


def test_milliseconds_round_down_so_that_a_day_keeps_its_last_moment() -> None:
    assert to_ms(datetime(2025, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC)) % 86_400_000 == 86_399_999
    assert to_ms(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1
    assert from_ms(to_ms(datetime(2025, 1, 1, tzinfo=UTC))) == datetime(2025, 1, 1, tzinfo=UTC)


def test_a_raw_partition_is_its_newest_event_less_the_bound() -> None:
    source = SourceWatermark(lateness_ms=10)
    assert source.watermark_ms is None
    assert not source.event(100, now_ms=0)
    assert not source.event(90, now_ms=0)
    assert source.event(89, now_ms=0)
    assert source.watermark_ms == 90
    assert source.carry(now_ms=5) == 95
    source.punctuate(200, now_ms=0)
    source.punctuate(150, now_ms=0)
    assert source.watermark_ms == 200
