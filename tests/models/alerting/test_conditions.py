"""When each alert fires, holds and clears."""

from __future__ import annotations

import json

import pytest

from ebbtide.models.alerting import conditions
from ebbtide.models.alerting.declarations import DECLARATIONS, ROUTES, play, route, wording
from ebbtide.models.alerting.ops import OPS
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason
from ebbtide.models.customer.cadence import Cadence, SilenceState
from ebbtide.models.customer.comparable import Window
from ebbtide.models.customer.course import Decline
from ebbtide.models.customer.key_people import Gone
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.policy import AlertPolicy, BaselinePolicy, KeyPersonPolicy, SurgePolicy
from ebbtide.schemas.alert import AlertType, Severity
from ebbtide.schemas.score import HealthTier
from support.examples import examples

POLICY, SURGES = BaselinePolicy(), SurgePolicy()
AWAKE, ASLEEP, LEFT = SilenceState


def usual_100(value: int) -> Comparison:
    return Comparison(value, 100.0, 7, 8)


def week_of(value: int) -> Window:
    return Window(7, 7, value, [100] * 8, 100.0)


def fallen(value: int) -> Decline | None:
    """What is found of a week with 100 usual actions."""
    return Decline(7, 9.0, 3, 20.0, value, 100.0) if value < 50 else None


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
    verdict = conditions.sudden_drop(fallen(value), week_of(value), ASLEEP, POLICY)
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
    verdict = conditions.surge(usual_100(value), 2.0, AWAKE, POLICY, SURGES)
    assert (verdict.severity if isinstance(verdict, Fires) else verdict.reason) == expected


def test_a_surge_within_the_own_noise_does_not_open() -> None:
    assert conditions.surge(usual_100(300), 1.9, AWAKE, POLICY, SURGES) == Holds(Reason.WITHIN_NOISE)
    assert conditions.surge(usual_100(300), None, AWAKE, POLICY, SURGES) == Holds(Reason.WITHIN_NOISE)


def test_who_has_left_neither_drops_nor_surges() -> None:
    assert conditions.sudden_drop(fallen(0), week_of(0), LEFT, POLICY) == Clears(Reason.LEFT)
    assert conditions.surge(usual_100(500), None, LEFT, POLICY, SURGES) == Clears(Reason.LEFT)
    assert conditions.sudden_drop(None, None, AWAKE, POLICY) == Clears(Reason.NO_BASELINE)
    assert conditions.surge(None, None, AWAKE, POLICY, SURGES) == Clears(Reason.NO_BASELINE)


def test_silence() -> None:
    evidence = {"silence_days": 4, "cadence_days": 2.0, "last_active_at": "t"}
    assert conditions.asleep(ASLEEP, None, 4, 2.0, "t") == Fires(Severity.WARNING, evidence)
    assert conditions.left(LEFT, None, 4, 2.0, "t") == Fires(Severity.CRITICAL, evidence)
    assert conditions.asleep(LEFT, None, 4, 2.0, "t") == Clears(Reason.LEFT)
    assert conditions.asleep(AWAKE, None, 4, 2.0, "t") == Clears(Reason.AWAKE)
    assert conditions.left(ASLEEP, None, 4, 2.0, "t") == Clears(Reason.AWAKE)


def test_a_silence_that_is_usual_is_not_told() -> None:
    assert conditions.asleep(ASLEEP, Reason.USUAL_SILENCE, 4, 2.0, "t") == Holds(Reason.USUAL_SILENCE)
    assert conditions.left(LEFT, Reason.USUAL_SILENCE, 4, 2.0, "t") == Holds(Reason.USUAL_SILENCE)
    assert conditions.warm_return(1, Reason.USUAL_SILENCE, 4, 2.0, "t") == Clears(Reason.USUAL_SILENCE)
    # Who has no rhythm cannot oversleep, but is gone all the same in the end.
    assert conditions.asleep(ASLEEP, Reason.NO_RHYTHM, 20, 7.0, "t") == Holds(Reason.NO_RHYTHM)
    assert isinstance(conditions.left(LEFT, Reason.NO_RHYTHM, 60, 7.0, "t"), Fires)


@pytest.mark.parametrize(
    ("told", "severity", "confidence"), [(True, Severity.CRITICAL, 1.0), (False, Severity.WARNING, 0.5)]
)
def test_a_key_person_is_lost(told: bool, severity: Severity, confidence: float) -> None:
    gone = Gone(20_000, "p1", "ada", 19_990, 0.4, Cadence(1.0, business=True), 9, told)
    verdict = conditions.key_person_lost(gone)
    assert isinstance(verdict, Fires)
    assert (verdict.severity, verdict.confidence, verdict.person) == (severity, confidence, "p1")
    en, zh = wording(AlertType.KEY_PERSON_LOST, verdict.evidence)
    assert en == (
        "key person ada (40 % of the activity) is gone: last active on 2024-09-24, own rhythm one active day every "
        "1.4 days"
    )
    assert zh == "关键人ada（占活跃度的40%）已流失：最后活跃于2024-09-24，自身节奏为每1.4天活跃一次"


