"""When the alerts that facts and states decide fire, hold and clear: just below, at and above each threshold."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.adoption.utilisation import Utilisation
from ebbtide.models.alerting.answers import answers_day, detractor, referral_ready
from ebbtide.models.alerting.cells import cell_down, cell_ends, cell_up
from ebbtide.models.alerting.expansion import SeatUse, expansion_ready
from ebbtide.models.alerting.health import Health, health
from ebbtide.models.alerting.invoices import overdue, overdue_day
from ebbtide.models.alerting.journeys import stuck
from ebbtide.models.alerting.leads import hot_lead
from ebbtide.models.alerting.lifecycle import OpenAlert, transition
from ebbtide.models.alerting.renewals import renewal_at_risk, renewal_day
from ebbtide.models.alerting.support import support_day, support_distress
from ebbtide.models.alerting.verdict import Fires, Reason, Verdict
from ebbtide.models.churn.tiers import TierThresholds, health_tier
from ebbtide.models.leads.interest import Interest
from ebbtide.models.leads.lead_priority import Priority
from ebbtide.models.policy import AlertPolicy, HealthCellPolicy, ScorePolicy
from ebbtide.models.standing.cells import CellMove, cell_move
from ebbtide.models.standing.contracts import Term, term
from ebbtide.models.standing.invoices import OverdueInvoice
from ebbtide.models.standing.journey import Journey, JourneyStage
from ebbtide.models.standing.surveys import Answer
from ebbtide.models.standing.tickets import OpenTicket
from ebbtide.schemas.alert import AlertState, AlertType, Severity
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.profile_state import Trait
from ebbtide.schemas.score import HealthTier

POLICY = AlertPolicy()
DAY = 20_000
INFO, WARNING, CRITICAL = Severity
DANGER, NORMAL, EXCELLENT = HealthTier.DANGER, HealthTier.NORMAL, HealthTier.EXCELLENT


def said(verdict: Verdict) -> Severity | Reason:
    """The severity of what fires, else the reason why it does not."""
    if isinstance(verdict, Fires):
        assert json.loads(json.dumps(verdict.evidence)) == verdict.evidence, "evidence is JSON"
        return verdict.severity
    return verdict.reason


def ticket(name: str, severity: str, age_days: float) -> OpenTicket:
    """Opened so many days ago."""
    return OpenTicket(name, severity, round((DAY - age_days) * DAY_MS))


@pytest.mark.parametrize(
    ("tickets", "expected"),
    [
        ([], Reason.FEW_TICKETS),
        ([("low", 50)], Reason.FEW_TICKETS),
        ([("low", 1), ("", 1)], Reason.HYSTERESIS),
        ([("low", 1), ("high", 9), ("normal", 1)], WARNING),
        ([("critical", 3)], Reason.FEW_TICKETS),
        ([("critical", 3.001)], CRITICAL),
        ([("high", 30)], Reason.FEW_TICKETS),
        ([("low", 1), ("low", 1), ("low", 1), ("critical", 4)], CRITICAL),
    ],
)
def test_support_distress(tickets: list[tuple[str, float]], expected: Severity | Reason) -> None:
    found = [ticket(f"t{number}", *row) for number, row in enumerate(tickets)]
    assert said(support_distress(found, DAY, POLICY)) == expected


def test_the_ticket_that_waits_too_long_is_named_first() -> None:
    tickets = [ticket("old", "low", 90), *(ticket(f"t{n}", "low", 9) for n in range(5)), ticket("bad", "critical", 4.5)]
    verdict = support_distress(tickets, DAY, POLICY)
    assert isinstance(verdict, Fires)
    names = ["bad", "old", "t0", "t1", "t2"]
    assert verdict.evidence == {"tickets": 7, "grave": 1, "oldest_days": 4, "ticket_ids": names}


def test_a_grave_ticket_is_due_when_it_has_waited_too_long() -> None:
    tickets = [ticket("new", "critical", 0.25), ticket("old", "critical", 9), ticket("low", "low", 0)]
    due = support_day(tickets, DAY, POLICY)
    assert due == DAY + 3
    assert said(support_distress(tickets[:1], due - 1, POLICY)) == Reason.FEW_TICKETS
    assert said(support_distress(tickets[:1], due, POLICY)) == CRITICAL
    assert support_day(tickets[1:], DAY, POLICY) is None


def invoice(name: str, days: float, amount: float | None = 100.0, currency: str = "EUR") -> OverdueInvoice:
    """Due so many days ago."""
    return OverdueInvoice(name, round((DAY - days) * DAY_MS), amount, currency)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(14.99, Reason.PAID), (15, WARNING), (44.99, WARNING), (45, CRITICAL), (500, CRITICAL)],
)
def test_overdue(days: float, expected: Severity | Reason) -> None:
    assert said(overdue([invoice("i", days)], DAY, POLICY)) == expected


def test_what_is_owed() -> None:
    assert said(overdue([], DAY, POLICY)) == Reason.PAID
    found = [invoice("a", 20), invoice("b", 18, 0.505), invoice("c", 17, 9.0, "USD"), invoice("d", 16, None)]
    verdict = overdue([*found, invoice("e", 3)], DAY, POLICY)
    assert isinstance(verdict, Fires)
    assert verdict.evidence == {
        "by": "amount",
        "invoices": 4,
        "invoice_id": "a",
        "overdue_days": 20,
        "amount": 100.5,
        "currency": "EUR",
    }
    unpriced = overdue([invoice("d", 16, None)], DAY, POLICY)
    assert isinstance(unpriced, Fires)
    assert (unpriced.evidence["by"], unpriced.evidence["amount"]) == ("unpriced", None)


def test_an_invoice_is_due_when_it_is_late_and_when_it_is_too_late() -> None:
    found = [invoice("i", 0.5)]
    first = overdue_day(found, DAY, POLICY)
    assert first == DAY + 15
    assert said(overdue(found, first - 1, POLICY)) == Reason.PAID
    assert said(overdue(found, first, POLICY)) == WARNING
    second = overdue_day(found, first, POLICY)
    assert second == DAY + 45
    assert said(overdue(found, second - 1, POLICY)) == WARNING
    assert said(overdue(found, second, POLICY)) == CRITICAL
    assert overdue_day(found, second, POLICY) is None


def a_year(end_day: int, days: float = 365.0) -> Term:
    """A contract that ends at the start of a day."""
    start = round((end_day - days) * DAY_MS)
    return Term(start, start, end_day * DAY_MS)


WEAK = Health(NORMAL, excellent=False, weak=True, taught=True)


def renewal(left: int, found: Health = WEAK, days: float = 365.0, **more: bool) -> Verdict:
    """With so many days to the end."""
    known = {"closed": False, "churned": False} | more
    return renewal_at_risk(a_year(DAY + left, days), DAY, found, POLICY, **known)


@pytest.mark.parametrize(
    ("left", "expected", "step"),
    [
        (91, Reason.NOT_DUE, None),
        (90, WARNING, 90),
        (61, WARNING, 90),
        (60, WARNING, 60),
        (31, WARNING, 60),
        (30, CRITICAL, 30),
        (1, CRITICAL, 30),
        (0, Reason.ENDED, None),
        (-6, Reason.ENDED, None),
    ],
)
def test_a_renewal_is_at_risk_in_steps(left: int, expected: Severity | Reason, step: int | None) -> None:
    verdict = renewal(left)
    assert said(verdict) == expected
    if isinstance(verdict, Fires):
        assert (verdict.evidence["step"], verdict.evidence["days_left"]) == (step, left)
        assert verdict.confidence == 1.0


def test_after_the_end_it_holds_for_a_week() -> None:
    assert type(renewal(0)).__name__ == type(renewal(-6)).__name__ == "Holds"
    assert type(renewal(-7)).__name__ == "Clears"


def test_what_ends_a_renewal_at_risk() -> None:
    good = Health(EXCELLENT, excellent=True, weak=False)
    assert said(renewal(50, good)) == Reason.EXCELLENT
    assert said(renewal(50, Health(EXCELLENT, excellent=False, weak=False))) == Reason.HYSTERESIS
    assert said(renewal(50, closed=True)) == Reason.RENEWED
    assert said(renewal(50, churned=True)) == Reason.CHURNED
    assert said(renewal_at_risk(None, DAY, WEAK, POLICY, closed=False, churned=False)) == Reason.NO_CONTRACT


@pytest.mark.parametrize(
    ("days", "left", "expected"),
    [(91, 30, Reason.TERM_TOO_SHORT), (100, 30, CRITICAL), (100, 31, Reason.NOT_DUE), (200, 60, WARNING)],
)
def test_a_short_term_has_fewer_steps(days: float, left: int, expected: Severity | Reason) -> None:
    assert said(renewal(left, days=days)) == expected


def test_where_health_is_not_known_it_is_less_sure() -> None:
    never = renewal(50, Health(None, excellent=False, weak=True))
    untaught = renewal(50, Health(NORMAL, excellent=False, weak=True))
    danger = renewal(50, Health(DANGER, excellent=False, weak=True))
    assert isinstance(never, Fires)
    assert isinstance(untaught, Fires)
    assert isinstance(danger, Fires)
    assert (never.evidence["tier"], never.confidence, untaught.confidence, danger.confidence) == (
        "unknown",
        0.5,
        0.5,
        1,
    )


def test_a_renewal_is_due_at_each_step_and_after_the_end() -> None:
    running, day, days = a_year(DAY + 100), DAY, []
    while (due := renewal_day(running, day, POLICY)) is not None:
        days.append(due - DAY)
        day = due
    assert days == [10, 40, 70, 100, 107]
    assert renewal_day(None, DAY, POLICY) is None


def trait(value: object, at_ms: int = 5) -> Trait:
    """A dated value."""
    return Trait(value, at_ms, 0, "crm")


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({}, None),
        ({"contract_end": trait("soon")}, None),
        ({"contract_end": trait("1970-01-03")}, Term(5, 5, 2 * DAY_MS)),
        (
            {"contract_end": trait("1970-01-03T00:00:00Z"), "contract_start": trait("1970-01-02")},
            Term(5, DAY_MS, 2 * DAY_MS),
        ),
        ({"contract_end": trait("1970-01-03", 9), "contract_start": trait("1970-01-02")}, Term(9, 9, 2 * DAY_MS)),
        ({"contract_end": trait("1970-01-03"), "contract_start": trait("?")}, Term(5, 5, 2 * DAY_MS)),
    ],
)
def test_the_term_of_a_contract(traits: dict[str, Trait], expected: Term | None) -> None:
    assert term(traits) == expected


def of(*answers: tuple[str, float, int]) -> dict[str, Answer]:
    """Answers by person: name, score, days ago."""
    return {person: Answer(person, score, (DAY - days) * DAY_MS) for person, score, days in answers}


def called(person: str) -> str:
    """A name."""
    return person.title()


@pytest.mark.parametrize(
    ("answers", "about", "expected"),
    [
        ([], None, Reason.NO_ANSWER),
        ([("ann", 7, 3)], None, Reason.NO_ANSWER),
        ([("ann", 6, 3)], None, "ann"),
        ([("ann", 6, 3), ("bob", 2, 9)], None, "bob"),
        ([("ann", 2, 3), ("bob", 2, 9)], None, "ann"),
        ([("ann", 6, 3), ("bob", 2, 9)], "ann", "ann"),
        ([("ann", 7, 3)], "ann", Reason.HYSTERESIS),
        ([("ann", 7, 3), ("bob", 2, 9)], "ann", Reason.HYSTERESIS),
        ([("ann", 8, 3)], "ann", Reason.ANSWERED_BETTER),
        ([("ann", 8, 3), ("bob", 2, 9)], "ann", "bob"),
        ([], "ann", Reason.EXPIRED),
        ([("", 3, 3)], None, None),
    ],
)
def test_a_detractor(answers: list[tuple[str, float, int]], about: str | None, expected: str | Reason | None) -> None:
    verdict = detractor(of(*answers), about, called)
    assert (verdict.person if isinstance(verdict, Fires) else verdict.reason) == expected


def test_the_evidence_of_an_answer() -> None:
    verdict = detractor(of(("ann", 6, 3), ("bob", 9, 1)), None, called)
    assert isinstance(verdict, Fires)
    assert verdict.evidence == {
        "by": "person",
        "person": "Ann",
        "score": 6,
        "answered_at": "2024-10-01T00:00:00Z",
        "answers": 2,
    }
    nobody = detractor(of(("", 3, 3)), None, called)
    assert isinstance(nobody, Fires)
    assert (nobody.evidence["by"], nobody.evidence["person"]) == ("nobody", None)


HEALTHY = Health(EXCELLENT, excellent=True, weak=False)


@pytest.mark.parametrize(
    ("answers", "about", "found", "expected"),
    [
        ([], None, HEALTHY, Reason.NO_ANSWER),
        ([("ann", 8, 3)], None, HEALTHY, Reason.NO_ANSWER),
        ([("ann", 9, 3)], None, HEALTHY, "ann"),
        ([("ann", 9, 3), ("bob", 10, 9)], None, HEALTHY, "bob"),
        ([("ann", 9, 3), ("bob", 10, 9)], "ann", HEALTHY, "ann"),
        ([("ann", 8, 3)], "ann", HEALTHY, Reason.HYSTERESIS),
        ([("ann", 7, 3)], "ann", HEALTHY, Reason.ANSWERED_WORSE),
        ([], "ann", HEALTHY, Reason.EXPIRED),
        ([("ann", 10, 3), ("bob", 6, 9)], "ann", HEALTHY, Reason.UNHAPPY_COLLEAGUE),
        ([("ann", 10, 3)], None, Health(None, excellent=False, weak=True), Reason.NOT_SCORED),
        ([("ann", 10, 3)], "ann", Health(DANGER, excellent=False, weak=True), Reason.IN_DANGER),
        ([("ann", 10, 3)], None, WEAK, Reason.NOT_HEALTHY),
        ([("ann", 10, 3)], None, Health(EXCELLENT, excellent=False, weak=False), Reason.NOT_HEALTHY),
    ],
)
def test_referral_ready(
    answers: list[tuple[str, float, int]], about: str | None, found: Health, expected: str | Reason
) -> None:
    verdict = referral_ready(of(*answers), about, called, found, troubled=False, blind=False)
    assert (verdict.person if isinstance(verdict, Fires) else verdict.reason) == expected


def test_nobody_asks_a_favour_of_who_waits_for_help_or_cannot_be_seen() -> None:
    promoters = of(("ann", 10, 3))
    assert said(referral_ready(promoters, None, called, HEALTHY, troubled=True, blind=False)) == Reason.TROUBLED
    assert said(referral_ready(promoters, None, called, HEALTHY, troubled=False, blind=True)) == Reason.BLIND


def test_an_answer_is_due_when_it_gets_too_old() -> None:
    assert answers_day(of(("ann", 3, 3), ("bob", 3, 95)), DAY, 90) == DAY + 88
    assert answers_day({}, DAY, 90) is None


@pytest.mark.parametrize(
    ("tier", "predictions", "excellent", "weak"),
    [
        (None, [], False, True),
        (NORMAL, [], False, True),
        (NORMAL, [0.055, 0.2, 0.2, 0.2], False, True),
        (NORMAL, [0.054, 0.2, 0.2, 0.2], False, False),
        (DANGER, [0.01, 0.01, 0.01, 0.9], False, True),
        (EXCELLENT, [], True, False),
        (EXCELLENT, [0.08, 0.01, 0.01, 0.01], True, False),
        (EXCELLENT, [0.081, 0.01, 0.01, 0.01], False, False),
    ],
)
def test_health_is_not_that_of_one_day(
    tier: HealthTier | None, predictions: list[float], excellent: bool, weak: bool
) -> None:
    assert health(tier, predictions, ScorePolicy()) == Health(tier, excellent, weak)


def at_stage(stage: JourneyStage, dwell: int) -> Journey:
    """In a stage for so many days."""
    return Journey(stage, DAY - dwell)


@pytest.mark.parametrize(
    ("stage", "dwell", "p90", "expected"),
    [
        (JourneyStage.SIGNED, 20, None, Reason.NOT_KNOWN),
        (JourneyStage.SIGNED, 20, 13.0, Reason.NOT_LONGER),  # 13 days a week ago
        (JourneyStage.SIGNED, 21, 13.0, WARNING),
        (JourneyStage.DELIVERED, 13, 1.0, Reason.NOT_LONGER),
        (JourneyStage.DELIVERED, 14, 1.0, WARNING),
        (JourneyStage.VISITED, 90, 30.0, WARNING),
        *((stage, 900, 30.0, Reason.NO_PROCESS) for stage in ("acquired", "served", "renewed", "expanded", "won_back")),
        (JourneyStage.CHURNED, 900, 30.0, Reason.NO_PROCESS),
    ],
)
def test_stuck(stage: str, dwell: int, p90: float | None, expected: Severity | Reason) -> None:
    usual = None if p90 is None else (p90, DAY - 7)
    assert said(stuck(at_stage(JourneyStage(stage), dwell), DAY, usual, POLICY, is_lead=False)) == expected


def test_a_lead_may_be_stuck_before_anybody_visited_it_and_nobody_without_a_journey() -> None:
    waits = at_stage(JourneyStage.ACQUIRED, 90)
    assert said(stuck(waits, DAY, (30.0, DAY - 7), POLICY, is_lead=True)) == WARNING
    assert said(stuck(None, DAY, None, POLICY, is_lead=True)) == Reason.NO_PROCESS
    assert said(stuck(waits, DAY, (30.0, DAY - 7), POLICY, is_lead=True, blind=True)) == Reason.BLIND


def test_who_is_stuck_is_so_until_the_stage_ends() -> None:
    waits = at_stage(JourneyStage.SIGNED, 90)
    opened = stuck(waits, DAY, (30.0, DAY - 7), POLICY, is_lead=False)
    assert isinstance(opened, Fires)
    assert opened.evidence == {"stage": "signed", "since": "2024-07-06", "dwell_days": 90, "p90_days": 30.0}
    since = opened.evidence["since"]
    later = (900.0, DAY)
    assert said(stuck(waits, DAY + 7, later, POLICY, is_lead=False, open_since=since)) == Reason.HYSTERESIS
    moved = at_stage(JourneyStage.DELIVERED, 0)
    assert said(stuck(moved, DAY, None, POLICY, is_lead=False, open_since=since)) == Reason.MOVED_ON
    assert said(stuck(at_stage(JourneyStage.SERVED, 0), DAY, None, POLICY, is_lead=False, open_since=since)) == (
        Reason.MOVED_ON
    )


def test_a_hot_lead() -> None:
    found = Interest(2, 24, 1.23456)
    verdict = hot_lead(Priority.A, found)
    assert isinstance(verdict, Fires)
    assert (verdict.severity, verdict.evidence) == (WARNING, {"silent_days": 2, "queries": 24, "trend": 1.2346})
    assert said(hot_lead(Priority.B, found)) == Reason.LOWER_PRIORITY
    assert said(hot_lead(None, found)) == Reason.NO_LEAD
    assert said(hot_lead(Priority.B, found, blind=True)) == Reason.BLIND


UNUSED = Utilisation(0.1, None, False)


@pytest.mark.parametrize(
    ("users", "before", "seats", "expected"),
    [
        (9, 9, 10.0, INFO),
        (9, 8, 10.0, Reason.HYSTERESIS),  # full for the first month
        (8, 8, 10.0, Reason.HYSTERESIS),
        (7, 9, 10.0, Reason.NOT_FULL),
        (12, 12, 10.0, INFO),
        (5, 5, 5.0, INFO),
        (4, 5, 5.0, Reason.HYSTERESIS),  # one user less is no news
        (3, 5, 5.0, Reason.NOT_FULL),
        (4, 4, 4.0, Reason.FEW_SEATS),
        (9, 9, None, Reason.FEW_SEATS),
    ],
)
def test_expansion_ready(users: int, before: int, seats: float | None, expected: Severity | Reason) -> None:
    assert said(expansion_ready(SeatUse(users, before, seats), UNUSED, NORMAL, POLICY)) == expected


def test_one_user_more_or_less_never_flaps() -> None:
    """About any number of seats, what opened the alert less one user does not close it."""
    for seats in range(5, 400):
        full = next(
            n for n in range(seats + 1) if said(expansion_ready(_use(n, seats), UNUSED, NORMAL, POLICY)) == INFO
        )
        assert said(expansion_ready(_use(full - 1, seats), UNUSED, NORMAL, POLICY)) == Reason.HYSTERESIS


def _use(users: int, seats: int) -> SeatUse:
    return SeatUse(users, users, float(seats))


def test_full_use_and_what_forbids_to_sell() -> None:
    full, seats = Utilisation(1.0, None, True), SeatUse(9, 9, None)
    verdict = expansion_ready(seats, full, EXCELLENT, POLICY)
    assert isinstance(verdict, Fires)
    assert verdict.evidence == {
        "by": "use",
        "users": 9,
        "seats": None,
        "penetration": None,
        "utilisation": 1.0,
        "tier": "excellent",
    }
    assert said(expansion_ready(seats, full, DANGER, POLICY)) == Reason.IN_DANGER
    assert said(expansion_ready(seats, full, None, POLICY)) == Reason.NOT_SCORED
    assert said(expansion_ready(seats, full, NORMAL, POLICY, gone=True)) == Reason.CHURNED
    assert said(expansion_ready(seats, full, NORMAL, POLICY, shrinks=True)) == Reason.SHRINKS
    assert said(expansion_ready(seats, full, NORMAL, POLICY, blind=True)) == Reason.BLIND


def moved(old: str, new: str) -> CellMove | None:
    """What a move means."""
    return cell_move(old, new, HealthCellPolicy())


@pytest.mark.parametrize(
    ("old", "new", "settled", "tier", "expected"),
    [
        ("middle-middle", "low-middle", 55, NORMAL, Reason.NOT_SETTLED),
        ("middle-middle", "low-middle", 56, NORMAL, WARNING),
        ("middle-middle", "low-middle", 56, EXCELLENT, Reason.SMALL_MOVE),
        ("middle-middle", "middle-low", 56, EXCELLENT, WARNING),
        ("high-middle", "middle-middle", 56, DANGER, Reason.SMALL_MOVE),
        ("high-middle", "low-middle", 27, EXCELLENT, Reason.NOT_SETTLED),
        ("high-middle", "low-middle", 28, EXCELLENT, CRITICAL),
        ("high-high", "middle-middle", 28, NORMAL, CRITICAL),
        ("low-middle", "middle-middle", 99, NORMAL, Reason.MOVED_BACK),
        ("low-high", "middle-low", 99, NORMAL, WARNING),  # gained one, lost two
        ("low-high", "middle-middle", 99, NORMAL, Reason.MOVED_BACK),  # no news
        ("high-middle", "middle-middle", None, EXCELLENT, WARNING),
    ],
)
def test_a_cell_down(old: str, new: str, settled: int | None, tier: HealthTier, expected: Severity | Reason) -> None:
    assert said(cell_down(moved(old, new), settled, Health(tier, False, False), POLICY)) == expected


@pytest.mark.parametrize(
    ("old", "new", "settled", "found", "expected"),
    [
        ("middle-middle", "high-middle", 55, HEALTHY, Reason.NOT_SETTLED),
        ("middle-middle", "high-middle", 56, HEALTHY, INFO),
        ("middle-middle", "high-middle", 56, WEAK, Reason.NOT_HEALTHY),
        ("low-middle", "middle-middle", 56, HEALTHY, Reason.SMALL_MOVE),
        ("low-low", "middle-middle", 56, HEALTHY, INFO),
        ("high-middle", "middle-middle", 99, HEALTHY, Reason.MOVED_BACK),
        ("low-middle", "middle-middle", None, WEAK, INFO),
    ],
)
def test_a_cell_up(old: str, new: str, settled: int | None, found: Health, expected: Severity | Reason) -> None:
    assert said(cell_up(moved(old, new), settled, found, POLICY)) == expected


def test_a_move_that_is_undone_or_old_is_over_and_none_of_who_has_left() -> None:
    assert said(cell_down(moved("low-low", "low-low"), None, WEAK, POLICY)) == Reason.MOVED_BACK
    assert said(cell_up(None, None, HEALTHY, POLICY)) == Reason.MOVED_BACK
    fell = moved("high-middle", "low-middle")
    assert said(cell_down(fell, 99, WEAK, POLICY, left=True)) == Reason.LEFT
    verdict = cell_down(fell, 99, WEAK, POLICY)
    assert isinstance(verdict, Fires)
    assert verdict.evidence == {"old": "high-middle", "new": "low-middle", "steps": 2, "urgency": "critical"}
    assert said(cell_ends(29, POLICY)) == Reason.HYSTERESIS
    assert said(cell_ends(30, POLICY)) == Reason.EXPIRED


def test_every_condition_says_why_it_does_not_fire() -> None:
    """No verdict without a severity or a reason, whatever the arguments of this file: ``said`` would fail."""
    found: list[Any] = [said(renewal(left, days=days)) for left in range(-20, 120) for days in (30, 91, 120, 365)]
    assert {type(one) for one in found} == {Severity, Reason}


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=30))
def test_noise_of_one_about_a_threshold_opens_one_alert_at_most(noise: list[int]) -> None:
    """Tickets about three, answers about 6 and about 9, users about nine in ten seats, a tier that comes and goes."""
    alerts: dict[str, OpenAlert] = {}
    opened: Counter[AlertType] = Counter()
    tier: HealthTier | None = None

    def tell(kind: AlertType, verdict: Verdict, day: int) -> None:
        change = transition("c", alerts, kind, verdict, day=day, at_ms=day, episode=str(day))
        opened[kind] += change is not None and change.state is AlertState.OPEN

    for number, step in enumerate(noise):
        day = DAY + number
        tickets = [ticket(f"t{n}", "low", 0) for n in range(3 + step)]
        tell(AlertType.SUPPORT_DISTRESS, support_distress(tickets, day, POLICY), day)
        about = "ann" if AlertType.DETRACTOR in alerts else None
        tell(AlertType.DETRACTOR, detractor(of(("ann", 6 + step, 0)), about, called), day)
        about = "ann" if AlertType.REFERRAL_READY in alerts else None
        asked = referral_ready(of(("ann", 9 + step, 0)), about, called, HEALTHY, troubled=False, blind=False)
        tell(AlertType.REFERRAL_READY, asked, day)
        tell(AlertType.EXPANSION_READY, expansion_ready(_use(18 + step, 20), UNUSED, NORMAL, POLICY), day)
        p_churn = 0.06 + 0.01 * step
        newest = [0.06 + 0.01 * other for other in noise[: number + 1]][-4:]
        tier = health_tier(p_churn, tier, TierThresholds(0.731, 0.68, 0.054, 0.08))
        tell(AlertType.RENEWAL_AT_RISK, renewal(80, health(tier, newest, ScorePolicy())), day)
    assert max(opened.values(), default=0) <= 1
