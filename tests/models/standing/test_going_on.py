"""What a history keeps of an earlier day is what a new one tells: as facts come, days pass and use is told late."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.policy import JourneyPolicy, LifecyclePolicy, RelationshipPolicy
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.journey import journey
from ebbtide.models.standing.relationship import relationship
from ebbtide.schemas.base import DAY_MS
from support.standing import used

FIRST, LAST = 100, 130
POLICY = RelationshipPolicy(touchpoint_days=6, survey_days=9, left_days=5, ticket_old_days=3, overdue_late_days=8)
JOURNEY, CORE = JourneyPolicy(deliver_within_days=4), LifecyclePolicy()

WHAT = st.sampled_from(
    [
        ("touchpoint", {"kind": "visit"}),
        ("touchpoint", {"kind": "kickoff"}),
        ("survey.answered", {"kind": "nps", "score": 10}),
        ("survey.answered", {"kind": "csat", "score": 1}),
        ("ticket.opened", {"ticket_id": "t", "severity": "high"}),
        ("ticket.closed", {"ticket_id": "t"}),
        ("invoice.overdue", {"invoice_id": "i"}),
        ("invoice.paid", {"invoice_id": "i"}),
        ("contact.left", {"person_id": "p"}),
        ("contract.signed", {"contract_id": "c"}),
        ("renewal.closed", {"outcome": "churned"}),
    ]
)
FACTS = st.dictionaries(st.integers(0, 2 * (LAST - FIRST)), WHAT, max_size=8)
USE = st.sets(st.integers(FIRST - 3, LAST), max_size=6)


def dated(facts: dict[int, tuple[str, dict[str, object]]]) -> list[DatedFact]:
    return [
        DatedFact(kind, FIRST * DAY_MS + half * DAY_MS // 2, data, str(half))
        for half, (kind, data) in sorted(facts.items())
    ]


@given(FACTS, USE, USE, st.integers(FIRST, LAST), st.integers(0, 9))
@example({0: ("contract.signed", {}), 20: ("touchpoint", {"kind": "kickoff"})}, {102}, {105}, 115, 0)
def test_it_says_what_a_new_one_says(
    facts: dict[int, tuple[str, dict[str, object]]], days: set[int], late: set[int], told_late: int, ahead_days: int
) -> None:
    waiting = dated(facts)
    ahead = len(waiting) // 3
    going_on = History(waiting[:ahead])
    known = waiting[:ahead]
    waiting = waiting[ahead:]
    for day in range(FIRST, LAST + 60):
        # Some facts are heard before their day is looked at.
        while waiting and waiting[0].day < day + ahead_days:
            going_on.append(waiting[0])
            known.append(waiting.pop(0))
        active = days | late if day >= told_late else days
        series = used(dict.fromkeys(active, 2), active)
        seen = [one for one in sorted(active) if one < day]
        roles: dict[str, tuple[str, int | None]] = {"p": ("key_person", seen[-1] if seen else None)}
        assert journey(going_on, series, day, JOURNEY, CORE) == journey(History(known), series, day, JOURNEY, CORE)
        told = relationship(going_on, roles, day, 1.0, POLICY)
        assert told == relationship(History(known), roles, day, 1.0, POLICY)
    for policy in (POLICY, RelationshipPolicy(base=40)):
        assert relationship(going_on, {}, LAST, 1.0, policy) == relationship(History(known), {}, LAST, 1.0, policy)


def test_what_nothing_was_told_of_since_is_kept() -> None:
    history = History(dated({0: ("contract.signed", {}), 1: ("renewal.closed", {})}))
    series = used({90: 1}, set())
    journey(history, series, 110, JOURNEY, CORE)
    found = relationship(history, {}, 110, 1.0, POLICY)
    assert history.come is not None
    assert relationship(history, {}, 200, 1.0, POLICY) is found
    history.append(dated({400: ("touchpoint", {"kind": "visit"})})[0])
    assert relationship(history, {}, 300, 1.0, POLICY) is found
    assert relationship(history, {}, 301, 1.0, POLICY) is not found
