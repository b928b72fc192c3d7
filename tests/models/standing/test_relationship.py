"""Relationship: points by part, added up by hand."""

from __future__ import annotations

import pytest

from ebbtide.models.policy import RelationshipPolicy
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.hysteresis import Held
from ebbtide.models.standing.relationship import Relationship, relationship, relationship_level, unasked_role
from support.standing import fact, history

POLICY = RelationshipPolicy()
DAY = 1_000
NOBODY: dict[str, tuple[str, int | None]] = {}
NOTHING = {
    "base": 50.0,
    "key_person": 0.0,
    "admin": 0.0,
    "touchpoints": 0.0,
    "nps": 0.0,
    "csat": 0.0,
    "tickets": 0.0,
    "key_person_left": 0.0,
    "invoices": 0.0,
}


def parts(facts: History, roles: dict[str, tuple[str, int | None]], cadence_days: float = 1.0) -> dict[str, float]:
    """The parts that are not those of a customer of whom nothing is known."""
    found = relationship(facts, roles, DAY, cadence_days, POLICY)
    assert found.score == pytest.approx(sum(found.parts.values()))
    return {name: points for name, points in found.parts.items() if points != NOTHING[name]}


def test_of_whom_nothing_is_known_is_in_the_middle() -> None:
    assert relationship(history(), NOBODY, DAY, 1.0, POLICY) == Relationship(50.0, NOTHING, None)


def test_a_good_one_by_hand() -> None:
    facts = history(
        fact("touchpoint", 920, kind="call"),
        fact("touchpoint", 950, kind="visit"),
        fact("touchpoint", 951, kind="campaign"),
        fact("survey.answered", 900, "p1", kind="nps", score=10),
        fact("survey.answered", 901, "p2", kind="nps", score=7),
        fact("survey.answered", 950, "p1", kind="csat", score=5),
        fact("survey.answered", 951, "p2", kind="csat", score=4),
    )
    roles: dict[str, tuple[str, int | None]] = {"p1": ("key_person", 990), "p2": ("admin", 980)}
    found = relationship(facts, roles, DAY, 1.0, POLICY)
    # NPS: one promoter of two, 10 * 0.5. CSAT: 4.5 is three quarters of the way from 3 to 5, 5 * 0.75.
    assert found.parts == {
        **NOTHING,
        "key_person": 15.0,
        "admin": 0.0,
        "touchpoints": 8.0,
        "nps": 5.0,
        "csat": 3.75,
    }
    assert found.score == 81.75


@pytest.mark.parametrize(
    "left",
    [[], [("p3", 990, {})], [("p3", 990, {"role": "key_person"})], [("p3", 800, {"role": "key_person"})]],
    ids=["nobody", "who came back", "by the fact a key person, who came back", "long ago"],
)
def test_who_is_not_asked_for_makes_no_difference(left: list[tuple[str, float, dict[str, str]]]) -> None:
    facts = history(*(fact("contact.left", day, person, **data) for person, day, data in left))
    roles: dict[str, tuple[str, int | None]] = {
        "p1": ("key_person", 995),
        "p2": ("admin", 940),
        "p3": ("end_user", 996),
    }
    unasked = unasked_role(facts, DAY, POLICY)
    asked = {person: role for person, role in roles.items() if role[0] != unasked}
    assert (unasked is None) == any(day > 900 for _, day, _ in left)
    assert relationship(facts, asked, DAY, 1.0, POLICY) == relationship(facts, roles, DAY, 1.0, POLICY)


def test_points_of_nothing_have_no_sign() -> None:
    # As in minus nothing for no tickets: it would be told.
    assert "-0.0" not in repr(relationship(history(), NOBODY, DAY, 1.0, POLICY))


def test_the_last_key_person_who_left_is_told() -> None:
    left = history(*(fact("contact.left", day, f"p{day}", role="key_person") for day in (970, 990, 980)))
    assert relationship(left, NOBODY, DAY, 1.0, POLICY).key_person_left_day == 990


def test_a_bad_one_by_hand() -> None:
    facts = history(
        fact("contact.left", 990, "p3", role="key_person"),
        fact("survey.answered", 900, "p1", kind="nps", score=3),
        fact("survey.answered", 950, "p1", kind="csat", score=2),
        fact("ticket.opened", 999.5, ticket_id="t1", severity="critical"),
        fact("ticket.opened", 990, ticket_id="t2", severity="high"),
        fact("invoice.overdue", 990, invoice_id="i1", due_at="1972-09-01T00:00:00Z"),
    )
    roles: dict[str, tuple[str, int | None]] = {"p1": ("key_person", 960), "p2": ("admin", 900)}
    found = relationship(facts, roles, DAY, 1.0, POLICY)
    assert found.parts == {
        **NOTHING,
        "key_person": -15.0,
        "admin": -5.0,
        "nps": -10.0,
        "csat": -2.5,
        "tickets": -20.0,  # 10, and twice 5
        "key_person_left": -20.0,
        "invoices": -15.0,  # due on day 974
    }
    assert found.score == -37.5
    assert found.key_person_left_day == 990


