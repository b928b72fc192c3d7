"""Facts that are forgotten change nothing that is asked later."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.kept_facts import Facts, kept_facts
from ebbtide.models.customer.series import DaySeries
from ebbtide.models.policy import ChannelPolicy, CorePolicy
from ebbtide.models.standing.contacts import left_key_persons
from ebbtide.models.standing.contracts import not_renewed_since
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.invoices import overdue_invoices
from ebbtide.models.standing.journey import journey
from ebbtide.models.standing.relationship import relationship
from ebbtide.models.standing.surveys import latest_answers
from ebbtide.models.standing.tickets import open_tickets
from ebbtide.models.value.attendance import attendances
from ebbtide.models.value.first_touch import first_touch, furthest_stage
from ebbtide.schemas.base import DAY_MS

POLICY = CorePolicy()
KEPT = kept(POLICY)._replace(fact_days=30, answer_days=50, campaign_days=20)
DAY = 20_094
OLD, RECENT = DAY - 100, DAY - 10


def told(*facts: tuple[str, int, dict[str, Any]]) -> Facts:
    """Facts by their place: type, day and fields; each an hour after the one before."""
    return {f"m{n:02}": (kind, day * DAY_MS + n * 3_600_000, dict(data)) for n, (kind, day, data) in enumerate(facts)}


def marks(facts: Facts, *, alone: bool = False) -> list[str]:
    [found] = kept_facts([(facts, alone)], DAY, KEPT)
    return sorted(found)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # Told of whatever their age.
        ((("contract.signed", OLD, {}), ("renewal.closed", OLD, {}), ("deal.won", OLD, {})), ["m00", "m01", "m02"]),
        ((("account.merged", OLD, {}), ("account.merged", OLD, {})), ["m00", "m01"]),
        # As long as their window.
        ((("survey.answered", DAY - 49, {}), ("survey.answered", DAY - 51, {})), ["m00"]),
        ((("contact.left", DAY - 29, {}), ("contact.left", DAY - 31, {})), ["m00"]),
        # What is open.
        ((("ticket.opened", OLD, {"ticket_id": 7}), ("ticket.opened", OLD, {})), ["m00"]),
        (
            (
                ("ticket.opened", OLD, {"ticket_id": 7}),
                ("ticket.closed", OLD, {"ticket_id": "7"}),
                ("ticket.opened", OLD + 1, {"ticket_id": 7}),
            ),
            ["m01", "m02"],
        ),
        ((("ticket.opened", OLD, {"ticket_id": "7"}), ("ticket.closed", RECENT, {"ticket_id": "7"})), ["m00", "m01"]),
        (
            (
                ("ticket.opened", OLD, {"ticket_id": "7"}),
                ("ticket.closed", OLD + 2, {"ticket_id": "7"}),
                ("ticket.closed", OLD + 1, {"ticket_id": "7"}),
            ),
            ["m01", "m02"],
        ),
        # Who ever paid is no lead: one payment says so, the first; others settle what was or will be called overdue.
        ((("invoice.paid", OLD, {"invoice_id": "i"}), ("invoice.paid", OLD + 1, {"invoice_id": "j"})), ["m00"]),
        (
            (
                ("invoice.paid", OLD, {"invoice_id": "i"}),
                ("invoice.paid", OLD + 1, {"invoice_id": "j"}),
                ("invoice.overdue", RECENT, {"invoice_id": "j"}),
            ),
            ["m00", "m01", "m02"],
        ),
        (
            (("invoice.overdue", OLD, {"invoice_id": "i"}), ("invoice.paid", OLD + 1, {"invoice_id": "i"})),
            ["m00", "m01"],
        ),
        # The first touchpoint, the first of a kind that moves the journey, and the first of those after a signature.
        (
            (
                ("touchpoint", OLD, {"kind": "webinar"}),
                ("touchpoint", OLD, {"kind": "webinar"}),
                ("touchpoint", OLD, {"kind": "call"}),
                ("touchpoint", OLD, {"kind": "call"}),
                ("contract.signed", OLD, {}),
                ("touchpoint", OLD, {"kind": "call"}),
                ("touchpoint", OLD, {"kind": "call"}),
                ("touchpoint", OLD, {"kind": "kickoff"}),
            ),
            ["m00", "m02", "m04", "m05", "m07"],
        ),
        # The first training of each feature and trainer.
        (
            (
                ("touchpoint", OLD, {"kind": "training", "feature": "f", "trainer": "t"}),
                ("touchpoint", OLD, {"kind": "training", "feature": "f", "trainer": "t"}),
                ("touchpoint", OLD, {"kind": "training", "feature": "g", "trainer": "t"}),
                ("touchpoint", OLD, {"kind": "training", "feature": "g", "trainer": "u"}),
            ),
            ["m00", "m02", "m03"],
        ),
        # The first of every stage of a lead.
        (
            (
                ("deal.updated", OLD, {"stage": "new"}),
                ("deal.updated", OLD, {"stage": "new"}),
                ("deal.updated", OLD, {"stage": "proposal"}),
                ("deal.lost", OLD, {"stage": "new"}),
                ("lead.upserted", OLD, {"channel": "ads"}),
                ("lead.upserted", OLD, {"channel": "ads", "keyword": "k"}),
                ("lead.upserted", OLD, {"channel": "ads", "status": "sql"}),
                ("lead.upserted", OLD, {"channel": "ads"}),
            ),
            ["m00", "m02", "m03", "m04", "m05", "m06"],
        ),
    ],
)
def test_what_stays(facts: tuple[tuple[str, int, dict[str, Any]], ...], expected: list[str]) -> None:
    assert marks(told(*facts)) == expected


def test_of_a_profile_that_tells_nothing_else_the_first_fact_stays() -> None:
    facts = told(("survey.answered", OLD, {"kind": "nps", "score": 3}), ("survey.answered", OLD + 1, {}))
    assert marks(facts) == []
    [found] = kept_facts([(facts, True)], DAY, KEPT)
    assert found == {"m00": ("survey.answered", OLD * DAY_MS, {})}


def test_of_old_facts_the_fields_stay_that_are_read() -> None:
    facts = told(
        ("contract.signed", OLD, {"value": 5}),
        ("renewal.closed", OLD, {"outcome": "renewed", "value": 5}),
        ("touchpoint", OLD, {"kind": "call", "by": "ada"}),
        ("deal.opened", OLD, {"stage": "new", "amount": 5}),
        ("contract.signed", RECENT, {"value": 5}),
    )
    [found] = kept_facts([(facts, False)], DAY, KEPT)
    assert [data for _, _, data in found.values()] == [
        {},
        {"outcome": "renewed"},
        {"kind": "call"},
        {"stage": "new", "amount": 5},
        {"value": 5},
    ]


def test_where_nothing_is_forgotten_the_facts_are_the_same_ones() -> None:
    young = told(("survey.answered", RECENT, {}))
    kept_whole = told(("contract.signed", OLD, {}), ("touchpoint", RECENT, {}))
    thinned = told(("contract.signed", OLD, {"value": 5}))
    found = kept_facts([(young, False), (kept_whole, False), (thinned, False)], DAY, KEPT)
    assert found[0] is young
    assert found[1] is kept_whole
    assert found[2] is not thinned
    assert kept_facts([(young, False)], DAY, KEPT)[0] is young


KINDS = ("call", "visit", "kickoff", "training", "demo", "webinar")


def random_fact(rng: Random, day: int) -> tuple[str, dict[str, Any]]:
    kind = rng.choice(
        (
            "contract.signed",
            "renewal.closed",
            "touchpoint",
            "touchpoint",
            "touchpoint",
            "ticket.opened",
            "ticket.closed",
            "invoice.overdue",
            "invoice.paid",
            "survey.answered",
            "contact.left",
            "lead.upserted",
            "lead.converted",
            "deal.opened",
            "deal.updated",
            "deal.won",
            "deal.lost",
        )
    )
    by_kind: dict[str, dict[str, Any]] = {
        "contract.signed": {"value": day},
        "renewal.closed": {"outcome": rng.choice(("renewed", "expanded", "churned"))},
        "touchpoint": {"kind": rng.choice(KINDS), "feature": rng.choice("fg"), "trainer": rng.choice("tu"), "by": "a"},
        "survey.answered": {"kind": rng.choice(("nps", "csat")), "score": rng.randint(0, 10)},
        "contact.left": {"role": "key_person"},
        "lead.upserted": {"channel": rng.choice(("", "ads")), "status": rng.choice(("new", "sql"))},
        # What a reminder of is told within weeks.
        "invoice.overdue": {"invoice_id": str(day // 30), "amount": day},
        "invoice.paid": {"invoice_id": str(day // 30), "amount": day},
    }
    return kind, by_kind.get(kind, {"ticket_id": str(rng.randint(1, 5)), "stage": rng.choice(("new", "proposal"))})


def asked(shares: list[Facts], day: int) -> dict[str, Any]:
    """All that is asked of facts as of ``day``."""
    facts = [
        DatedFact(kind, at_ms, data, mark, f"p{n}")
        for n, share in enumerate(shares)
        for mark, (kind, at_ms, data) in share.items()
    ]
    history, roles = History(facts), {"p0": ("key_person", day - 3)}
    known = [(fact.type, fact.at_ms, fact.data) for fact in facts]
    first: dict[str, tuple[int, str]] = {}
    for attended in sorted(attendances(known), key=lambda one: (one.day, one.trainer)):
        first.setdefault(attended.module, (attended.day, attended.trainer))
    return {
        "journey": journey(history, DaySeries(), day, POLICY.journey, POLICY.lifecycle),
        "tickets": open_tickets(history, day),
        "invoices": overdue_invoices(history, day),
        "answers": [latest_answers(history, day, kind, KEPT.answer_days) for kind in ("nps", "csat")],
        "left": left_key_persons(history, roles, day, KEPT.fact_days),
        "relationship": relationship(
            history,
            roles,
            day,
            7.0,
            POLICY.relationship.model_copy(
                update={
                    "touchpoint_days": KEPT.fact_days,
                    "left_days": KEPT.fact_days,
                    "survey_days": KEPT.answer_days,
                }
            ),
        ),
        "not_renewed": not_renewed_since(history, day),
        "touch": first_touch(known, day * DAY_MS),
        "stage": furthest_stage(known, day * DAY_MS, ChannelPolicy()),
        "trained": first,
        "contracts": [
            (fact.type, fact.at_ms, fact.data.get("outcome"))
            for fact in history.before(day, "contract.signed", "renewal.closed")
        ],
        "campaigns": history.before(day, "touchpoint", since_day=day - KEPT.campaign_days),
    }


@pytest.mark.parametrize("seed", range(15))
def test_nothing_that_is_asked_changes(seed: int) -> None:
    """Two profiles tell facts for 300 days, up to four weeks late; one world forgets every few days."""
    rng = Random(seed)
    never: list[Facts] = [{}, {}]
    forgets: list[Facts] = [{}, {}]
    forgotten = 0
    for day in range(DAY, DAY + 300):
        for _ in range(rng.choice((0, 0, 1, 2))):
            at_ms = max(DAY, day - rng.choice((0, 0, 0, rng.randint(1, 28)))) * DAY_MS + rng.randrange(DAY_MS)
            kind, data = random_fact(rng, day)
            share, mark = rng.randrange(2), f"{rng.getrandbits(48):012x}"
            never[share][mark] = forgets[share][mark] = (kind, at_ms, data)
        if rng.random() < 0.02:
            # A profile tells everything anew.
            share = rng.randrange(2)
            forgets[share] = dict(never[share])
        if rng.random() < 0.2:
            before = forgets
            forgets = kept_facts([(facts, False) for facts in forgets], day, KEPT)
            assert kept_facts([(facts, False) for facts in forgets], day, KEPT) == forgets
            forgotten += sum(map(len, before)) - sum(map(len, forgets))
            assert asked(forgets, day) == asked(never, day)
        assert asked(forgets, day + 1) == asked(never, day + 1), day - DAY
    assert forgotten > 20
