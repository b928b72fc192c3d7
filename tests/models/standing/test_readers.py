"""Tickets, surveys, invoices, contracts, contacts and touchpoints as of a day."""

from __future__ import annotations

import pytest

from ebbtide.models.standing.contacts import Role, last_active_day, left_key_persons
from ebbtide.models.standing.contracts import not_renewed_since
from ebbtide.models.standing.history import DatedFact
from ebbtide.models.standing.invoices import OverdueInvoice, overdue_invoices
from ebbtide.models.standing.surveys import Answer, latest_answers, mean_score, net_promoter_score
from ebbtide.models.standing.tickets import OpenTicket, open_tickets, ticket_points
from ebbtide.models.standing.touchpoints import touchpoint_counts
from ebbtide.schemas.base import DAY_MS
from support.standing import fact, history


def opened(day: float, ticket_id: str | None = "t1", severity: str | None = "high") -> DatedFact:
    return fact("ticket.opened", day, ticket_id=ticket_id, severity=severity)


def closed(day: float, ticket_id: str | None = "t1") -> DatedFact:
    return fact("ticket.closed", day, ticket_id=ticket_id)


@pytest.mark.parametrize(
    ("facts", "day", "expected"),
    [
        ((opened(5.5),), 5, []),
        ((opened(5.5),), 6, [("t1", "high", 5.5)]),
        ((opened(5.5), closed(7.5)), 7, [("t1", "high", 5.5)]),
        ((opened(5.5), closed(7.5)), 8, []),
        ((opened(5.5), closed(5.5)), 8, []),  # at one millisecond
        ((closed(5.5),), 8, []),
        ((opened(5.5), closed(6.5), opened(7.5)), 8, [("t1", "high", 7.5)]),  # opened again
        ((opened(5.5), opened(6.5, severity="critical")), 8, [("t1", "critical", 5.5)]),  # escalated
        ((opened(5.5), opened(6.5, severity=None)), 8, [("t1", "high", 5.5)]),
        ((opened(5.5, severity=None),), 8, [("t1", "", 5.5)]),
        ((opened(5.5, None), closed(6.5, None)), 8, []),
        (
            (opened(6.5, "t2"), opened(5.5, "t1"), opened(6.5, "t0")),
            8,
            [(f"t{n}", "high", d) for n, d in ((1, 5.5), (0, 6.5), (2, 6.5))],
        ),
    ],
)
def test_open_tickets(facts: tuple[DatedFact, ...], day: int, expected: list[tuple[str, str, float]]) -> None:
    found = open_tickets(history(*facts), day)
    assert found == [OpenTicket(name, severity, round(at * DAY_MS)) for name, severity, at in expected]


@pytest.mark.parametrize(
    ("severities", "since", "expected"),
    [
        (("low", "normal", "high", "critical"), 8, 18.0),  # 1 + 2 + 5 + 10, two days old
        (("low", "normal", "high"), 7, 8.0),  # exactly three days
        (("low", "normal", "high"), 6, 16.0),  # older: twice
        (("", "sev0"), 8, 4.0),  # unknown is normal
        (("critical", "critical"), 6, 25.0),  # 40, but no more than this
        ((), 8, 0.0),
    ],
)
def test_points_of_tickets(severities: tuple[str, ...], since: int, expected: float) -> None:
    tickets = [OpenTicket(str(n), severity, since * DAY_MS) for n, severity in enumerate(severities)]
    points = {"low": 1.0, "normal": 2.0, "high": 5.0, "critical": 10.0}
    assert ticket_points(tickets, 10, points, old_days=3, most=25.0) == expected


def nps(day: float, score: object, profile: str = "", kind: str = "nps") -> DatedFact:
    return fact("survey.answered", day, profile, kind=kind, score=score)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((nps(95, 9, "p1"), nps(96, 3, "p2")), [("p1", 9, 95), ("p2", 3, 96)]),
        ((nps(95, 9, "p1"), nps(96, 3, "p1")), [("p1", 3, 96)]),  # the latest
        ((nps(95, 9, "p1"), nps(95, 3, "p1")), [("p1", 3, 95)]),  # of two at once the lower
        ((nps(95, 3, "p1"), nps(95, 9, "p1")), [("p1", 3, 95)]),
        ((nps(95, 9), nps(96, 8)), [("", 8, 96)]),  # nobody is named
        ((nps(89, 9, "p1"), nps(90, 8, "p2"), nps(100, 7, "p3")), [("p2", 8, 90)]),  # ten days, not today
        ((nps(95, "9", "p1"), nps(95, None, "p2"), nps(95, 4, "p3", "csat")), []),
        ((nps(95, 9, "p1", "NPS"),), [("p1", 9, 95)]),
    ],
)
def test_latest_answers(facts: tuple[DatedFact, ...], expected: list[tuple[str, float, int]]) -> None:
    found = latest_answers(history(*facts), 100, "nps", 10)
    assert found == [Answer(person, score, day * DAY_MS) for person, score, day in expected]


@pytest.mark.parametrize(
    ("scores", "score", "mean"),
    [((), None, None), ((9, 10, 8, 7, 6), 0.2, 8.0), ((6,), -1.0, 6.0), ((7,), 0.0, 7.0), ((9,), 1.0, 9.0)],
)
def test_net_promoter_score_and_mean(scores: tuple[int, ...], score: float | None, mean: float | None) -> None:
    answers = [Answer(str(n), value, 0) for n, value in enumerate(scores)]
    assert net_promoter_score(answers) == pytest.approx(score)
    assert mean_score(answers) == mean