@pytest.mark.parametrize(
    ("silent", "cadence_days", "expected"),
    [
        (1, 1.0, {"key_person": 15.0}),
        (14, 1.0, {"key_person": 15.0}),
        (15, 1.0, {}),
        (30, 1.0, {}),
        (31, 1.0, {"key_person": -15.0}),
        (20, 10.0, {"key_person": 15.0}),  # two cadences
        (21, 10.0, {}),
        (40, 10.0, {}),  # four
        (41, 10.0, {"key_person": -15.0}),
    ],
)
def test_recently_is_longer_for_a_slow_customer(silent: int, cadence_days: float, expected: dict[str, float]) -> None:
    assert parts(history(), {"p1": ("key_person", DAY - silent)}, cadence_days) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([fact("touchpoint", 990 + n, kind="visit") for n in range(4)], {"touchpoints": 15.0}),  # 20, but no more
        ([fact("touchpoint", 909, kind="visit")], {}),  # 91 days ago
        ([fact("touchpoint", 910, kind="visit")], {"touchpoints": 5.0}),
        ([fact("survey.answered", 819, "p", kind="nps", score=9)], {}),  # 181 days ago
        ([fact("survey.answered", 820, "p", kind="nps", score=9)], {"nps": 10.0}),
        ([fact("survey.answered", 900, "p", kind="csat", score=3)], {}),
        ([fact("contact.left", 990, f"p{n}", role="key_person") for n in range(2)], {"key_person_left": -30.0}),
        ([fact("contact.left", 909, "p", role="key_person")], {}),
        ([fact("contact.left", 990, "p", role="end_user")], {}),
        ([fact("invoice.overdue", 990, invoice_id="i")], {"invoices": -5.0}),
        ([fact("invoice.overdue", 985, invoice_id="i")], {"invoices": -15.0}),
        ([fact("invoice.overdue", 985, invoice_id="i"), fact("invoice.paid", 999, invoice_id="i")], {}),
        # Each of two by its own: the older decides.
        (
            [fact("invoice.overdue", 999, invoice_id="i"), fact("invoice.overdue", 980, invoice_id="j")],
            {"invoices": -15.0},
        ),
    ],
)
def test_each_part(facts: list[DatedFact], expected: dict[str, float]) -> None:
    assert parts(History(facts), NOBODY) == expected


def scored(score: float, left_day: int | None = None) -> Relationship:
    return Relationship(score, {"base": score}, left_day)


@pytest.mark.parametrize(
    ("score", "from_low", "from_middle", "from_high"),
    [
        (39.9, "low", "low", "low"),
        (44.9, "low", "middle", "middle"),
        (50.0, "middle", "middle", "middle"),
        (70.0, "middle", "middle", "middle"),
        (70.1, "middle", "middle", "high"),
        (75.0, "middle", "middle", "high"),
        (75.1, "high", "high", "high"),
    ],
)
def test_levels(score: float, from_low: str, from_middle: str, from_high: str) -> None:
    found = [
        relationship_level(Held(state, 0), scored(score), DAY, POLICY)[0].value for state in ("low", "middle", "high")
    ]
    assert found == [from_low, from_middle, from_high]


@pytest.mark.parametrize(
    ("score", "left_day", "expected"),
    [
        (30.0, None, Held("middle", DAY - 3, "low")),
        (30.0, DAY - 4, Held("middle", DAY - 3, "low")),  # that was before, and is counted already
        (30.0, DAY - 3, Held("low", DAY)),
        (80.0, DAY - 3, Held("middle", DAY - 3, "high")),  # better in spite of it: no hurry
    ],
)
def test_a_key_person_who_leaves_is_told_at_once(score: float, left_day: int | None, expected: Held) -> None:
    held, change = relationship_level(Held("middle", DAY - 3), scored(score, left_day), DAY, POLICY)
    assert held == expected
    assert (change is not None) == (expected.since_day == DAY)


def test_the_change_tells_its_parts() -> None:
    found = scored(30.0)
    held, change = relationship_level(None, found, DAY, POLICY)
    assert held == Held("low", DAY)
    assert change is not None
    assert change.evidence == {"score": 30.0, "parts": {"base": 30.0}}
