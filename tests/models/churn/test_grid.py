"""The observation grid."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.grid import is_observation_day, last_observation_day


def test_weekly_observations_close_iso_weeks() -> None:
    monday = date(2025, 1, 6).toordinal() - date(1970, 1, 1).toordinal()
    assert [is_observation_day(monday + offset, 7) for offset in range(8)] == [True, *[False] * 6, True]


@given(st.integers(-10_000, 40_000), st.sampled_from([1, 7, 14, 28]))
def test_the_last_observation_day_is_one_and_the_next_lies_behind(day: int, every: int) -> None:
    last = last_observation_day(day, every)
    assert is_observation_day(last, every)
    assert last <= day < last + every


@pytest.mark.parametrize("every", [7, 14, 28])
def test_coarser_grids_lie_on_the_weekly_one(every: int) -> None:
    assert all(is_observation_day(day, 7) for day in range(20_000, 20_100) if is_observation_day(day, every))
