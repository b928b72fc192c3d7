"""Why a score is what it is and why it changed: what is told is the whole, the strongest first, in both languages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import exp, fsum, log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.reasons import (
    MOST_TOLD,
    TOLD_SHARE,
    Reasons,
    explain,
    why_changed,
    why_not_scored,
    why_scored,
)
from ebbtide.models.churn.scorer import MODEL_PART, sigmoid
from ebbtide.schemas.score import Contribution, FeatureDelta, HealthTier, Score, ScoreChange

NATS = st.one_of(st.just(0.0), st.floats(-3.0, 3.0, allow_subnormal=False))
PARTS = st.dictionaries(st.sampled_from(NAMES), NATS, max_size=len(NAMES))
FACTOR = re.compile(r"([×÷]) ?([\d,.]+)$")
FIGURES = re.compile(r"\d[\d,]*(?:\.\d+)?")
VALUES = {name: log1p(9) for name in NAMES}


def contributions(parts: dict[str, float], values: dict[str, float | str] | None = None) -> list[Contribution]:
    """All features, each with its part; what is not named adds nothing."""
    held = VALUES | (values or {})
    return [Contribution(name, value, parts.get(name, 0.0)) for name, value in held.items()]


def score(
    parts: dict[str, float],
    moved: dict[str, float] | None = None,
    values: dict[str, float | str] | None = None,
    version: int = 2,
    *,
    of: int = 1,
) -> Score:
    """A score that starts at even odds; ``moved``: its change since version ``of``."""
    logit = fsum(parts.values())
    return Score(
        tenant="default",
        customer_id="c1",
        version=version,
        occurred_at=datetime(2025, 3, 3, tzinfo=UTC),
        p_churn=sigmoid(logit),
        tier=HealthTier.NORMAL,
        model_version="champion-7",
        intercept=0.0,
        contributions=contributions(parts, values),
        logit=logit,
        calibration=None,
        change=None
        if moved is None
        else ScoreChange(from_version=of, contributions=[FeatureDelta(*part) for part in moved.items()]),
    )


def told(lines: list[str]) -> list[float]:
    """What each line does to the odds, nats."""
    found = []
    for line in lines:
        match = FACTOR.search(line)
        assert match is not None, line
        nats = log(float(match[2].replace(",", "")))
        found.append(nats if match[1] == "×" else -nats)
    return found


def assert_told_whole(reasons: Reasons, parts: dict[str, float]) -> None:
    """The first line is the whole, the others multiply to it, the strongest before the others, in both languages."""
    whole, *lines = told(reasons.en)
    assert told(reasons.zh) == [whole, *lines]
    for en, zh in zip(reasons.en, reasons.zh, strict=True):
        # "1 smaller reason" names its number in both.
        assert sorted(FIGURES.findall(en)) == sorted(FIGURES.findall(zh)), (en, zh)
    # A factor is told in hundredths, or in whole numbers from 100 on: either way within half a per cent.
    assert whole == pytest.approx(fsum(parts.values()), abs=0.006)
    assert fsum(lines) == pytest.approx(whole, abs=0.006 * (len(lines) + 1))
    moving = sorted((abs(nats) for nats in parts.values() if nats), reverse=True)
    has_rest = any("smaller reason" in line for line in reasons.en)
    singles = lines[:-1] if has_rest else lines
    assert len(singles) <= MOST_TOLD
    for said, nats in zip(singles, moving, strict=False):
        assert abs(said) == pytest.approx(nats, abs=0.006)
    assert has_rest == (len(singles) < len(moving))
    if has_rest:
        count = re.search(r"(\d+) smaller reason", reasons.en[-1])
        assert count is not None
        assert int(count[1]) == len(moving) - len(singles)
        enough = sum(moving[: len(singles)]) >= TOLD_SHARE * sum(moving) - 1e-9
        assert enough or len(singles) == MOST_TOLD or moving[len(singles)] < 0.005


@given(PARTS, st.floats(-4, 4))
def test_what_is_told_of_a_score_is_the_whole(parts: dict[str, float], intercept: float) -> None:
    reasons = why_scored(intercept, intercept + fsum(parts.values()), contributions(parts))
    assert_told_whole(reasons, parts)


@given(PARTS, NATS)
def test_what_is_told_of_a_change_is_the_whole(parts: dict[str, float], model: float) -> None:
    moved = {name: nats for name, nats in {MODEL_PART: model, **parts}.items() if nats}
    reasons = why_changed(score({}, moved))
    assert reasons is not None
    assert_told_whole(reasons, moved)
    start = sigmoid(-fsum(moved.values()))
    ends = [float(figure) for figure in re.findall(r"([\d.]+) %", reasons.en[0])]
    assert ends[0] / 100 == pytest.approx(start, abs=0.006)
    assert ends[-1] / 100 == pytest.approx(0.5)


def test_a_score_as_it_is_told() -> None:
    parts = {
        "recency_per_cadence": 0.75,
        "active_days_28d": -0.4,
        "attributes.contract_type": 0.3,
        "events_total": 0.1,
        "tenure": -0.05,
    }
    values: dict[str, float | str] = {"attributes.contract_type": "month-to-month"}
    intercept = log(0.12 / 0.88)
    told = why_scored(intercept, intercept + fsum(parts.values()), contributions(parts, values))
    assert told.en == [
        "22 % likely to churn, starting from 12.0 %: odds × 2.01",
        "a silence of 9 times its usual gap: raises the risk, odds × 2.12",
        "active on 9 of the last 28 days: lowers the risk, odds ÷ 1.49",
        "contract type is month-to-month: raises the risk, odds × 1.35",
        "2 smaller reasons together: raise the risk, odds × 1.05",
    ]
    assert told.zh == [
        "流失概率22%，起点为12.0%：流失与留存之比×2.01",
        "沉默时长为其平时间隔的9倍：风险升高，流失与留存之比×2.12",
        "近28天中活跃9天：风险降低，流失与留存之比÷1.49",
        "contract type为month-to-month：风险升高，流失与留存之比×1.35",
        "其余2个较小因素合计：风险升高，流失与留存之比×1.05",
    ]


def test_a_change_as_it_is_told_beside_the_score_before() -> None:
    moved = {
        "recency": 0.8,
        "attributes.contract_type": -0.5,
        MODEL_PART: 0.3,
        "active_days_28d": 0.25,
        "events_28d": -0.2,
        "trend_28d": 0.1,
        "recency_per_gap": 0.0,
    }
    now = score(
        {"recency": 0.5},
        moved,
        {"recency": log1p(12), "trend_28d": log(10 / 19), "attributes.contract_type": "two years"},
    )
    before = score(
        {"recency": -0.3}, None, {"recency": log1p(2), "attributes.contract_type": "month-to-month"}, version=1
    )
    told = why_changed(now, before)
    assert told is not None
    assert told.en == [
        "risk rose from 44 % to 62 %: odds × 2.12",
        "last active 12 days ago (before: 2): raised the risk, odds × 2.23",
        "contract type is two years (before: month-to-month): lowered the risk, odds ÷ 1.65",
        "the model itself has learned: raised the risk, odds × 1.35",
        "active on 9 of the last 28 days, as before, weighed anew: raised the risk, odds × 1.28",
        "2 smaller reasons together: lowered the risk, odds ÷ 1.11",
    ]
    assert told.zh == [
        "流失概率由44%升至62%：流失与留存之比×2.12",
        "最近一次活跃在12天前（之前：2）：风险升高，流失与留存之比×2.23",
        "contract type为two years（之前：month-to-month）：风险降低，流失与留存之比÷1.65",
        "模型自身学到了新情况：风险升高，流失与留存之比×1.35",
        "近28天中活跃9天，与之前相同，模型重新衡量：风险升高，流失与留存之比×1.28",
        "其余2个较小因素合计：风险降低，流失与留存之比÷1.11",
    ]


@pytest.mark.parametrize(
    ("moved", "before", "line"),
    [
        ({"trend_28d": 0.4}, {"trend_28d": 0.0}, "active days in 4 weeks rose from 8 to 9: raised"),
        ({"events_total": 0.4}, {"events_total": log1p(9.01)}, "9 events ever: raised"),
        ({"attributes.plan": 0.4}, {}, "plan no longer counts: raised"),
        ({"recency": -0.4}, {}, "last active 9 days ago: lowered"),
    ],
    ids=["two figures", "the same as it is shown", "gone", "nothing known before"],
)
def test_what_it_was_before_is_told_only_where_it_says_something(
    moved: dict[str, float], before: dict[str, float | str], line: str
) -> None:
    now = score({"recency": 0.5}, moved, {"trend_28d": log(10 / 9)})
    told = why_changed(now, score({}, None, before, version=1) if before else None)
    assert told is not None
    assert told.en[1].startswith(line)


@pytest.mark.parametrize(
    ("nats", "en", "zh"),
    [
        (-0.5, "risk fell from 62 % to 50 %: odds ÷ 1.65", "流失概率由62%降至50%：流失与留存之比÷1.65"),
        (0.001, "risk stayed at 50 %: odds × 1.00", "流失概率保持在50%：流失与留存之比×1.00"),
    ],
)
def test_where_a_change_goes(nats: float, en: str, zh: str) -> None:
    told = why_changed(score({}, {"recency": nats}))
    assert told is not None
    assert (told.en[0], told.zh[0]) == (en, zh)


def test_what_moves_nothing_is_not_told() -> None:
    assert why_scored(0.0, 0.0, contributions({})) == Reasons(
        ["50 % likely to churn, starting from 50 %: odds × 1.00"],
        ["流失概率50%，起点为50%：流失与留存之比×1.00"],
    )


def test_one_weak_reason_is_named_as_one() -> None:
    told = why_scored(0.0, 0.001, contributions({"recency": 0.001}))
    assert told.en[1] == "1 smaller reason: hardly moves the risk, odds × 1.00"
    assert told.zh[1] == "其余1个较小因素：风险几乎不变，流失与留存之比×1.00"


@pytest.mark.parametrize(
    ("p", "said"), [(0.00004, "0.004 %"), (0.054, "5.4 %"), (0.1994, "19.9 %"), (0.731, "73 %"), (0.9934, "99.3 %")]
)
def test_a_probability_has_digits_where_they_say_something(p: float, said: str) -> None:
    logit = log(p / (1 - p))
    assert why_scored(logit, logit, []).en[0].startswith(f"{said} likely to churn")


def test_several_weak_reasons_hardly_move_it_whichever_way() -> None:
    told = why_scored(0.0, -0.004, contributions({"recency": -0.002, "tenure": -0.002}))
    assert told.en[1] == "2 smaller reasons together: hardly move the risk, odds ÷ 1.00"
    assert told.zh[1] == "其余2个较小因素合计：风险几乎不变，流失与留存之比÷1.00"


def test_great_odds_are_whole_numbers() -> None:
    told = why_scored(-5.0, 3.0, contributions({"recency": 8.0}))
    assert told.en[1].endswith(f"odds × {exp(8):,.0f}")


def test_a_published_score_says_why_and_a_blind_one_why_there_is_none() -> None:
    known = score({"recency": 0.5})
    assert explain(known) == why_scored(0.0, 0.5, known.contributions)
    assert why_changed(known) is None
    blind = known.model_copy(update={"p_churn": None, "logit": None, "cannot_score_reason": "source_blind"})
    assert explain(blind).en == [
        "cannot be scored: nothing is heard of what delivers its events, so nobody can say what it does"
    ]
    assert explain(blind).zh == ["无法评分：接收不到其事件的数据来源，无法判断其行为"]
    assert why_changed(blind.model_copy(update={"change": ScoreChange(from_version=1, contributions=[])})) is None
    assert why_not_scored("retired").en == ["cannot be scored: retired"]


def test_a_change_is_told_only_against_its_own_version() -> None:
    now = score({"recency": 0.5}, {"recency": 0.5}, version=4, of=3)
    with pytest.raises(ValueError, match="version 4 is told against version 3, not 1"):
        why_changed(now, score({}, version=1))
