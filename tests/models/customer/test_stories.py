"""Stories of one customer, with the days counted by hand. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from ebbtide.models.outputs import Output
from ebbtide.models.policy import CorePolicy, LabelPolicy, ScorePolicy, SurgePolicy
from ebbtide.schemas.alert import Alert
from ebbtide.schemas.learning import TrainingExample
from ebbtide.schemas.score import Score
from support.raw import alerts_of, at, fact, in_account, iso, run, story, track, without_checks

EVERY_TWO_DAYS = [6 + 2 * n for n in range(6)]  # Sunday, Tuesday, …: 6 8 10 12 14 16
NOON = 43_200


def active(days: list[int], name: str = "view", count: int = 1) -> list[dict[str, Any]]:
    """A user's events at noon."""
    return [track(name, at(day, NOON + n), f"{name}-{day}-{n}") for day in days for n in range(count)]


def silences(outputs: list[Output]) -> list[tuple[str, str, float]]:
    """The story without tiers, drops and surges."""
    return [row for row in story(outputs) if row[0] in {"asleep", "left", "warm_return"}]


def test_asleep_at_4_days_and_left_at_15_with_a_cadence_of_2() -> None:
    outputs = run(active(EVERY_TWO_DAYS), at(40))
    assert silences(outputs) == [
        ("asleep", "open", 20.0),
        ("asleep", "resolved", 31.0),
        ("left", "open", 31.0),
    ]
    asleep = alerts_of(outputs)[0]
    assert asleep.evidence == {"silence_days": 4, "cadence_days": 2.0, "last_active_at": "2025-01-22T12:00:00Z"}
    assert asleep.reasons_en == [
        "silent for 4 days; its own rhythm is one active day every 2 days",
        "29 % likely to churn, starting from 5.4 %: odds × 7.26",
        "a silence of 2 times its usual gap: raises the risk, odds × 7.26",
    ]
    assert asleep.reasons_zh == [
        "已沉默4天，而其自身节奏为每2天活跃一次",
        "流失概率29%，起点为5.4%：流失与留存之比×7.26",
        "沉默时长为其平时间隔的2倍：风险升高，流失与留存之比×7.26",
    ]
    assert asleep.resolved_reason is None


def test_an_alert_says_why_the_score_of_its_instant_is_what_it_is_unless_it_ends_or_is_no_risk() -> None:
    body = active(EVERY_TWO_DAYS) + active([22], "login", count=3) + active([23], "login")
    outputs = run(body, at(24))
    scored = {output.record.occurred_at for output in outputs if isinstance(output.record, Score)}
    told = {(alert.type.value, alert.state.value): alert for alert in alerts_of(outputs)}
    assert at(20) in scored
    assert len(told["asleep", "open"].reasons_en) == len(told["asleep", "open"].reasons_zh) == 3
    assert len(told["asleep", "resolved"].reasons_en) == 1
    assert len(told["warm_return", "open"].reasons_en) == 1


def test_a_score_that_was_told_before_does_not_speak_in_an_alert() -> None:
    # Nothing moves a score by the whole of its range: only the first and those of another tier are told.
    still = CorePolicy(score=ScorePolicy(min_change=1.0))
    outputs = run(active(EVERY_TWO_DAYS), at(24), still)
    scored = {output.record.occurred_at for output in outputs if isinstance(output.record, Score)}
    asleep = alerts_of(outputs)[0]
    assert asleep.occurred_at == at(20)
    assert at(20) not in scored
    assert asleep.reasons_en == ["silent for 4 days; its own rhythm is one active day every 2 days"]


def test_never_asleep_before_3_days() -> None:
    assert silences(run(active(list(range(20))), at(22)))[:1] == [("asleep", "open", 22.0)]


def test_the_prior_of_7_days_until_5_gaps() -> None:
    # Without a rhythm nobody oversleeps; 7.5 times the prior is long enough for all that.
    assert silences(run(active([0, 2, 4, 6, 8]), at(70))) == [("left", "open", 61.0)]


