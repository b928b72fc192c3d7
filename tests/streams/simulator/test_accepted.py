"""The door lets in everything that the simulator sends."""

from __future__ import annotations

from ebbtide.models.intake.accept import Door, RawMessage, Refused
from ebbtide.models.intake.facts import tracked_names
from ebbtide.models.policy import IntakePolicy, VirtualEventsPolicy
from streams.simulator.simulated import Simulated


def test_no_fact_is_refused(simulated: Simulated) -> None:
    accept = Door(IntakePolicy(), "default").accept
    facts = [arrival for arrival in simulated.arrivals if b'"occurred_at"' in arrival.line]
    verdicts = [
        accept(RawMessage("raw-crm", 0, n, None, fact.line, fact.received_ms), now_ms=fact.received_ms)
        for n, fact in enumerate(facts)
    ]
    assert [verdict.dead_letter.detail for verdict in verdicts if isinstance(verdict, Refused)] == []
    assert {fact["type"] for fact in simulated.facts} >= {"lead.converted", "deal.lost", "survey.answered"}


def test_no_use_of_the_product_is_taken_for_a_fact(simulated: Simulated) -> None:
    names = {record["event"] for record in simulated.behaviour if record["type"] == "track"}
    virtual = VirtualEventsPolicy()
    names |= {branch.event for branch in (*virtual.login, *virtual.query, *virtual.order)}
    assert len(names) > 15
    assert names & set(tracked_names(())) == set()
