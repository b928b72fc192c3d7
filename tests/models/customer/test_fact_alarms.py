"""Stories of the alerts that facts and states decide, through the whole topology. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.fact_alarms import FactAlarms
from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.view import View, fold
from ebbtide.models.policy import AlertPolicy, CorePolicy
from ebbtide.models.standing.unseen import all_seen
from ebbtide.schemas.alert import Alert, AlertType
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import Outcome, ProfileState
from support.blind import beats
from support.raw import MONDAY, alerts_of, at, in_account, iso, run, story, track
from support.standings import Told, in_time, told

ACME = {"group_id": "acme"}
ANN = {"user_id": "ann", **ACME}
BOB = {"user_id": "bob", **ACME}
USE = in_account("acme")


def told_of(kind: str, bodies: list[dict[str, Any]], until: float, policy: CorePolicy | None = None) -> list[Alert]:
    """The alerts of one type."""
    return [alert for alert in alerts_of(run(in_time(bodies), at(until), policy)) if alert.type == kind]


def rows(kind: str, bodies: list[dict[str, Any]], until: float, policy: CorePolicy | None = None) -> list[Any]:
    """The alerts of one type as state and day, and why they ended."""
    return [
        (alert.state.value, (to_ms(alert.occurred_at) - to_ms(MONDAY)) / 86_400_000, alert.resolved_reason)
        if alert.resolved_reason
        else (alert.state.value, (to_ms(alert.occurred_at) - to_ms(MONDAY)) / 86_400_000)
        for alert in told_of(kind, bodies, until, policy)
    ]


def opened(name: str, day: float, severity: str = "normal") -> dict[str, Any]:
    """A ticket."""
    return told("ticket.opened", day, f"o-{name}-{day}", ACME, ticket_id=name, severity=severity)


def closed(name: str, day: float) -> dict[str, Any]:
    """It is closed."""
    return told("ticket.closed", day, f"c-{name}-{day}", ACME, ticket_id=name)


def test_three_tickets_until_one_is_left_and_anew() -> None:
    body = [opened("a", 1.5), opened("b", 2.5), opened("c", 3.5), closed("a", 5.5), closed("b", 7.5)]
    body += [opened("d", 9.5), opened("e", 11.5)]
    found = told_of("support_distress", body, 20)
    assert rows("support_distress", body, 20) == [("open", 4), ("resolved", 8, "few_tickets"), ("open", 12)]
    assert found[0].alert_id == found[1].alert_id != found[2].alert_id
    assert found[0].reasons_en == ["3 open tickets, 0 of top severity for too long; the first for 2 days"]
    assert found[0].reasons_zh == ["有3个未关闭工单，其中0个最高级别工单超时，首个已等待2天"]


def test_a_grave_ticket_tells_itself_by_timer_of_an_account_that_only_the_crm_knows() -> None:
    body = [opened("a", 1.25, "critical"), closed("a", 9.5)]
    assert rows("support_distress", body, 12) == [("open", 5), ("resolved", 10, "few_tickets")]


def test_one_ticket_more_or_less_is_one_alert() -> None:
    body = [opened("a", 1.5), opened("b", 2.5)]
    body += [opened("c", 3.5 + n) if n % 2 == 0 else closed("c", 3.5 + n) for n in range(20)]
    assert rows("support_distress", body, 30) == [("open", 4)]


def answer(who: dict[str, str], day: float, score: int) -> dict[str, Any]:
    """To the question of the NPS."""
    return told("survey.answered", day, f"s-{day}", who, kind="nps", score=score)


def named(who: dict[str, str], name: str) -> dict[str, Any]:
    """What the CRM calls a person."""
    return told("contact.upserted", 0.1, f"n-{name}", who, name=name)


def test_a_detractor_is_named_and_the_alert_goes_on_about_the_next() -> None:
    body = [named(ANN, "Ann Lee"), answer(ANN, 1.5, 6), answer(BOB, 3.5, 2), answer(ANN, 9.5, 7), answer(ANN, 20.5, 9)]
    body += [answer(BOB, 30.5, 10)]
    found = told_of("detractor", body, 40)
    assert rows("detractor", body, 40) == [("open", 2), ("updated", 21), ("resolved", 31, "answered_better")]
    assert [alert.reasons_en[0] for alert in found[:2]] == [
        "Ann Lee would not recommend the product: answered 6 of 10",
        "bob would not recommend the product: answered 2 of 10",
    ]
    assert found[0].person_id is not None
    assert found[0].person_id != found[1].person_id == found[2].person_id


def test_a_detractor_is_forgotten_after_a_while() -> None:
    assert rows("detractor", [answer(ANN, 1.5, 3)], 120) == [("open", 2), ("resolved", 92, "expired")]
    short = CorePolicy(alert=AlertPolicy(detractor_days=5))
    assert rows("detractor", [answer(ANN, 1.5, 3)], 120, short) == [("open", 2), ("resolved", 7, "expired")]


@pytest.mark.parametrize("turned", [False, True])
def test_who_is_not_named_is_somebody(turned: bool) -> None:
    """Of two that name nobody the newest counts, under whatever identifier of the account it was told."""
    crm = {"crm_account_id": "9"}
    first, second = (crm, ACME) if turned else (ACME, crm)
    body = [told("account.upserted", 0.1, "a", crm | ACME), answer(first, 1.5, 3), answer(second, 2.5, 8)]
    found = told_of("detractor", body, 20)
    assert [(alert.person_id, alert.reasons_en[0]) for alert in found][:1] == [
        (None, "somebody would not recommend the product: answered 3 of 10")
    ]
    assert found[0].reasons_zh == ["有人不愿推荐产品：评分3（满分10分）"]
    assert rows("detractor", body, 20) == [("open", 2), ("resolved", 3, "answered_better")]


def late(day: float, name: str = "i-1", **fields: Any) -> dict[str, Any]:
    """An invoice that was due at the start of day 2."""
    return told("invoice.overdue", day, f"l-{name}-{day}", ACME, invoice_id=name, due_at=iso(at(2)), **fields)


def test_an_invoice_overdue_for_15_days_until_it_is_paid() -> None:
    paid = told("invoice.paid", 50.5, "p", ACME, invoice_id="i-1")
    body = [late(3.5, amount=1240.5, currency="EUR"), paid]
    found = told_of("overdue", body, 60)
    assert rows("overdue", body, 60) == [("open", 17), ("updated", 47), ("resolved", 51, "paid")]
    assert (found[0].evidence["amount"], found[0].severity, found[1].severity) == (1240.5, "warning", "critical")
    assert found[0].reasons_en == ["1 invoice overdue, i-1 for 15 days: 1,240.50 EUR"]
    assert told_of("overdue", [late(3.5)], 20)[0].reasons_zh == ["1张发票逾期，其中i-1已逾期15天，金额未知"]


def signed(day: float, end: float, **fields: Any) -> dict[str, Any]:
    """A contract until the start of a day."""
    return told("contract.signed", day, f"k-{day}", ACME, end=iso(at(end)), **fields)


def test_a_renewal_at_risk_is_one_alert_in_three_steps() -> None:
    body = [signed(0.5, 365), told("renewal.closed", 350.5, "r", ACME, outcome="renewed")]
    found = told_of("renewal_at_risk", body, 380)
    assert rows("renewal_at_risk", body, 380) == [
        ("open", 275),
        ("updated", 305),
        ("updated", 335),
        ("resolved", 351, "renewed"),
    ]
    assert [alert.severity for alert in found] == ["warning", "warning", "critical", "critical"]
    assert len({alert.alert_id for alert in found}) == 1
    assert found[0].confidence == 0.5
    assert found[0].reasons_en == ["the contract ends in 90 days, on 2026-01-06, and health is unknown"]


@pytest.mark.parametrize(
    ("facts", "ended"),
    [
        ([], ("resolved", 372, "ended")),
        ([told("renewal.closed", 366.5, "r", ACME, outcome="churned")], ("resolved", 367, "churned")),
        ([signed(340.5, 730)], ("resolved", 341, "renewed")),
        # What closes long before the end is of the term before.
        ([told("renewal.closed", 100.5, "r", ACME, outcome="renewed")], ("resolved", 372, "ended")),
    ],
)
def test_how_a_renewal_at_risk_ends(facts: list[dict[str, Any]], ended: tuple[str, float, str]) -> None:
    assert rows("renewal_at_risk", [signed(0.5, 365), *facts], 380)[-1] == ended


def test_a_monthly_contract_is_never_at_risk() -> None:
    body = [signed(30.0 * n, 30.0 * (n + 1), start=iso(at(30 * n))) for n in range(6)]
    assert rows("renewal_at_risk", body, 200) == []


def lead(*queries: tuple[int, int], logins: tuple[int, ...]) -> list[dict[str, Any]]:
    """A lead with so many queries on some days, and logins."""
    used = [
        track("query", at(day, 36_000 + n), f"q-{day}-{n}", user="ann") for day, count in queries for n in range(count)
    ]
    used += [track("login", at(day, 64_800), f"in-{day}", user="ann") for day in logins]
    return [told("lead.upserted", 0.1, "lead", {"user_id": "ann"}, channel="search", owner="kim"), *used]


def test_a_hot_lead_cools() -> None:
    found = told_of("hot_lead", lead((1, 12), (2, 12), logins=(2,)), 40)
    assert rows("hot_lead", lead((1, 12), (2, 12), logins=(2,)), 40) == [
        ("open", 3),
        ("resolved", 12, "lower_priority"),
    ]
    assert (found[0].kind, found[0].play, found[0].route) == ("opportunity", "sales_call_today", "sales")
    assert found[0].reasons_en == [
        "priority A: 24 queries, the last login 1 day ago, 100 % of the rate since the trial began"
    ]
    won = told("deal.won", 4.5, "w", {"user_id": "ann"}, deal_id="d")
    assert rows("hot_lead", [*lead((1, 12), (2, 12), logins=(2,)), won], 40)[-1] == ("resolved", 5, "no_lead")


def seats_in_use(users: int, days: range) -> list[dict[str, Any]]:
    """So many people at work every day, in an account of six seats."""
    body = [track("query", at(day, n), f"{day}-{n}", user=f"u{n}", **USE) for day in days for n in range(users)]
    return [told("account.upserted", 0.1, "a", ACME, name="Acme", seats=6), *body]


def test_seats_that_are_full_for_two_months() -> None:
    body = seats_in_use(6, range(70))
    found = told_of("expansion_ready", body, 70)
    # Two months of 28 days after the first day, at the Monday after.
    assert rows("expansion_ready", body, 70) == [("open", 35)]
    assert found[0].reasons_en[0] == "6 users of 6 licensed seats in 28 days, 100 %"
    assert rows("expansion_ready", seats_in_use(5, range(70)), 70) == []


def test_a_tenth_of_an_account_may_be_asked_for_referrals() -> None:
    healthy = CorePolicy().model_copy(
        update={"score": CorePolicy().score.model_copy(update={"excellent_enter": 0.2, "excellent_leave": 0.3})}
    )
    body = [*seats_in_use(2, range(40)), named({"user_id": "u0", **ACME}, "Uma")]
    body += [answer({"user_id": "u0", **ACME}, 9.5, 10)]
    found = told_of("referral_ready", body, 39, healthy)
    assert rows("referral_ready", body, 39, healthy) == [("open", 10)]
    assert found[0].reasons_en == ["Uma would recommend the product: answered 10 of 10, and health is excellent"]
    distressed = [opened(name, 5.5) for name in "abc"]
    waits = [*body, *distressed, closed("a", 15.5), closed("b", 15.6)]
    assert rows("referral_ready", waits, 39, healthy) == [("open", 16)]


def test_facts_count_while_nobody_can_see_the_customer() -> None:
    """The product's source is dark from day 20 on: whom nobody sees is not called ready, but its tickets are."""
    healthy = CorePolicy().model_copy(
        update={"score": CorePolicy().score.model_copy(update={"excellent_enter": 0.2, "excellent_leave": 0.3})}
    )
    seen = {"context": {"groupId": "acme", "source": "web"}}
    body = [track("query", at(day, 43_200), f"q-{day}", user="u0", **seen) for day in range(20)]
    body += [*beats(range(20), "web"), opened("a", 25.5, "critical"), closed("a", 33.5)]
    body += [answer({"user_id": "u0", **ACME}, 26.5, 10)]
    found = Told(body, 40, healthy)
    assert found.customer("acme").blind
    assert [row for row in story(found.outputs) if row[2] > 21] == [
        ("support_distress", "open", 29),
        ("support_distress", "resolved", 34),
    ]
    back = [*body, *beats(range(35, 60), "web")]
    back += [track("query", at(day, 43_200), f"q-{day}", user="u0", **seen) for day in range(35, 60)]
    assert "referral_ready" in {row[0] for row in story(Told(back, 60, healthy).outputs)}


