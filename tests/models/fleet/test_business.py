"""What a customer adds of its facts. Day 20,094 is Monday, 2025-01-06."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.yearly_value import YearlyValue
from ebbtide.models.fleet.business import (
    NO_BUSINESS,
    NO_TRAININGS,
    Business,
    business,
    lead_touch,
    nps_answers,
    owner_of,
    period_outcome,
    trainings,
)
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.leads.lead_priority import NEVER, Priority, RankKey
from ebbtide.models.policy import AdoptionPolicy, CorePolicy, ObservationPolicy, TrainingPolicy
from ebbtide.models.standing.history import History
from ebbtide.models.value.attendance import Group
from ebbtide.models.value.first_touch import FirstTouch, Stage
from ebbtide.models.value.nps import Answers
from ebbtide.models.value.renewals import Renewals
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.fleet import FleetStats, SegmentStats, TrainedModule
from ebbtide.schemas.profile_state import Trait

MONDAY = 20_094
WEEK = MONDAY - 35
POLICY = CorePolicy()
USES = {WEEK + offset: {"funnels": 2, "replay": 1} for offset in range(-28, 35)}
UNKNOWN = FirstTouch("unknown", "")
KEY: RankKey = (Priority.B, NEVER, -3, -0.5, "c")


def history(*facts: tuple[str, int, Mapping[str, Any]]) -> History:
    return History.of((kind, day * DAY_MS, data) for kind, day, data in facts)


def closed(*outcomes: tuple[int, str]) -> Renewals:
    found = history(*(("renewal.closed", MONDAY - ago, {"outcome": outcome}) for ago, outcome in outcomes))
    return period_outcome(found, MONDAY, 365)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], Renewals()),
        ([(0, "renewed"), (366, "churned")], Renewals()),
        ([(365, "renewed")], Renewals(renewed=1)),
        ([(9, "renewed"), (8, "renewed"), (7, "renewed")], Renewals(renewed=1)),
        ([(9, "expanded"), (8, "downgraded"), (7, "renewed")], Renewals(downgraded=1)),
        ([(9, "downgraded"), (8, "expanded"), (7, "renewed")], Renewals(expanded=1)),
        ([(9, "churned"), (8, "renewed")], Renewals(churned=1)),
        ([(9, "who knows"), (8, "renewed")], Renewals(renewed=1)),
        ([(9, "who knows")], Renewals()),
    ],
)
def test_a_customer_has_one_outcome_in_a_period(outcomes: list[tuple[int, str]], expected: Renewals) -> None:
    assert closed(*outcomes) == expected


def test_answers_off_the_scale_are_none() -> None:
    told = history(*(("survey.answered", MONDAY - n, {"kind": "NPS", "score": n, "email": str(n)}) for n in (1, 9, 11)))
    assert nps_answers(told, MONDAY, 365) == Answers(promoters=1, detractors=1)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], None),
        ([("lead.upserted", 0, {"channel": "search"})], None),  # not yet
        ([("lead.upserted", 365, {"channel": "search"})], (FirstTouch("search", ""), Stage.LEAD)),
        ([("lead.upserted", 366, {"channel": "search"})], None),  # older than the spend that counts
        ([("lead.converted", 9, {"channel": "ads", "keyword": "x"})], (FirstTouch("ads", "x"), Stage.QUALIFIED)),
        ([("lead.upserted", 9, {}), ("deal.opened", 8, {"stage": "proposal"})], (UNKNOWN, Stage.DEAL)),
        ([("lead.upserted", 9, {}), ("touchpoint", 8, {"kind": "demo"})], (UNKNOWN, Stage.QUALIFIED)),
        ([("lead.upserted", 9, {}), ("deal.lost", 2, {})], (UNKNOWN, Stage.QUALIFIED)),
        ([("lead.upserted", 9, {}), ("invoice.paid", 1, {}), ("deal.lost", 2, {})], (UNKNOWN, Stage.PAID)),
        ([("contract.signed", 9, {})], None),  # never was a lead
    ],
)  # fmt: skip
def test_where_a_lead_came_from_and_how_far_it_got(
    facts: list[tuple[str, int, dict[str, Any]]], expected: tuple[FirstTouch, Stage] | None
) -> None:
    assert lead_touch(history(*((kind, MONDAY - ago, data) for kind, ago, data in facts)), MONDAY, POLICY) == expected


def fleet(*trained: tuple[int, str], customers: int = 10) -> Fleet:
    everybody = SegmentStats(
        customers=customers,
        quantiles={},
        counters={},
        modules={"(other)": 99, "funnels": 5, "replay": 5, "rare": 1},
        share_dropping=None,
        pareto_value=None,
    )
    rows = [TrainedModule(week=from_ms(week * DAY_MS), module=module) for week, module in trained]
    return Fleet(
        FleetStats(
            tenant="t",
            as_of=from_ms((MONDAY - 7) * DAY_MS),
            accuracy=0.01,
            segments={"": everybody},
            trained=rows,
        )
    )


TRAINED = fleet((WEEK, "funnels"))
OU = ("touchpoint", WEEK + 2, {"kind": "training", "feature": "funnels", "trainer": "ou"})


def asked(
    *facts: tuple[str, int, Mapping[str, Any]],
    day: int = MONDAY,
    policy: CorePolicy = POLICY,
    first_day: int | None = 0,
    known: Fleet | None = TRAINED,
    customer_id: str = "c",
) -> tuple[set[Group], set[tuple[int, str]]]:
    """Groups with a change, and what it tells at once."""
    found = trainings(history(*facts), [USES], day, policy, customer_id=customer_id, first_day=first_day, fleet=known)
    return set(found.changes), set(found.attended)


def test_a_training_is_told_at_once_and_its_effect_weeks_later() -> None:
    for weeks in range(1, 5):
        assert asked(OU, day=WEEK + 7 * weeks) == (set(), {(WEEK, "funnels")})
    assert asked(OU) == ({Group(WEEK, "funnels", "ou")}, {(WEEK, "funnels")})
    assert asked(OU, day=MONDAY + 7) == (set(), set())
    assert asked(OU, day=WEEK) == (set(), set())


def test_the_untrained_are_compared_in_what_others_were_trained_in() -> None:
    assert asked() == ({Group(WEEK, "funnels", "")}, set())
    assert asked(known=fleet((WEEK, "funnels"), (WEEK, "replay")))[0] == {
        Group(WEEK, "funnels", ""),
        Group(WEEK, "replay", ""),
    }
    assert asked(known=fleet((WEEK + 7, "funnels"))) == (set(), set())
    assert asked(OU, known=fleet((WEEK, "funnels"), (WEEK, "replay")))[0] == {
        Group(WEEK, "funnels", "ou"),
        Group(WEEK, "replay", ""),
    }


@pytest.mark.parametrize(
    "nothing", [{"first_day": None}, {"first_day": WEEK - 27}, {"known": None}, {"day": MONDAY + 7}], ids=str
)
def test_who_is_new_is_not_compared(nothing: dict[str, Any]) -> None:
    assert asked(**nothing) == (set(), set())


def test_of_many_untrained_some_are_drawn_and_the_trained_always_are() -> None:
    many = fleet((WEEK, "funnels"), (WEEK, "replay"), customers=3_000)
    drawn = [name for name in map(str, range(1_000)) if asked(known=many, customer_id=name)[0]]
    assert 70 <= len(drawn) <= 130  # 300 of 3,000
    later = fleet((WEEK + 7, "funnels"), customers=3_000)
    also = {name for name in map(str, range(1_000)) if asked(known=later, customer_id=name, day=MONDAY + 7)[0]}
    assert len(also & set(drawn)) < 30  # each week others
    left_out = next(name for name in map(str, range(1_000)) if name not in drawn)
    assert asked(OU, known=many, customer_id=left_out)[0] == {Group(WEEK, "funnels", "ou")}


def test_it_is_asked_once_a_week_whatever_the_grid() -> None:
    daily = CorePolicy(observation=ObservationPolicy(every_days=1))
    assert [bool(asked(day=MONDAY + n, policy=daily)[0]) for n in range(7)] == [True] + [False] * 6
    fortnightly = CorePolicy(observation=ObservationPolicy(every_days=14))
    assert asked(policy=fortnightly)[0]


def test_modules_are_those_declared_or_those_most_used() -> None:
    everything = fleet(*((WEEK, module) for module in ("funnels", "replay", "rare", "(other)")))
    found = [
        sorted(group.module for group in asked(known=everything, policy=policy)[0])
        for policy in (
            POLICY,
            CorePolicy(training=TrainingPolicy(max_modules=2)),
            CorePolicy(adoption=AdoptionPolicy(modules=("rare", "replay"))),
        )
    ]
    assert found == [["funnels", "rare", "replay"], ["funnels", "replay"], ["rare", "replay"]]


def told(**fields: Any) -> Business:
    given = {"first_day": 0, "value": None, "lead": None, "fleet": None} | fields
    return business(history(), [], MONDAY, POLICY, customer_id="c", **given)


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"value": YearlyValue(5.0, "EUR")}, ("EUR", 5.0)),
        ({"value": YearlyValue(0.0, "USD")}, None),
        ({"value": YearlyValue(-1.0, "USD")}, None),
        ({"value": None}, None),
        ({"value": YearlyValue(5.0, None)}, None),
    ],
)
def test_only_money_in_a_currency_is_a_value(fields: dict[str, Any], value: tuple[str, float] | None) -> None:
    assert told(**fields).value == value


def test_who_has_none_of_it_is_not_told_of_beside_segments() -> None:
    assert told() == NO_BUSINESS
    assert told().trainings is NO_TRAININGS
    assert not told().is_told_by_tenant
    assert told(lead=("kim", KEY)).is_told_by_tenant
    assert Business(touch=(FirstTouch("search", ""), Stage.LEAD)).is_told_by_tenant


def trait(value: object) -> Trait:
    return Trait(value, 0, "", "crm")  # type: ignore[arg-type]


def test_owner_of_traits() -> None:
    assert [owner_of({}), owner_of({"owner": trait(" kim ")}), owner_of({"owner": trait("k" * 999)})] == [
        "",
        "kim",
        "k" * 128,
    ]


LATER = st.lists(
    st.tuples(
        st.sampled_from(["renewal.closed", "survey.answered", "lead.upserted", "deal.won", "touchpoint"]),
        st.integers(MONDAY, MONDAY + 30),
        st.just({"outcome": "churned", "kind": "nps", "score": 3, "channel": "x"}),
    )
)


@given(LATER)
def test_nothing_at_or_after_the_day_matters(later: list[tuple[str, int, dict[str, Any]]]) -> None:
    past = [OU, ("renewal.closed", MONDAY - 3, {"outcome": "renewed"}), ("lead.upserted", MONDAY - 9, {"channel": "a"})]
    given_ = {"customer_id": "c", "first_day": 0, "value": YearlyValue(1.0, "USD"), "lead": None, "fleet": TRAINED}
    uses = [USES, {MONDAY: {"funnels": 99}}]
    found = business(history(*past, *later), uses, MONDAY, POLICY, **given_)  # type: ignore[arg-type]
    assert found == business(history(*past), [USES], MONDAY, POLICY, **given_)  # type: ignore[arg-type]
