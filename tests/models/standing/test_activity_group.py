"""Activity groups: what decides, in which order, with which thresholds."""

from __future__ import annotations

import pytest

from ebbtide.models.policy import ActivityGroupPolicy
from ebbtide.models.standing.activity_group import STRATEGIES, ActivityGroup, activity_group
from ebbtide.models.standing.hysteresis import Held
from ebbtide.schemas.score import HealthTier

POLICY = ActivityGroupPolicy()
DAY = 20_094
DANGER, NORMAL = HealthTier.DANGER, HealthTier.NORMAL


@pytest.mark.parametrize(
    ("lifecycle", "not_renewed", "tier", "p", "usage", "expected", "reason"),
    [
        ("left", False, DANGER, 0.9, "high", "lost", "left"),
        ("growth", True, NORMAL, 0.1, "high", "lost", "not_renewed"),
        ("left", True, None, None, None, "lost", "not_renewed"),
        ("growth", False, DANGER, 0.74, "high", "at_risk", "danger"),
        ("maturity", False, DANGER, 0.7, "high", "at_risk", "danger"),  # the tier holds by its own hysteresis
        ("maturity", False, NORMAL, 0.51, "high", "at_risk", "p_churn"),
        ("maturity", False, NORMAL, 0.5, "low", "normal", "usual"),
        ("maturity", False, NORMAL, 0.1, "middle", "high", "mature"),
        ("maturity", False, NORMAL, 0.1, None, "high", "mature"),
        ("growth", False, NORMAL, 0.1, "high", "high", "top_usage"),
        ("growth", False, NORMAL, 0.1, "middle", "normal", "usual"),
        ("acquisition", False, None, None, None, "normal", "usual"),
    ],
)
def test_the_first_that_holds(
    lifecycle: str,
    not_renewed: bool,
    tier: str | None,
    p: float | None,
    usage: str | None,
    expected: str,
    reason: str,
) -> None:
    held, change = activity_group(
        None, DAY, POLICY, lifecycle=lifecycle, not_renewed=not_renewed, tier=tier, p_churn=p, usage=usage
    )
    assert held == Held(expected, DAY)
    assert change is not None
    assert (change.state_name, change.reason) == ("activity_group", reason)


@pytest.mark.parametrize(
    ("p", "from_normal", "from_risk"),
    [
        (0.39, "normal", "normal"),
        (0.4, "normal", "at_risk"),
        (0.5, "normal", "at_risk"),
        (0.51, "at_risk", "at_risk"),
        (None, "normal", "at_risk"),  # blind is not well again
    ],
)
def test_risk_enters_over_one_half_and_leaves_below_four_tenths(
    p: float | None, from_normal: str, from_risk: str
) -> None:
    found = [
        activity_group(
            Held(state, 0), DAY, POLICY, lifecycle="growth", not_renewed=False, tier=None, p_churn=p, usage="middle"
        )[0].value
        for state in ("normal", "at_risk")
    ]
    assert found == [from_normal, from_risk]


def test_only_a_loss_does_not_wait() -> None:
    held = Held("high", DAY - 1)
    risk, change = activity_group(
        held, DAY, POLICY, lifecycle="growth", not_renewed=False, tier=DANGER, p_churn=0.9, usage=None
    )
    assert (risk, change) == (Held("high", DAY - 1, "at_risk"), None)
    for lifecycle, not_renewed in (("left", False), ("growth", True)):
        lost, change = activity_group(
            held, DAY, POLICY, lifecycle=lifecycle, not_renewed=not_renewed, tier=DANGER, p_churn=0.9, usage=None
        )
        assert lost == Held("lost", DAY)
        assert change is not None
        assert (change.old, change.new) == ("high", "lost")


def test_every_group_has_its_strategy() -> None:
    assert [(group.value, STRATEGIES[group].code) for group in ActivityGroup] == [
        ("high", "A"),
        ("normal", "B"),
        ("at_risk", "C"),
        ("lost", "D"),
    ]
    assert all(strategy.aim and strategy.steps.endswith(".") for strategy in STRATEGIES.values())
