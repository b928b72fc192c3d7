"""Which modules drove a surge, by hand. Day 700 is a Thursday, so that the weeks before it begin on days 4 (mod 7)."""

from __future__ import annotations

import pytest

from ebbtide.models.adoption.uses import Uses, last_monday
from ebbtide.models.alerting.drivers import Driver, drivers
from ebbtide.models.profile.modules import OTHER
from ebbtide.schemas.profile_state import MACHINE

DAY = 700
START = DAY - 7


def log(window: dict[str, int], *weeks: dict[str, int]) -> Uses:
    """Uses on the first day of the window; ``weeks`` are the calendar weeks before it, newest first, a day each."""
    by_day = {START: window, DAY: {"later": 99}, START - 1: {"between": 99}}
    monday = last_monday(START)
    assert monday < START - 1
    for back, week in enumerate(weeks, 1):
        by_day[monday - 7 * back + back % 7] = week
    return Uses(by_day)


def names(window: dict[str, int], *weeks: dict[str, int]) -> list[str]:
    return [one.module for one in drivers(log(window, *weeks), DAY, 7, len(weeks))]


def test_what_grew_beyond_its_part_is_named_with_its_share_of_all_growth() -> None:
    """Uses grew from 40 to 90. Alike, reports would be at 22.5 and events at 67.5."""
    usual = {"events": 30, "reports": 10}
    assert drivers(log({"events": 50, "reports": 40}, usual, usual, usual), DAY, 7, 3) == [
        Driver("reports", 40, 10.0, 0.6)
    ]


def test_the_baseline_is_the_median_of_calendar_weeks() -> None:
    weeks = ({"a": 1, "b": 20}, {"a": 100, "b": 20}, {"b": 20}, {"a": 3, "b": 20})
    (found,) = drivers(log({"a": 50, "b": 20}, *weeks), DAY, 7, 4)
    assert found == Driver("a", 50, 2.0, 1.0)
    # Of the newest three weeks: 0, 1, 100.
    assert drivers(log({"a": 50, "b": 20}, *weeks), DAY, 7, 3)[0].baseline == 1.0


def test_a_window_of_weeks_is_held_against_as_many() -> None:
    uses = Uses({DAY - 14: {"a": 30}, DAY - 1: {"a": 10, "b": 8}, last_monday(DAY - 14) - 7: {"a": 5, "b": 4}})
    assert drivers(uses, DAY, 14, 1) == [Driver("a", 40, 10.0, 1.0)]


def test_growth_that_all_share_has_no_driver() -> None:
    assert names({"a": 30, "b": 15, "c": 6}, {"a": 10, "b": 5, "c": 2}) == []


def test_a_little_beyond_its_part_drives_nothing() -> None:
    """Uses grew from 100 to 200: 5 of the 100 are the least."""
    assert names({"a": 105, "b": 95}, {"a": 50, "b": 50}) == ["a"]
    assert names({"a": 104, "b": 96}, {"a": 50, "b": 50}) == []


def test_three_at_most_and_of_equals_the_first_by_name() -> None:
    assert names({"z": 10, "d": 9, "c": 9, "b": 9, "a": 9, "old": 20}, {"old": 20}) == ["z", "a", "b"]


@pytest.mark.parametrize("nameless", [MACHINE, OTHER])
def test_what_has_no_name_is_not_named(nameless: str) -> None:
    assert names({nameless: 90, "a": 12, "b": 10}, {nameless: 1, "a": 2, "b": 10}) == (
        ["a"] if nameless == MACHINE else []
    )


def test_the_growth_of_modules_without_a_name_is_growth() -> None:
    (found,) = drivers(log({OTHER: 30, "a": 30, "b": 10}, {"b": 10}), DAY, 7, 1)
    assert found == Driver("a", 30, 0.0, 0.5)


def test_nobody_told_of_uses_before() -> None:
    assert names({"a": 10}) == []
    assert names({"a": 10}, {}, {}) == []
    assert names({"a": 10}, {MACHINE: 5}) == []
    assert names({"a": 10}, {"a": 5}, {}, {}) == [], "usually there are none"
    assert names({}, {"a": 5}) == []


def test_uses_that_fell_have_no_driver() -> None:
    assert names({"a": 5, "b": 1}, {"a": 5, "b": 9}) == []
