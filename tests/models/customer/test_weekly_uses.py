"""Uses of modules by day, and by week where they are older: whenever they were added up, they read the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.weekly_uses import add_uses, by_weeks, whole_from
from ebbtide.models.profile.modules import MOST_MODULES, OTHER
from ebbtide.schemas.profile_state import MACHINE

MONDAY = 20_094
"""A Monday, 2025-01-06."""

DAYS = st.dictionaries(
    st.integers(MONDAY - 90, MONDAY + 10),
    st.dictionaries(st.sampled_from(["a", "b", MACHINE]), st.integers(1, 9), min_size=1),
)


def test_days_of_the_newest_weeks_weeks_before_nothing_before_that() -> None:
    uses = {day: {"a": 1} for day in range(MONDAY - 100, MONDAY + 3)}
    found = by_weeks(uses, MONDAY + 2, 28)
    # As of a Wednesday: 28 days and back to their Monday.
    assert whole_from(MONDAY + 2, 28) == MONDAY - 28
    assert [day for day in found if day >= MONDAY - 28] == list(range(MONDAY - 28, MONDAY + 3))
    assert {day: uses["a"] for day, uses in found.items() if day < MONDAY - 28} == {
        MONDAY - 28 - 7 * week: 7 for week in range(1, 6)
    }


@given(DAYS, st.integers(0, 30), st.integers(0, 30), st.sampled_from([7, 28, 63]))
def test_when_they_were_added_up_does_not_matter(
    uses: dict[int, dict[str, int]], first: int, later: int, use_days: int
) -> None:
    once = by_weeks(uses, MONDAY + first + later, use_days)
    assert by_weeks(by_weeks(uses, MONDAY + first, use_days), MONDAY + first + later, use_days) == once
    assert by_weeks(once, MONDAY + first + later, use_days) == once
    kept = {day: modules for day, modules in uses.items() if day >= (MONDAY + first + later) // 7 * 7 - 80}
    assert by_weeks(kept, MONDAY + first + later, use_days) == once


def test_a_week_has_so_many_modules_and_the_rest_together() -> None:
    uses = {
        MONDAY - 60 + day: {f"m{day}-{n:02}": 1 + (n == 7) for n in range(20)} | {MACHINE: 2} for day in range(4, 10)
    }
    found = by_weeks(uses, MONDAY, 28)
    assert list(found) == [MONDAY - 56]
    week = found[MONDAY - 56]
    assert week[MACHINE] == 12
    assert len(week) == MOST_MODULES + 2
    assert week[OTHER] == 6 * 21 - sum(times for module, times in week.items() if module not in (OTHER, MACHINE))
    # Those used most, then those that come first by name.
    assert {f"m{day}-07" for day in range(4, 10)} <= week.keys()
    assert "m4-00" in week
    assert "m9-19" not in week
    assert by_weeks(found, MONDAY, 28) == found


def test_counts_add_up_without_changing_what_was_given() -> None:
    uses: dict[int, dict[str, int]] = {}
    first = {"a": 1}
    add_uses(uses, 5, first)
    add_uses(uses, 5, {"a": 2, "b": 1})
    assert uses == {5: {"a": 3, "b": 1}}
    assert first == {"a": 1}
