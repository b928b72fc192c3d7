"""What happens on or after a grid day, and the order in which facts of one time came, change nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.customer.cadence import Cadence, SilenceState
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import CorePolicy, LifecyclePolicy
from ebbtide.models.standing.contacts import left_key_persons
from ebbtide.models.standing.contracts import not_renewed_since
from ebbtide.models.standing.core_value import core_day
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.hysteresis import Held
from ebbtide.models.standing.invoices import overdue_invoices
from ebbtide.models.standing.journey import journey
from ebbtide.models.standing.lifecycle import lifecycle
from ebbtide.models.standing.relationship import relationship
from ebbtide.models.standing.retention_phase import retention_phase
from ebbtide.models.standing.stability import variation
from ebbtide.models.standing.surveys import latest_answers
from ebbtide.models.standing.tickets import open_tickets
from ebbtide.models.standing.touchpoints import touchpoint_counts
from ebbtide.models.standing.usage import usage
from ebbtide.schemas.base import DAY_MS
from support.standing import used

POLICY = CorePolicy()
DAY = 60
OWN = Cadence(2.0, business=False)
ROLES: dict[str, tuple[str, int | None]] = {"p0": ("key_person", 30), "p1": ("admin", 59)}
NO_USE = DaySeries()
USE = used(dict.fromkeys(range(0, 90, 3), 2), [3, 33])

DATA: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ticket.opened", {"ticket_id": "t1", "severity": "high"}),
    ("ticket.opened", {"ticket_id": "t1", "severity": "low"}),
    ("ticket.closed", {"ticket_id": "t1"}),
    ("survey.answered", {"kind": "nps", "score": 9}),
    ("survey.answered", {"kind": "nps", "score": 3}),
    ("survey.answered", {"kind": "csat", "score": 4}),
    ("invoice.overdue", {"invoice_id": "i1", "amount": 5.0}),
    ("invoice.overdue", {"invoice_id": "i1", "amount": 6.0}),
    ("invoice.paid", {"invoice_id": "i1"}),
    ("contact.left", {}),
    ("contact.left", {"role": "key_person"}),
    ("touchpoint", {"kind": "visit"}),
    ("touchpoint", {"kind": "kickoff"}),
    ("lead.upserted", {}),
    ("deal.won", {}),
    ("contract.signed", {}),
    ("renewal.closed", {"outcome": "renewed"}),
    ("renewal.closed", {"outcome": "expanded"}),
    ("renewal.closed", {"outcome": "churned"}),
)


def _fact(choice: tuple[str, dict[str, Any]], half_days: int, profile: str) -> DatedFact:
    return DatedFact(choice[0], half_days * DAY_MS // 2, choice[1], "", profile)


# Half days around the grid day, few of them: many facts have the same time.
FACTS = st.lists(
    st.builds(_fact, st.sampled_from(DATA), st.integers(117, 121), st.sampled_from(["p0", "p1"])), max_size=12
)

READERS: dict[str, Callable[[History], object]] = {
    "open_tickets": lambda facts: open_tickets(facts, DAY),
    "latest_answers": lambda facts: latest_answers(facts, DAY, "nps", 30),
    "overdue_invoices": lambda facts: overdue_invoices(facts, DAY),
    "not_renewed_since": lambda facts: not_renewed_since(facts, DAY),
    "left_key_persons": lambda facts: left_key_persons(facts, ROLES, DAY, 30),
    "touchpoint_counts": lambda facts: touchpoint_counts(facts, DAY, 30),
    "relationship": lambda facts: relationship(facts, ROLES, DAY, 2.0, POLICY.relationship),
    "journey": lambda facts: journey(facts, NO_USE, DAY, POLICY.journey, POLICY.lifecycle),
    "journey_with_use": lambda facts: journey(facts, USE, DAY, POLICY.journey, POLICY.lifecycle),
}
reader = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


@reader
@given(facts=FACTS)
def test_facts_of_the_day_and_later_do_not_matter(read: Callable[[History], object], facts: list[DatedFact]) -> None:
    assert read(History(facts)) == read(History(fact for fact in facts if fact.at_ms < DAY * DAY_MS))


@reader
@given(facts=FACTS, random=st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(
    read: Callable[[History], object], facts: list[DatedFact], random: Random
) -> None:
    shuffled = [*facts, *facts]
    random.shuffle(shuffled)
    assert read(History(shuffled)) == read(History(facts))


@reader
@given(facts=FACTS)
@example(facts=[_fact(choice, 118, "p0") for choice in DATA[:2]])
@example(facts=[_fact(choice, 118, "p0") for choice in DATA[6:8]])
def test_neither_do_ids(read: Callable[[History], object], facts: list[DatedFact]) -> None:
    """Which of two facts at one time has the smaller id is chance: it decides nothing."""
    unique = _unique(facts)
    there, back = (
        History(fact._replace(event_id=f"e{50 + sign * n}") for n, fact in enumerate(unique)) for sign in (1, -1)
    )
    assert read(there) == read(back)


def _unique(facts: Sequence[DatedFact]) -> list[DatedFact]:
    return History(facts).before(10**6, *sorted({kind for kind, _ in DATA}))


SERIES: dict[str, Callable[[DaySeries], object]] = {
    "variation": lambda series: variation(series, DAY, OWN, 4),
    "usage": lambda series: usage(series, DAY, OWN, 3, POLICY.usage),
    "retention_phase": lambda series: retention_phase(series.first_day(), DAY, POLICY.retention_phase),
    "lifecycle": lambda series: lifecycle(Held("growth", 0), series, DAY, OWN, SilenceState.AWAKE, None, POLICY),
    "lifecycle_left": lambda series: lifecycle(Held("left", 0), series, DAY, OWN, SilenceState.AWAKE, None, POLICY),
    "core_day": lambda series: core_day(series, DAY, LifecyclePolicy(), tenant_has_queries=False),
    "core_day_from": lambda series: core_day(series, DAY, LifecyclePolicy(), tenant_has_queries=True, start=50),
    "journey": lambda series: journey(History([]), series, DAY, POLICY.journey, POLICY.lifecycle),
}
EVENTS = st.dictionaries(st.integers(0, 80), st.integers(1, 9), min_size=1).filter(lambda days: min(days) < DAY)


@pytest.mark.parametrize("read", SERIES.values(), ids=SERIES)
@given(events=EVENTS, queries=st.sets(st.integers(0, 80)))
def test_activity_of_the_day_and_later_does_not_matter(
    read: Callable[[DaySeries], object], events: dict[int, int], queries: set[int]
) -> None:
    before = {day: count for day, count in events.items() if day < DAY}
    assert read(used(events, queries)) == read(used(before, queries))