@pytest.mark.parametrize(
    ("back", "stood_in", "open_days", "expected"),
    [
        (True, True, 99, Clears(Reason.RETURNED)),
        (False, True, 99, Clears(Reason.STOOD_IN)),
        (False, False, 28, Clears(Reason.EXPIRED)),
        (False, False, 27, Holds(Reason.HYSTERESIS)),
    ],
)
def test_a_loss_stays_open_for_a_while(back: bool, stood_in: bool, open_days: int, expected: Clears | Holds) -> None:
    policy = KeyPersonPolicy()
    assert (
        conditions.key_person_stays_lost(back=back, stood_in=stood_in, open_days=open_days, policy=policy) == expected
    )


def test_danger() -> None:
    assert conditions.tier_to_danger(HealthTier.DANGER, 0.75) == Fires(
        Severity.CRITICAL, {"p_churn": 0.75, "tier": "danger"}
    )
    assert conditions.tier_to_danger(HealthTier.NORMAL, 0.7) == Clears(Reason.NOT_IN_DANGER)
    assert conditions.tier_to_danger(None, None) == Clears(Reason.NOT_IN_DANGER)


def test_a_return_needs_a_login_and_lasts_two_weeks() -> None:
    assert conditions.warm_return(0, None, 9, 2.0, "t") == Clears(Reason.NO_LOGIN)
    assert isinstance(conditions.warm_return(1, None, 9, 2.0, "t"), Fires)
    assert conditions.warm_return_ends(AWAKE, 13, AlertPolicy()) == Holds(Reason.HYSTERESIS)
    assert conditions.warm_return_ends(AWAKE, 14, AlertPolicy()) == Clears(Reason.EXPIRED)
    assert conditions.warm_return_ends(ASLEEP, 1, AlertPolicy()) == Clears(Reason.WENT_TO_SLEEP)


@pytest.mark.parametrize(
    ("kind", "evidence", "en", "zh"),
    [
        (
            AlertType.SUDDEN_DROP,
            {"value": 10, "window_days": 7, "percent": 25, "baseline": 40.0},
            "10 actions in the last 7 days, 25 % of the 40 usual on such days",
            "近7天操作10次，仅为同类日子通常40次的25%",
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
            {"value": 1, "window_days": 7, "percent": 1, "baseline": 100.0},
            "1 action in the last 7 days, 1 % of the 100 usual on such days",
            "近7天操作1次，仅为同类日子通常100次的1%",
        ),
    ],
)
def test_wording(kind: AlertType, evidence: dict[str, object], en: str, zh: str) -> None:
    assert wording(kind, evidence) == (en, zh)


def test_every_wording_is_filled_in_from_real_evidence() -> None:
    """The published examples, which come from a real run, say what the table says."""
    shown = [json.loads(path.read_bytes()) for path in examples("Alert")]
    for alert in shown:
        if alert["kind"] == "ops":
            words = OPS[AlertType(alert["type"])].words.of(alert["evidence"])
            assert (alert["reasons_en"], alert["reasons_zh"]) == ([words[0]], [words[1]])
            continue
        en, zh = wording(AlertType(alert["type"]), alert["evidence"])
        assert (alert["reasons_en"][0], alert["reasons_zh"][0]) == (en, zh)
        tier = {"csm": "strategic", "queue": "middle"}.get(alert["route"], "other")
        if alert["route"] in ROUTES:
            assert alert["play"] == play(AlertType(alert["type"]), tier, {})


def test_plays_by_tier_and_by_setting() -> None:
    assert [play(AlertType.LEFT, tier, {}) for tier in ("Strategic", "middle", "free", None)] == [
        "executive_call",
        "win_back",
        "mail_win_back",
        "mail_win_back",
    ]
    other = {"left": "write", "left/other": "none"}
    assert [play(AlertType.LEFT, tier, other) for tier in ("strategic", "middle", None)] == ["write", "write", "none"]
    assert [route(tier, AlertType.OVERDUE) for tier in ("strategic", "middle", None)] == ["csm", "billing", "billing"]
    assert route("strategic", AlertType.HOT_LEAD) == "sales"


def test_every_type_is_declared_and_routes_follow_the_service_tier() -> None:
    assert DECLARATIONS.keys() | OPS.keys() == set(AlertType)
    assert not DECLARATIONS.keys() & OPS.keys()
    assert [route(tier) for tier in ("Strategic", "middle", "free", "1", None)] == [
        "csm",
        "queue",
        "automation",
        "automation",
        "automation",
    ]
