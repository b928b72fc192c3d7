"""What a customer contributes, computed by hand."""

from __future__ import annotations

import pytest

from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.fleet.contribution import COUNTERS, METRICS, Contribution, contribution, segment_of

DAY = 1_000


def series(*days: tuple[int, int, int, int]) -> DaySeries:
    """``(day, events, orders, money)``; more of each from ``DAY`` on, which nothing may see."""
    found = DaySeries()
    for day, events, orders, money in (*days, (DAY, 99, 99, 99), (DAY + 1, 99, 99, 99)):
        found.put(day, [events, 0, 0, orders, money * 1_000_000, 0, 0, -1, -1])
    return found


def told(
    found: DaySeries, comparison: Comparison | None = None, silence: SilenceState = SilenceState.AWAKE
) -> Contribution:
    return contribution(found, DAY, segment="small", silence=silence, comparison=comparison, drop_enter=0.5)


def test_windows_hold_the_days_before_the_instant() -> None:
    found = told(
        series(
            (DAY - 91, 4, 2, 100),
            (DAY - 90, 8, 2, 1_000),
            (DAY - 29, 16, 4, 10_000),
            (DAY - 28, 32, 8, 100_000),
            (DAY - 2, 64, 0, 0),
        )
    )
    assert found.metrics == {
        "recency_days": 2,
        "frequency_90d": 14,
        "monetary_90d": 111_000,
        "usage_28d": 96,
    }
    assert found.metrics.keys() <= METRICS.keys()
    assert (found.segment, found.counters, found.modules) == ("small", ["awake", "active_28d"], [])


def test_the_frequency_of_whoever_never_ordered_is_that_of_its_days() -> None:
    assert told(series((DAY - 91, 1, 0, 0), (DAY - 90, 7, 0, 0), (DAY - 40, 7, 0, 0))).metrics["frequency_90d"] == 2
    # One order long ago: orders are what it comes for, and there are none of late.
    assert told(series((DAY - 300, 1, 1, 0), (DAY - 40, 7, 0, 0))).metrics["frequency_90d"] == 0


def test_whoever_was_never_active_has_no_recency() -> None:
    found = told(series(), silence=SilenceState.AWAKE)
    assert found.metrics == {"frequency_90d": 0, "monetary_90d": 0, "usage_28d": 0}
    assert found.counters == []


@pytest.mark.parametrize(("value", "counters"), [(9, ["comparable", "dropping"]), (10, ["comparable"])])
def test_half_of_the_baseline_is_no_drop_yet(value: int, counters: list[str]) -> None:
    found = told(series((DAY - 1, 1, 0, 0)), Comparison(value, 20.0, 7, 8))
    assert found.counters == ["awake", "active_28d", *counters]
    assert set(found.counters) <= COUNTERS.keys()


@pytest.mark.parametrize(
    ("trait", "segment"), [(None, ""), (" Strategic ", "strategic"), (1, "1"), ("x" * 99, "x" * 64), (["A"], "['a']")]
)
def test_a_segment_is_a_trait_in_lower_case(trait: object, segment: str) -> None:
    assert segment_of(trait) == segment