def test_who_stays_longer_in_a_stage_than_nine_in_ten_is_stuck_until_it_moves_on() -> None:
    """Seven accounts signed: one on day 1, the others from day 40 on. The statistics of day 49 know of all."""
    days = {"slow": 1.5, **{f"a{n}": 40.5 + n for n in range(6)}}
    body = [told("contract.signed", day, f"k-{name}", {"group_id": name}) for name, day in days.items()]
    body += [told("touchpoint", 70.5, "t", {"group_id": "slow"}, kind="kickoff")]
    found = told_of("stuck", body, 80)
    assert rows("stuck", body, 80) == [("open", 56), ("resolved", 71, "moved_on")]
    assert (found[0].evidence["stage"], found[0].evidence["dwell_days"], found[0].confidence) == ("signed", 55, 0.9)
    many = CorePolicy(alert=AlertPolicy(stuck_customers=8))
    assert rows("stuck", body, 80, many) == []


_DEEDS = ("open", "grave", "close", "late", "paid")


@settings(max_examples=12)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 40), st.sampled_from("abcd"), st.sampled_from(["open", "grave", "close", "late", "paid"])
        ),
        max_size=25,
    )
)
def test_the_evidence_follows_from_the_facts_before_it(deeds: list[tuple[int, str, str]]) -> None:
    """Counted anew from the raw facts, the plain way."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "open": ("ticket.opened", {"severity": "low"}),
        "grave": ("ticket.opened", {"severity": "critical"}),
        "close": ("ticket.closed", {}),
        "late": ("invoice.overdue", {"amount": 10}),
        "paid": ("invoice.paid", {}),
    }
    body = []
    for number, (day, name, deed) in enumerate(deeds):
        kind, data = kinds[deed]
        key = "ticket_id" if kind.startswith("ticket") else "invoice_id"
        body.append(told(kind, day + number / 1000, f"f{number}", ACME, **{key: name}, **data))
    told_here = [alert for alert in alerts_of(run(in_time(body), at(70))) if alert.state != "resolved"]
    for alert in told_here:
        before = [one for one in in_time(body) if one["occurred_at"] < iso(alert.occurred_at)]
        paid = {one["data"]["invoice_id"] for one in before if one["type"] == "invoice.paid"}
        tickets: set[str] = set()
        owed: set[str] = set()
        for one in before:
            if one["type"] == "ticket.opened":
                tickets.add(one["data"]["ticket_id"])
            elif one["type"] == "ticket.closed":
                tickets.discard(one["data"]["ticket_id"])
            elif one["type"] == "invoice.overdue" and one["occurred_at"] <= iso(alert.occurred_at - timedelta(days=15)):
                owed.add(one["data"]["invoice_id"])
        if alert.type == "support_distress":
            assert alert.evidence["tickets"] == len(tickets)
            assert set(alert.evidence["ticket_ids"]) == tickets
        elif alert.type == "overdue":
            assert alert.evidence["invoices"] == len(owed - paid)
            assert alert.evidence["amount"] == 10 * len(owed - paid)


def test_a_segment_has_thresholds_of_its_own() -> None:
    policy = CorePolicy(
        alert=AlertPolicy(segments={" Strategic ": {"tickets": 2, "plays": {"support_distress": "call_the_ceo"}}})
    )
    tier = told("account.upserted", 0.1, "a", ACME, tier="Strategic")
    body = [tier, opened("a", 8.5), opened("b", 9.5)]
    found = told_of("support_distress", body, 20, policy)
    assert [(alert.state, alert.play, alert.route) for alert in found] == [("open", "call_the_ceo", "csm")]
    assert told_of("support_distress", body[1:], 20, policy) == []
    # It is in the segment from the next observation on: a Monday.
    later = [told("account.upserted", 10.5, "a", ACME, tier="Strategic"), *body[1:]]
    assert rows("support_distress", later, 20, policy) == [("open", 14)]


def test_a_type_that_is_switched_off() -> None:
    body = [opened(name, 1.5) for name in "abc"]
    off = CorePolicy(alert=AlertPolicy(off=(AlertType.SUPPORT_DISTRESS,)))
    assert told_of("support_distress", body, 20, off) == []
    small = CorePolicy(alert=AlertPolicy(segments={"small": {"off": ["support_distress"]}}))
    assert rows("support_distress", body, 20, small) == [("open", 2)]
    now_small = [*body, told("account.upserted", 3.5, "a", ACME, tier="small")]
    assert rows("support_distress", now_small, 20, small) == [("open", 2), ("resolved", 7, "off")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"segments": {"small": {"tickts": 2}}}, "segment 'small': 'tickts' is no setting of alerts"),
        ({"segments": {"small": {"segments": {}}}}, "segment 'small': 'segments' is no setting"),
        ({"segments": {"small": {"tickets": 0}}}, "segment 'small': tickets: Input should be greater"),
        ({"segments": {"small": {"tickets": 1}}}, "segment 'small': values: .*tickets_left < tickets must hold"),
        ({"segments": {"small": {}, "Small": {}}}, "a segment is named twice"),
        ({"plays": {"nothing": "x"}}, "'nothing' is no type of alert"),
        ({"plays": {"left/gold": "x"}}, "'left/gold' is no type of alert, nor type/tier"),
        ({"plays": {"left": " "}}, "the play of 'left' is empty"),
        ({"off": ["gone"]}, "off"),
        ({"renewal_days": [30, 60]}, "the days before the end must descend"),
        ({"tickets": 1}, "tickets_left < tickets must hold"),
        ({"overdue_days": 50}, "overdue_days <= overdue_critical_days must hold"),
        ({"expansion_leave": 0.95}, "expansion_leave <= expansion_enter must hold"),
    ],
)
def test_settings_that_are_wrong_say_what_and_where(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        AlertPolicy.model_validate(fields)


def test_other_plays() -> None:
    plays = {"support_distress": "write", "support_distress/other": "apologise"}
    body = [opened(name, 1.5) for name in "abc"]
    policy = CorePolicy(alert=AlertPolicy(plays=plays))
    assert [alert.play for alert in told_of("support_distress", body, 5, policy)] == ["apologise"]
    big = [told("account.upserted", 0.1, "a", ACME, tier="middle"), *body]
    assert [alert.play for alert in told_of("support_distress", big, 5, policy)] == ["write"]


def test_answers_are_kept_for_as_long_as_any_segment_asks_for_them() -> None:
    policy = AlertPolicy(segments={"strategic": {"referral_days": 900}})
    assert kept(CorePolicy(alert=policy)).answer_days == 900


def test_a_fact_is_asked_for_once_it_is_seen_and_at_once_where_it_was_told_late() -> None:
    customer = Customer("c", "t", "group_id", "acme")
    view, alarms, day = View(customer), FactAlarms(CorePolicy()), 20_000

    def hear(version: int, *days: int) -> None:
        tickets = {
            f"{version}-{n}": Outcome("ticket.opened", (day + told_on) * DAY_MS, {"ticket_id": f"{version}-{n}"})
            for n, told_on in enumerate(days)
        }
        subject = Identifier(IdentifierType.GROUP_ID, "acme")
        record = ProfileState(
            tenant="t",
            customer_id="c",
            anchor=subject,
            profile_id="p",
            subject=subject,
            version=version,
            outcomes=tickets,
            arrived_ms=0,
        )
        fold(customer, view, record)

    def look(on: int) -> list[str]:
        changes = alarms.settle(customer, view, day + on, None, None, observe=False, unseen=all_seen)
        return [f"{change.type.value} {change.state.value}" for change in changes]

    hear(0, 0, 0)
    assert look(5) == []
    hear(1, 6)
    assert look(6) == []
    assert look(7) == ["support_distress open"]
    customer.alerts.clear()
    assert look(9) == []
    hear(2, 4)
    assert look(11) == ["support_distress open"]