def test_a_weekend_does_not_count_for_who_never_works_then() -> None:
    weekdays = [day for day in range(12) if day % 7 < 5]  # up to Friday, day 11
    assert silences(run(active(weekdays), at(20)))[:1] == [("asleep", "open", 16.0)]  # Wednesday


def test_a_login_after_a_sleep_is_a_warm_return_once() -> None:
    body = active(EVERY_TWO_DAYS) + active([22], "login", count=3) + active([23], "login")
    outputs = run(body, at(24))
    assert silences(outputs) == [
        ("asleep", "open", 20.0),
        ("asleep", "resolved", 22.5),
        ("warm_return", "open", 22.5),
    ]
    back = alerts_of(outputs)[2]
    assert back.evidence == {"silence_days": 6, "cadence_days": 2.0, "returned_at": "2025-01-28T12:00:00Z"}


def test_a_return_expires_after_two_weeks_of_use() -> None:
    body = active(EVERY_TWO_DAYS) + active([22, *range(23, 40)], "login")
    assert silences(run(body, at(40)))[-1] == ("warm_return", "resolved", 36.0)


def test_a_return_without_login_ends_the_sleep_only() -> None:
    assert silences(run(active([*EVERY_TWO_DAYS, 22]), at(24))) == [
        ("asleep", "open", 20.0),
        ("asleep", "resolved", 22.5),
    ]


def test_a_login_on_the_day_after_is_the_return_of_who_came_without_one() -> None:
    """As just before midnight. Once, and only on the very next day."""
    body = active([*EVERY_TWO_DAYS, 22])
    outputs = run([*body, *active([23, 24], "login")], at(26))
    assert silences(outputs) == [
        ("asleep", "open", 20.0),
        ("asleep", "resolved", 22.5),
        ("warm_return", "open", 23.5),
    ]
    assert alerts_of(outputs)[-1].evidence == {
        "silence_days": 6,
        "cadence_days": 2.0,
        "returned_at": "2025-01-29T12:00:00Z",
    }
    assert [row[0] for row in silences(run([*body, *active([24], "login")], at(26)))] == ["asleep", "asleep"]
    # Who was awake returns from nowhere.
    assert silences(run([*active([*EVERY_TWO_DAYS, 17]), *active([18], "login")], at(20))) == []


def test_who_had_left_comes_back() -> None:
    outputs = run(active(EVERY_TWO_DAYS) + active([33], "login"), at(34))
    assert silences(outputs)[-2:] == [("left", "resolved", 33.5), ("warm_return", "open", 33.5)]


def test_two_sleeps_are_two_returns() -> None:
    body = active(EVERY_TWO_DAYS) + active([22, 24, 26, 33], "login")
    returns = [row for row in story(run(body, at(34))) if row[0] == "warm_return"]
    assert returns == [
        ("warm_return", "open", 22.5),
        ("warm_return", "resolved", 30.0),
        ("warm_return", "open", 33.5),
    ]


def test_the_day_that_runs_counts_when_the_customer_is_observed() -> None:
    body = active(EVERY_TWO_DAYS) + active([22], "login")
    assert silences(run(body, at(22, 50_000)))[-1] == ("warm_return", "open", 22.5)


def weeks(*counts: int) -> list[dict[str, Any]]:
    """Weeks of daily use, so many events on the Monday and one on each other day."""
    return [
        event
        for week, count in enumerate(counts)
        for day in range(7)
        for event in active([7 * week + day], count=count - 6 if day == 0 else 1)
    ]


def team(*counts: int) -> list[dict[str, Any]]:
    """An account's weeks: so many of its people come on each workday, and do three things each."""
    return [
        track("view", at(7 * week + day, NOON + n), f"{week}-{day}-{who}-{n}", user=f"u{who}", **in_account("acme"))
        for week, count in enumerate(counts)
        for day in range(5)
        for who in range(count)
        for n in range(3)
    ]


def drops(body: list[dict[str, Any]], until: datetime) -> list[Alert]:
    return [alert for alert in alerts_of(run(body, until)) if alert.type == "sudden_drop"]


