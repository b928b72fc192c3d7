"""When each alert fires, holds and clears."""

from __future__ import annotations

import pytest

from ebbtide.models.alerting import conditions
from ebbtide.models.alerting.declarations import DECLARATIONS, route, wording
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.policy import AlertPolicy, BaselinePolicy
from ebbtide.schemas.alert import AlertType, Severity
from ebbtide.schemas.score import HealthTier

POLICY = BaselinePolicy()
AWAKE, ASLEEP, LEFT = SilenceState


def usual_100(value: int) -> Comparison:
    return Comparison(value, 100.0, 7, 8)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, Severity.CRITICAL),
        (24, Severity.CRITICAL),
        (25, Severity.WARNING),
        (49, Severity.WARNING),
        (50, Reason.HYSTERESIS),
        (69, Reason.HYSTERESIS),
        (70, Reason.RECOVERED),
    ],
)
def test_a_drop_opens_under_half_and_closes_at_70_percent(value: int, expected: Severity | Reason) -> None:
    verdict = conditions.sudden_drop(usual_100(value), ASLEEP, POLICY)
    assert (verdict.severity if isinstance(verdict, Fires) else verdict.reason) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (201, Severity.INFO),
        (200, Reason.HYSTERESIS),
        (151, Reason.HYSTERESIS),
        (150, Reason.WITHIN_USUAL),
    ],
)
def test_a_surge_opens_over_twice_and_closes_at_one_and_a_half(value: int, expected: Severity | Reason) -> None:
    verdict = conditions.surge(usual_100(value), AWAKE, POLICY)
    assert (verdict.severity if isinstance(verdict, Fires) else verdict.reason) == expected


def test_who_has_left_neither_drops_nor_surges() -> None:
    assert conditions.sudden_drop(usual_100(0), LEFT, POLICY) == Clears(Reason.LEFT)
    assert conditions.surge(usual_100(500), LEFT, POLICY) == Clears(Reason.LEFT)
    assert conditions.sudden_drop(None, AWAKE, POLICY) == Clears(Reason.NO_BASELINE)
    assert conditions.surge(None, AWAKE, POLICY) == Clears(Reason.NO_BASELINE)


def test_silence() -> None:
    evidence = {"silence_days": 4, "cadence_days": 2.0, "last_active_at": "t"}
    assert conditions.asleep(ASLEEP, 4, 2.0, "t") == Fires(Severity.WARNING, evidence)
    assert conditions.left(LEFT, 4, 2.0, "t") == Fires(Severity.CRITICAL, evidence)
    assert conditions.asleep(LEFT, 4, 2.0, "t") == Clears(Reason.LEFT)
    assert conditions.asleep(AWAKE, 4, 2.0, "t") == conditions.left(ASLEEP, 4, 2.0, "t") == Clears(Reason.AWAKE)


def test_danger() -> None:
    assert conditions.tier_to_danger(HealthTier.DANGER, 0.75) == Fires(
        Severity.CRITICAL, {"p_churn": 0.75, "tier": "danger"}
    )
    assert conditions.tier_to_danger(HealthTier.NORMAL, 0.7) == Clears(Reason.NOT_IN_DANGER)
    assert conditions.tier_to_danger(None, None) == Clears(Reason.NOT_IN_DANGER)


def test_a_return_needs_a_login_and_lasts_two_weeks() -> None:
    assert conditions.warm_return(0, 9, 2.0, "t") == Clears(Reason.NO_LOGIN)
    assert isinstance(conditions.warm_return(1, 9, 2.0, "t"), Fires)
    assert conditions.warm_return_ends(AWAKE, 13, AlertPolicy()) == Holds(Reason.HYSTERESIS)
    assert conditions.warm_return_ends(AWAKE, 14, AlertPolicy()) == Clears(Reason.EXPIRED)
    assert conditions.warm_return_ends(ASLEEP, 1, AlertPolicy()) == Clears(Reason.WENT_TO_SLEEP)


@pytest.mark.parametrize(
    ("kind", "evidence", "en", "zh"),
    [
        (
            AlertType.SUDDEN_DROP,
            {"value": 10, "window_days": 7, "percent": 25, "baseline": 40.0, "baseline_weeks": 8},
            "10 actions in the last 7 days, 25 % of the usual 40 (median of 8 comparable weeks)",
            "近7天操作10次，仅为平时40次的25%（取8个可比周的中位数）",
        ),
        (
            AlertType.ASLEEP,
            {"silence_days": 4, "cadence_days": 2.0},
            "silent for 4 days; its own rhythm is one active day every 2 days",
            "已沉默4天，而其自身节奏为每2天活跃一次",
        ),
        (
            AlertType.LEFT,
            {"silence_days": 15, "cadence_days": 2.0},
            "silent for 15 days, 7.5 times its own rhythm of 2 days or more: taken as gone",
            "已沉默15天，达到自身节奏（2天）的7.5倍，视为流失",
        ),
        (
            AlertType.TIER_TO_DANGER,
            {"p_churn": 0.75},
            "probability of churn rose to 75 %: danger tier",
            "流失概率升至75%，进入危险等级",
        ),
        (
            AlertType.SURGE,
            {"value": 90, "window_days": 7, "percent": 225, "baseline": 40.0},
            "90 actions in the last 7 days, 225 % of the usual 40",
            "近7天操作90次，为平时40次的225%",
        ),
        (
            AlertType.WARM_RETURN,
            {"silence_days": 9, "cadence_days": 2.5},
            "logged in again after 9 silent days (own rhythm 2.5 days)",
            "沉默9天后重新登录（自身节奏2.5天）",
        ),
        (
            AlertType.ASLEEP,
            {"silence_days": 1, "cadence_days": 1.0},
            "silent for 1 day; its own rhythm is one active day every 1 day",
            "已沉默1天，而其自身节奏为每1天活跃一次",
        ),
        (
            AlertType.WARM_RETURN,
            {"silence_days": 1, "cadence_days": 1.0},
            "logged in again after 1 silent day (own rhythm 1 day)",
            "沉默1天后重新登录（自身节奏1天）",
        ),
        (
            AlertType.SUDDEN_DROP,
            {"value": 1, "window_days": 7, "percent": 1, "baseline": 100.0, "baseline_weeks": 1},
            "1 action in the last 7 days, 1 % of the usual 100 (median of 1 comparable week)",
            "近7天操作1次，仅为平时100次的1%（取1个可比周的中位数）",
        ),
    ],
)
def test_wording(kind: AlertType, evidence: dict[str, object], en: str, zh: str) -> None:
    assert wording(kind, evidence) == (en, zh)


def test_every_type_is_declared_and_routes_follow_the_service_tier() -> None:
    assert set(DECLARATIONS) == set(AlertType)
    assert [route(tier) for tier in ("Strategic", "middle", "free", "1", None)] == [
        "csm",
        "queue",
        "automation",
        "automation",
        "automation",
    ]