def overdue(day: float, invoice_id: str | None = "i1", **data: object) -> DatedFact:
    return fact("invoice.overdue", day, invoice_id=invoice_id, **data)


def paid(day: float, invoice_id: str = "i1") -> DatedFact:
    return fact("invoice.paid", day, invoice_id=invoice_id)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((), []),
        ((overdue(5.5),), [("i1", 5.5, None, "")]),
        ((overdue(5.5, amount=12.5, currency="EUR"),), [("i1", 5.5, 12.5, "EUR")]),
        ((overdue(5.5, due_at="1970-01-04T12:00:00Z"),), [("i1", 3.5, None, "")]),
        ((overdue(5.5, due_at="1970-01-04T12:00:00"),), [("i1", 3.5, None, "")]),
        ((overdue(5.5, due_at="1970-01-04T14:00:00+02:00"),), [("i1", 3.5, None, "")]),
        ((overdue(5.5, due_at="soon"),), [("i1", 5.5, None, "")]),
        ((overdue(5.5), overdue(7.5)), [("i1", 5.5, None, "")]),  # a reminder
        ((overdue(5.5), paid(7.5)), []),
        ((overdue(7.5), paid(5.5)), []),  # a reminder that crossed the payment
        ((overdue(5.5), paid(10)), [("i1", 5.5, None, "")]),  # paid today: not yet known
        ((overdue(5.5, None),), []),
        ((overdue(5.5, "i2"), overdue(4.5, "i1"), paid(6, "i3")), [("i1", 4.5, None, ""), ("i2", 5.5, None, "")]),
    ],
)
def test_overdue_invoices(facts: tuple[DatedFact, ...], expected: list[tuple[str, float, float | None, str]]) -> None:
    found = overdue_invoices(history(*facts), 10)
    assert found == [OverdueInvoice(name, round(at * DAY_MS), amount, money) for name, at, amount, money in expected]


def test_days_overdue_are_never_negative() -> None:
    assert OverdueInvoice("i1", 5 * DAY_MS // 2, None, "").overdue_days(10) == 7.5
    assert OverdueInvoice("i1", 30 * DAY_MS, None, "").overdue_days(10) == 0.0


def closing(day: float, outcome: str, field: str = "outcome") -> DatedFact:
    return fact("renewal.closed", day, **{field: outcome})


def signed(day: float) -> DatedFact:
    return fact("contract.signed", day)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((), None),
        ((signed(5),), None),
        ((signed(5), closing(8, "churned")), 8),
        ((closing(8, "churned", "status"),), 8),
        ((closing(8, "churned", "result"),), 8),
        ((closing(8, "renewed"),), None),
        ((closing(8, "churned"), signed(9)), None),  # won back
        ((closing(8, "churned"), closing(9, "expanded")), None),  # corrected
        ((closing(8, "churned"), signed(8)), 8),  # at one millisecond the churn is later
        ((closing(10, "churned"),), None),  # today
    ],
)
def test_not_renewed(facts: tuple[DatedFact, ...], expected: int | None) -> None:
    assert not_renewed_since(history(*facts), 10) == expected


def left(day: float, profile: str = "p1", role: str | None = None) -> DatedFact:
    return fact("contact.left", day, profile, role=role)


ROLES: dict[str, tuple[str, int | None]] = {
    "p1": ("key_person", 4),
    "p2": ("admin", 9),
    "p3": ("key_person", None),
    "p4": ("end_user", 3),
    "p5": ("end_user", 2),
}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ((left(5),), {"p1": 5}),
        ((left(4.5),), {"p1": 4}),  # active earlier that day
        ((left(3.5),), {}),  # active since: back
        ((left(5, "p2"),), {}),
        ((left(9, "p2", "key_person"),), {"p2": 9}),  # what the fact says goes first
        ((left(5, "p1", "admin"),), {}),
        ((left(5, "p3"),), {"p3": 5}),  # never active
        ((left(5, "", "key_person"), left(6, "", "key_person")), {"": 6}),
        ((left(5), left(7), left(6, "p3")), {"p1": 7, "p3": 6}),
        ((left(1.5),), {}),  # longer ago than eight days
        ((left(10),), {}),  # today
    ],
)
def test_key_persons_who_left(facts: tuple[DatedFact, ...], expected: dict[str, int]) -> None:
    assert left_key_persons(history(*facts), ROLES, 10, 8) == expected


def test_the_last_active_day_of_a_role() -> None:
    assert [last_active_day(ROLES, role) for role in Role] == [4, 9, 3]
    assert last_active_day({"p3": ("key_person", None)}, Role.KEY_PERSON) is None


def test_touchpoints_by_kind() -> None:
    touches = [(1, "call"), (2, "call"), (9.9, "call"), (5, "visit"), (10, "visit"), (6, "campaign")]
    facts = history(*(fact("touchpoint", day, kind=kind) for day, kind in touches))
    assert touchpoint_counts(facts, 10, 8) == {"call": 2, "visit": 1, "campaign": 1}