def test_a_drop_opens_once_it_is_hardly_chance_and_closes_at_70_percent() -> None:
    opened, closed = drops(team(*[4] * 8, 1, 1, 4, 4), at(84))
    # On three workdays one comes of four.
    assert (opened.state, opened.occurred_at) == ("open", at(59))
    assert opened.evidence == {
        "value": 9,
        "baseline": pytest.approx(36.0, rel=0.01),
        "ratio": pytest.approx(0.25, rel=0.01),
        "percent": 25,
        "window_days": 3,
        "people_days": 3,
        "usual_people_days": pytest.approx(12.0),
        "log_likelihood_ratio": pytest.approx(5.4, abs=0.1),
    }
    # Of the seven days before, two had one person and three had four.
    assert (closed.state, closed.occurred_at, closed.resolved_reason) == ("resolved", at(73), "recovered")
    assert drops(team(*[4] * 8, 3, 3, 4, 4), at(84)) == []


def test_a_surge_over_twice() -> None:
    body = weeks(26, 26, 26, 26, 26, 60, 26)
    sharp = CorePolicy(surge=SurgePolicy(strength=0.7, people_weight=0.0))
    surges = [row for row in story(run(body, at(49), sharp)) if row[0] == "surge"]
    assert surges == [("surge", "open", 36.0), ("surge", "resolved", 43.0)]


def test_what_a_campaign_brought_is_no_surge() -> None:
    sharp = CorePolicy(surge=SurgePolicy(strength=0.7, people_weight=0.0))
    sent = fact("touchpoint", at(30), "sent", {"user_id": "u1"}, kind="campaign", id="spring")
    body = sorted([*weeks(26, 26, 26, 26, 26, 60, 26), sent], key=lambda row: row.get("timestamp", iso(at(30))))
    assert not [row for row in story(run(body, at(49), sharp)) if row[0] == "surge"]


@pytest.mark.parametrize(("back", "told"), [(10, []), (3, [96.0])])
def test_coming_back_is_no_decline_but_coming_back_to_less_is(back: int, told: list[float]) -> None:
    usual = active(list(range(70)), count=10)
    body = [*usual, *active(list(range(94, 100)), count=back)]
    rows = [row for row in story(run(body, at(99))) if row[0] == "sudden_drop"]
    # Silent for two days, and after seven and a half it has left.
    assert rows[:2] == [("sudden_drop", "open", 72.0), ("sudden_drop", "resolved", 77.0)]
    assert [row[2] for row in rows[2:] if row[1] == "open"] == told


def test_no_drop_under_20_usual_actions() -> None:
    assert not [row for row in story(run(weeks(19, 19, 19, 19, 19, 7), at(42))) if row[0] == "sudden_drop"]


