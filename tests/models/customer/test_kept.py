"""How far back anything asks: settings with longer windows keep more, and nothing is asked that is not kept."""

from __future__ import annotations

from itertools import accumulate
from math import ceil
from random import Random

import pytest

from ebbtide.models.customer.cadence import cadence
from ebbtide.models.customer.kept import FOREVER, kept
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import (
    AdoptionPolicy,
    BaselinePolicy,
    CadencePolicy,
    CampaignPolicy,
    CorePolicy,
    DropPolicy,
    EconomicsPolicy,
    LifecyclePolicy,
    LoyaltyPolicy,
    QuadrantPolicy,
    RelationshipPolicy,
    RfmPolicy,
    UsagePolicy,
)


def test_what_is_kept_by_default() -> None:
    found = kept(CorePolicy())
    # Usage: four windows of 28 days. Of slower customers 25 short gaps and 11 long ones.
    assert (found.days, found.active_days) == (112, 37)
    assert (found.query_days, found.money_days, found.use_days) == (98, 365, 28)
    assert (found.fact_days, found.answer_days, found.campaign_days) == (90, 365, 35)
    assert found.touchpoints == {"call", "visit", "demo", "kickoff", "training"}


@pytest.mark.parametrize(
    ("policy", "name", "expected"),
    [
        (CorePolicy(usage=UsagePolicy(window_days=50)), "days", 4 * 56),
        (CorePolicy(usage=UsagePolicy(baseline_windows=5)), "days", 6 * 28),
        (CorePolicy(baseline=BaselinePolicy(weeks=20)), "days", 2 * 28 + 19 * 7),
        (CorePolicy(drop=DropPolicy(longest_days=42), usage=UsagePolicy(baseline_windows=2)), "days", 42 + 11 * 7),
        (CorePolicy(cadence=CadencePolicy(prior_days=30)), "days", 4 * 63),
        (CorePolicy(lifecycle=LifecyclePolicy(stable_periods=14)), "days", ceil(25 * (15 * 7 + 3) / 11)),
        (CorePolicy(campaign=CampaignPolicy(usual_days=100)), "days", 7 + 28 + 100),
        (CorePolicy(adoption=AdoptionPolicy(utilised_days=150)), "days", 150),
        (CorePolicy(adoption=AdoptionPolicy(utilised_days=150)), "query_days", 150),
        (CorePolicy(adoption=AdoptionPolicy(month_days=56)), "use_days", 56),
        (CorePolicy(adoption=AdoptionPolicy(month_days=140)), "days", 140),
        (CorePolicy(adoption=AdoptionPolicy(month_days=140)), "use_days", 63),
        (CorePolicy(rfm=RfmPolicy(window_days=700)), "money_days", 700),
        (CorePolicy(loyalty=LoyaltyPolicy(window_days=700)), "money_days", 700),
        (CorePolicy(quadrant=QuadrantPolicy(window_days=700)), "money_days", 700),
        (CorePolicy(rfm=RfmPolicy(window_days=30)), "money_days", 365),
        (CorePolicy(relationship=RelationshipPolicy(touchpoint_days=200)), "fact_days", 200),
        (CorePolicy(relationship=RelationshipPolicy(left_days=200)), "fact_days", 200),
        (CorePolicy(relationship=RelationshipPolicy(survey_days=400)), "answer_days", 400),
        (CorePolicy(economics=EconomicsPolicy(period_days=400)), "answer_days", 400),
    ],
)
def test_longer_windows_keep_more(policy: CorePolicy, name: str, expected: int) -> None:
    assert getattr(kept(policy), name) == expected


def test_a_cadence_of_few_gaps_keeps_everything() -> None:
    """Half of ten gaps do not cover eight cadences: the newest active days say nothing then."""
    found = kept(CorePolicy(cadence=CadencePolicy(max_gaps=10)))
    assert found.days == FOREVER


@pytest.mark.parametrize("windows", [1, 3, 6])
@pytest.mark.parametrize("seed", range(60))
def test_a_window_of_cadences_lies_within_what_is_kept(seed: int, windows: int) -> None:
    """Whatever the gaps: short ones and long ones, working days only or all, few or many."""
    rng = Random(seed)
    policy = CorePolicy(usage=UsagePolicy(baseline_windows=windows))
    keeps = kept(policy)
    longest = rng.choice((1, 3, 20, 60, 200))
    gaps = [rng.choice((1, rng.randint(1, longest), longest)) for _ in range(rng.randint(1, 150))]
    days = [20_000 + day for day in accumulate(gaps)]
    if rng.random() < 0.5:
        days = sorted({day for day in days if (day + 3) % 7 < 5} or {20_001})
    series = DaySeries()
    for day in days:
        series.put(day, [1, 0, 0, 0, 0, 0, 0, -1, -1])
    now = days[-1] + rng.randint(1, 400)
    own = cadence(series, now, policy.cadence)
    usage = (windows + 1) * 7 * ceil(max(policy.usage.window_days, 2 * own.days) / 7)
    trend = 7 * ceil(max(7, 2 * own.days) / 7) + 7 * (policy.baseline.weeks + 2)
    stable = 4 * 7 * ceil(own.days / 7) + 7
    reach = now - max(usage, trend, stable)
    asked = [day for day in days if day >= reach]
    assert set(asked) <= {*days[-keeps.active_days :], *(day for day in days if day >= now - keeps.days)}
