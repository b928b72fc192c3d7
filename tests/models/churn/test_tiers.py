"""Health tiers with hysteresis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.tiers import TierThresholds, health_tier
from ebbtide.schemas.score import HealthTier

DANGER, NORMAL, EXCELLENT = HealthTier.DANGER, HealthTier.NORMAL, HealthTier.EXCELLENT


@pytest.mark.parametrize(
    ("p_churn", "previous", "expected"),
    [
        (0.731, None, NORMAL),
        (0.7311, None, DANGER),
        (0.70, None, NORMAL),
        (0.70, NORMAL, NORMAL),
        (0.70, DANGER, DANGER),
        (0.68, DANGER, DANGER),
        (0.6799, DANGER, NORMAL),
        (0.9, EXCELLENT, DANGER),
        (0.054, None, EXCELLENT),
        (0.0541, None, NORMAL),
        (0.07, NORMAL, NORMAL),
        (0.07, EXCELLENT, EXCELLENT),
        (0.08, EXCELLENT, EXCELLENT),
        (0.0801, EXCELLENT, NORMAL),
        (0.01, DANGER, EXCELLENT),
        (0.07, DANGER, NORMAL),
        (0.70, EXCELLENT, NORMAL),
    ],
)
def test_tier(p_churn: float, previous: HealthTier | None, expected: HealthTier) -> None:
    assert health_tier(p_churn, previous) is expected


@given(st.floats(0, 1), st.sampled_from([None, *HealthTier]))
def test_a_tier_is_stable_under_the_probability_that_made_it(p_churn: float, previous: HealthTier | None) -> None:
    tier = health_tier(p_churn, previous)
    assert health_tier(p_churn, tier) is tier


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="tier thresholds must satisfy"):
        TierThresholds(danger_above=0.6)