CRM = {"group_id": "g1"}
JOIN = in_account("g1")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, None),
        ({"mrr": 10}, (120.0, "USD")),
        ({"mrr": 10, "currency": "eur"}, (120.0, "EUR")),
        ({"mrr": 10, "currency": "€"}, None),
        ({"mrr": "ten"}, None),
        ({"mrr": 10**400}, None),
    ],
)
def test_at_stake_is_a_year_of_money(
    facts: dict[str, Any], expected: tuple[float, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_checks(monkeypatch)
    body = [fact("account.upserted", at(0), "f", CRM, name="Acme", tier="strategic", owner="mei", **facts)]
    body += [event | JOIN for event in active(EVERY_TWO_DAYS)]
    alert = alerts_of(run(body, at(21)))[0]
    money = alert.at_stake
    assert (None if money is None else (money.amount, money.currency)) == expected
    assert (alert.customer_name, alert.owner, alert.route) == ("Acme", "mei", "csm")


def test_at_stake_prefers_the_contract_and_falls_back_on_what_was_paid() -> None:
    signed = fact("contract.signed", at(0), "f", CRM, value=999.5, currency="CNY", end="2026-01-01")
    money = alerts_of(run([signed, *(e | JOIN for e in active(EVERY_TWO_DAYS))], at(21)))[0].at_stake
    assert money is not None
    assert (money.amount, money.currency) == (999.5, "CNY")
    paid = [e | {"properties": {"revenue": 2.5}} for e in active(EVERY_TWO_DAYS, "order")]
    money = alerts_of(run(paid, at(21)))[0].at_stake
    assert money is not None
    assert money.amount == 15.0


def examples(
    body: list[dict[str, Any]], until: float, kind: str = "auto", horizon: int = 14
) -> list[tuple[bool | None, str]]:
    policy = CorePolicy(label=LabelPolicy.model_validate({"kind": kind, "horizon_days": horizon}))
    outputs = run(body, at(until), policy)
    return [(o.record.label, o.record.label_reason) for o in outputs if isinstance(o.record, TrainingExample)]


def test_labels_by_inactivity() -> None:
    # Observed on Mondays, days 7 and 14; active again on day 20 only. Matured on days 21 and 28.
    assert examples(active([1, 20]), 28) == [(False, "active"), (False, "active")]
    assert examples(active([1]), 28) == [(True, "inactive"), (True, "inactive")]
    assert examples(active([1]), 27) == [(True, "inactive")]


@pytest.mark.parametrize(
    ("outcome", "expected"), [("churned", (True, "contract_churned")), ("renewed", (False, "contract_renewed"))]
)
def test_labels_by_contract(outcome: str, expected: tuple[bool, str]) -> None:
    body = [event | JOIN for event in active([1])]
    body += [
        fact("contract.signed", at(2), "f1", CRM, end="2025-01-20"),
        fact("renewal.closed", at(10), "f2", CRM, outcome=outcome),
    ]
    assert examples(body, 21) == [expected]
    assert examples(body[:2], 21) == [(False, "contract_running")]
    assert examples(body[:1], 21, "contract") == []


def test_who_should_never_have_been_sold_to_teaches_nothing() -> None:
    body = [event | JOIN for event in active([1])]
    body += [
        fact("contract.signed", at(2), "f1", CRM, end="2025-01-20"),
        fact("renewal.closed", at(10), "f2", CRM, outcome="churned", reason="not_target"),
    ]
    assert examples(body, 21) == []
    assert examples([*body, fact("contract.signed", at(12), "f3", CRM)], 21) == [(False, "contract_won_back")]


def test_why_a_contract_ended_is_known_when_the_label_comes_a_year_later() -> None:
    body = [event | JOIN for event in active([1, 9, 100, 200, 300])]
    body += [
        fact("contract.signed", at(2), "f1", CRM),
        fact("renewal.closed", at(12), "f2", CRM, outcome="churned", reason="not_target"),
    ]
    assert examples(body, 380, horizon=360) == []
    body[-1]["data"]["reason"] = "product"
    assert examples(body, 372, horizon=360) == [(True, "contract_churned")]


def test_who_signs_again_can_churn_again() -> None:
    body = [event | JOIN for event in active([1])]
    body += [
        fact("contract.signed", at(2), "f1", CRM),
        fact("renewal.closed", at(3), "f2", CRM, outcome="churned", reason="product"),
        fact("contract.signed", at(5), "f3", CRM),
        fact("renewal.closed", at(16), "f4", CRM, outcome="churned", reason="product"),
    ]
    assert examples(body, 21) == [(True, "contract_churned")]


def test_a_contract_signed_after_the_label_was_due_does_not_change_it() -> None:
    body = [event | JOIN for event in active([1])]
    signed = fact("contract.signed", at(22), "f1", CRM, end="2025-03-20")
    assert examples([*body, signed], 21.5) == examples(body, 21.5) == [(True, "inactive")]


def test_every_score_adds_up() -> None:
    outputs = run(weeks(26, 26, 8, 26), at(60))
    scores = [json.loads(output.record.to_json()) for output in outputs if isinstance(output.record, Score)]
    assert len(scores) > 3
    for before, score in zip([None, *scores], scores, strict=False):
        parts = sum(part["contribution"] for part in score["contributions"])
        assert score["intercept"] + parts == pytest.approx(score["logit"], abs=1e-9)
        if before is not None:
            moved = sum(part["contribution"] for part in score["change"]["contributions"])
            assert moved == pytest.approx(score["logit"] - before["logit"], abs=1e-9)
            assert score["change"]["from_version"] == before["version"] == score["version"] - 1
