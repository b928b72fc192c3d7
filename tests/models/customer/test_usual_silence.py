"""Which silence is beyond what a customer does now and then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.cadence import asleep_after, cadence
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.usual_silence import unusual_after
from ebbtide.models.policy import AlertPolicy, CadencePolicy

CADENCE, ALERT = CadencePolicy(), AlertPolicy()


def active(*gaps: int) -> DaySeries:
    """Active on day 0, a Thursday, and then after each gap."""
    series, day = DaySeries(), 0
    for gap in (0, *gaps):
        day += gap
        series.put(day, [1, 0, 0, 0, 0, 0, 0, -1, -1])
    return series


def after(series: DaySeries) -> float | None:
    last = series.days[-1]
    return unusual_after(series, last, cadence(series, last + 1, CADENCE), CADENCE, ALERT)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([2] * 6, 4),  # like clockwork: missed at once
        ([2] * 39 + [9], 4),  # one long absence in forty is not its way
        ([2] * 36 + [9] * 4, 18),  # one in ten is
        ([2, 2, 2, 2, 5], 4),  # the longest of few is not its way, either
        ([2, 2, 2, 5, 5], 10),
        ([2, 2, 2, 2], None),
        ([1] * 20, 3),  # never before three days
    ],
)
def test_twice_the_gap_that_it_stays_within(gaps: list[int], expected: float | None) -> None:
    assert after(active(*gaps)) == expected


@given(st.lists(st.integers(1, 30), min_size=6, max_size=80))
def test_never_before_it_is_asleep_and_never_later_for_what_is_older_than_the_newest_50(gaps: list[int]) -> None:
    series = active(*gaps)
    last = series.days[-1]
    found = after(series)
    assert found is not None
    assert found >= asleep_after(cadence(series, last + 1, CADENCE), CADENCE)
    assert found == after(active(*gaps[-50:])) or len(gaps) > 50
