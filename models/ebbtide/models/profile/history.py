"""Dated facts that stay: which types do, and how many of each in whatever order they came (signals §1).

What is kept of a type follows from the set of its facts alone. So a customer's share that is told fact by fact and one
that is told at once hold the same, as long as both put facts in by ``put``.
"""

from __future__ import annotations

from typing import Any

MOST_FACTS = 200
"""Of a type, in one account of a profile: weekly calls of four years."""

KEPT: dict[str, int | None] = {
    "contract.signed": None,
    "renewal.closed": None,
    **dict.fromkeys(
        (
            "account.merged",
            "contact.left",
            "lead.converted",
            "deal.opened",
            "deal.updated",
            "deal.won",
            "deal.lost",
            "invoice.overdue",
            "invoice.paid",
            "ticket.opened",
            "ticket.closed",
            "survey.answered",
            "touchpoint",
        ),
        MOST_FACTS,
    ),
    "lead.upserted": 1,
}
"""By type of fact: how many stay. The newest do, None: all; of ``lead.upserted`` the first touch."""

FIRST_TOUCH = "lead.upserted"
"""The type of which the oldest that names a channel stays (else the oldest): where the lead came from."""

Facts = dict[str, tuple[str, int, dict[str, Any]]]
"""By event id: type, time in epoch ms, and fields."""


def put(facts: Facts, event_id: str, fact: tuple[str, int, dict[str, Any]]) -> bool:
    """Put a fact in, and out what is too many of its type. Returns whether the new one stays."""
    facts[event_id] = fact
    kind = fact[0]
    most = KEPT.get(kind)
    if most is None or len(facts) <= most:
        return True
    same = [key for key, (other, _, _) in facts.items() if other == kind]
    if kind == FIRST_TOUCH:
        same.sort(key=lambda key: ("channel" not in facts[key][2], facts[key][1], key))
        over = same[most:]
    else:
        # Equal times go by id, as in the customer's history.
        same.sort(key=lambda key: (facts[key][1], key))
        over = same[:-most]
    for key in over:
        del facts[key]
    return event_id in facts
