"""Whether a whole fleet does less at once. Days are counted from a Monday, day 0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.alerting.fleet_guard import DayLevel, DownDays, FleetDays, daily_level, down_days, fleet_is_down
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import FleetGuardPolicy

POLICY = FleetGuardPolicy()
WORKDAY, WEEKEND = 100, 30


def seen(_source: str, _day: int) -> bool:
    return False


def usual(day: int) -> int:
    return WEEKEND if day % 7 > 4 else WORKDAY


def fleet(days: int, **sources: dict[int, float]) -> FleetDays:
    """Each source does its usual, except on the days that are named."""
    found = FleetDays()
    for source, levels in sources.items():
        for day in range(days):
            found.add(source, day, round(usual(day) * levels.get(day, 1.0)))
    return found


def judged(found: FleetDays, until: int) -> DownDays:
    return down_days([(day, found.level(day, POLICY, seen)) for day in range(until)], POLICY)


def test_a_holiday_is_seen_on_its_first_day_and_held_for_a_week_after_its_last() -> None:
    found = judged(fleet(60, web=dict.fromkeys(range(42, 47), 0.3)), 60)
    # The weekend after it says nothing, and is as the day before.
    assert found.days == (42, 43, 44, 45, 46, 47, 48)
    assert [found.hold(instant, instant, 4, POLICY) for instant in (42, 43, 55, 56)] == [False, True, True, False]
    # What was told from a longer window waits until that is past the holiday.
    assert [found.hold(instant, instant, 14, POLICY) for instant in (62, 63)] == [True, False]
    # What the dip opened for another week.
    assert [found.hold(instant, 43, 4, POLICY) for instant in (62, 63)] == [True, False]


def test_a_weekend_on_which_the_few_who_work_do_less_is_no_holiday() -> None:
    assert judged(fleet(60, web={47: 0.1, 48: 0.1}), 60).days == ()


def test_the_second_of_two_holidays_is_held_against_the_weeks_before_both() -> None:
    low = dict.fromkeys([*range(56, 67), *range(70, 75)], 0.25)
    assert judged(fleet(80, web=low), 80).days == (*range(56, 67), *range(70, 77))


def test_a_blind_source_is_no_dip_of_the_others() -> None:
    found = fleet(60, web={}, app=dict.fromkeys(range(50, 53), 0.0))

    def is_blind(source: str, day: int) -> bool:
        return source == "app" and 50 <= day < 53

    assert found.level(50, POLICY, is_blind) == DayLevel(100, 100.0)
    assert found.level(50, POLICY, seen) == DayLevel(100, 200.0)
    # The weeks after are not held against days that nobody saw.
    assert found.level(57, POLICY, is_blind) == DayLevel(200, 200.0)
    assert found.level(55, POLICY, seen) is None  # a Sunday


@pytest.mark.parametrize(
    ("ratio", "was_down", "expected"),
    [
        (0.70, False, False),
        (0.69, False, True),
        (0.79, True, True),
        (0.80, True, False),
        (None, True, True),
        (None, False, False),
    ],
)
def test_more_than_30_percent_at_first_and_20_to_stay(ratio: float | None, was_down: bool, expected: bool) -> None:
    level = None if ratio is None else DayLevel(round(ratio * 100), 100.0)
    assert fleet_is_down(level, POLICY, was_down=was_down) is expected


def test_too_little_says_nothing() -> None:
    assert fleet(60, web={}).level(14, POLICY, seen) is None  # two weeks of history
    assert fleet(60, web={}).level(21, POLICY, seen) == DayLevel(100, 100.0)
    assert fleet(60, web=dict.fromkeys(range(60), 0.1)).level(42, POLICY, seen) is None  # ten actions a day
    assert FleetDays().level(42, POLICY, seen) is None


def test_old_days_and_silent_sources_are_forgotten() -> None:
    found = fleet(60, web={})
    found.add("old", 3, 5)
    found.forget(50)
    assert found.level(59, POLICY, seen) is None
    merged = FleetDays()
    merged.merge(found)
    merged.merge(fleet(50, web={}))
    assert merged.level(59, POLICY, seen) == DayLevel(100, 100.0)
    assert found.level(51, POLICY, seen) is None


ADDED = st.lists(st.tuples(st.sampled_from(["web", "app"]), st.integers(0, 40), st.integers(1, 90)), max_size=60)


@given(ADDED, st.integers(1, 4), st.randoms())
def test_partitions_add_up_in_any_order(
    added: list[tuple[str, int, int]], partitions: int, random: st.DataObject
) -> None:
    one = FleetDays()
    for row in added:
        one.add(*row)
    parts = [FleetDays() for _ in range(partitions)]
    for index, row in enumerate(random.sample(added, len(added))):  # type: ignore[attr-defined]
        parts[index % partitions].add(*row)
    merged = FleetDays()
    for part in reversed(parts):
        merged.merge(part)
    assert [merged.level(day, POLICY, seen) for day in range(42)] == [one.level(day, POLICY, seen) for day in range(42)]


def test_the_level_of_one_customer() -> None:
    series = DaySeries()
    assert daily_level(series, 40, POLICY) is None
    for day in range(0, 60, 7):
        series.put(day, [10, 0, 0, 0, 0, 0, 0, -1, -1])
    series.put(56, [3, 0, 0, 0, 0, 0, 0, -1, -1])
    assert daily_level(series, 20, POLICY) is None
    assert daily_level(series, 56, POLICY) == DayLevel(3, 10.0)
    assert daily_level(series, 63, POLICY) == DayLevel(0, 10.0)
    assert daily_level(series, 57, POLICY) is None  # never there on Tuesdays
    assert DayLevel(3, 10.0).ratio == 0.3


@given(st.sets(st.integers(0, 60)), st.integers(0, 80), st.integers(0, 30), st.integers(0, 28))
def test_what_is_held_by_counting_the_days(days: set[int], instant: int, ago: int, width: int) -> None:
    found = DownDays(tuple(sorted(days)))
    opened = instant - ago
    least = POLICY.dip_days if any(opened - width <= day < opened for day in days) else POLICY.hold_days
    held = any(instant - max(width, least) <= day < instant for day in days)
    assert found.hold(instant, opened, width, POLICY) == held


def test_a_drop_that_rests_on_none_of_the_down_days_is_held_back_for_a_week_at_most() -> None:
    found = DownDays((10, 11, 12, 13, 14))
    # Told on day 20 of the two weeks before it, of which five days counted for nothing; or of three days after them.
    assert [found.hold(day, 20, 14, POLICY, left_out=5) for day in range(20, 24)] == [True, True, False, False]
    assert [found.hold(day, 18, 3, POLICY, left_out=0) for day in (18, 21, 22)] == [True, True, False]
    # One of the five counted.
    assert [found.hold(day, 20, 14, POLICY, left_out=4) for day in (20, 28, 29)] == [True, True, False]
    # A silence is one of all days.
    assert found.hold(18, 18, 3, POLICY)
