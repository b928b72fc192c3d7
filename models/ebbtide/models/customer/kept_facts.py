"""Which dated facts anything still asks for (signals §1).

Contracts and renewals are told of whatever their age. Surveys, tickets, invoices and touchpoints count for as long as
the longest window. Of older ones stays what is open still, and what the journey, a lead's stage and
first touch, or the trainings rest on: of each group the earliest, as a later one changes nothing there.

What is forgotten is missed in one case only: by a fact that is told so long after its date. Closings stay, and payments
of what was overdue: another profile may tell all its tickets and invoices anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from ebbtide.models.customer.kept import Kept
from ebbtide.models.standing.contacts import LEFT
from ebbtide.models.standing.contracts import RENEWED, SIGNED
from ebbtide.models.standing.invoices import OVERDUE, PAID
from ebbtide.models.standing.journey import DEAL_WON
from ebbtide.models.standing.surveys import ANSWERED
from ebbtide.models.standing.tickets import CLOSED, OPENED
from ebbtide.models.standing.touchpoints import TOUCHPOINT
from ebbtide.schemas.base import DAY_MS

Fact = tuple[str, int, dict[str, Any]]
"""Type, time in epoch milliseconds, and fields."""

Facts = dict[str, Fact]
"""By a mark of the event's id."""

TRAINING = "training"

_SIGNINGS = frozenset({SIGNED, DEAL_WON})
_STAGES = frozenset({"lead.upserted", "lead.converted", "deal.opened", "deal.updated", "deal.lost"})
_STAGE_FIELDS = ("stage", "status", "channel", "keyword")

_FIELDS: dict[str, frozenset[str]] = {
    SIGNED: frozenset(),
    DEAL_WON: frozenset(),
    RENEWED: frozenset({"outcome", "status", "result", "reason"}),
    TOUCHPOINT: frozenset({"kind", "feature", "trainer"}),
    CLOSED: frozenset({"ticket_id"}),
    PAID: frozenset({"invoice_id"}),
}
"""Of an old fact of a type, the fields that are still read; of other types all."""


def kept_facts(shares: Sequence[tuple[Facts, bool]], day: int, kept: Kept) -> list[Facts]:
    """Of the facts of a customer's profiles, in the same order, those that grid instants from ``day`` on ask for.

    With each goes whether the profile tells nothing else: then its first fact stays, which says since when it is known.
    Facts of the ``kept.fact_days`` before ``day``, and later ones, stay as they are; so do answers of ``answer_days``.
    Where all of a profile do, so does its dictionary. Doing it twice changes nothing.
    """
    told = [facts for facts, _ in shares]
    since_ms = (day - kept.fact_days) * DAY_MS
    aged = [any(at_ms < since_ms for _, at_ms, _ in facts.values()) for facts in told]
    if not any(aged):
        return told
    rules = _Rules(
        since_ms,
        (day - kept.answer_days) * DAY_MS,
        _closings(told, since_ms),
        {_text(data, "invoice_id") for facts in told for kind, _, data in facts.values() if kind == OVERDUE},
        kept.touchpoints,
        # A delivery is one after the first signature; that of each profile, as one may go to another customer.
        sorted(
            {min(times) for facts in told if (times := [at for kind, at, _ in facts.values() if kind in _SIGNINGS])}
        ),
    )
    return [
        _kept(facts, rules, alone=alone) if old else facts for (facts, alone), old in zip(shares, aged, strict=True)
    ]


class _Rules(NamedTuple):
    """What decides over facts of before ``since_ms``, and answers of before ``answers_ms``: the last closing of tickets
    that are closed, the invoices that were ever called overdue, the kinds of touchpoint that matter, the first
    signatures."""

    since_ms: int
    answers_ms: int
    closings: dict[str, int]
    overdue: set[str]
    kinds: frozenset[str]
    signed: list[int]


def _kept(facts: Facts, rules: _Rules, *, alone: bool) -> Facts:
    kept: Facts = {}
    same = True
    known: set[Hashable] = set()
    for mark, fact in sorted(facts.items(), key=lambda item: (item[1][1], item[0])):
        kind, at_ms, data = fact
        if at_ms >= rules.since_ms:
            kept[mark] = fact
            continue
        groups = _groups(mark, fact, rules)
        fields = _FIELDS.get(kind)
        if known.issuperset(groups):
            if kept or not alone:
                continue
            fields = frozenset()
        known.update(groups)
        if fields is None or data.keys() <= fields:
            kept[mark] = fact
        else:
            same = False
            kept[mark] = (kind, at_ms, {name: value for name, value in data.items() if name in fields})
    return facts if same and len(kept) == len(facts) else kept


def _groups(mark: str, fact: Fact, rules: _Rules) -> Collection[Hashable]:
    """The groups of an old fact: it stays if it is the earliest of one. Without any nobody asks for it."""
    kind, at_ms, data = fact
    if kind == ANSWERED:
        return (mark,) if at_ms >= rules.answers_ms else ()
    if kind == LEFT:
        return ()
    if kind == OPENED:
        ticket = _text(data, "ticket_id")
        return (mark,) if ticket and at_ms > rules.closings.get(ticket, -1) else ()
    if kind == PAID and _text(data, "invoice_id") not in rules.overdue:
        # Who ever paid is no lead any more.
        return (PAID,)
    if kind == TOUCHPOINT:
        return _touchpoint_groups(fact, rules)
    return ((kind, *(_text(data, name) for name in _STAGE_FIELDS)),) if kind in _STAGES else (mark,)


def _touchpoint_groups(fact: Fact, rules: _Rules) -> list[Hashable]:
    """The first one counts; of kinds that move the journey the first of each, and after each signature; of trainings
    the first of each feature and trainer."""
    _, at_ms, data = fact
    kind = _text(data, "kind")
    groups: list[Hashable] = [TOUCHPOINT]
    if kind in rules.kinds:
        groups.append((kind, bisect_left(rules.signed, at_ms)))
    if kind == TRAINING:
        groups.append((TRAINING, _text(data, "feature"), _text(data, "trainer")))
    return groups


def _closings(told: Iterable[Facts], since_ms: int) -> dict[str, int]:
    """By ticket its last closing before ``since_ms``, in milliseconds."""
    found: dict[str, int] = {}
    for facts in told:
        for kind, at_ms, data in facts.values():
            if kind == CLOSED and at_ms < since_ms:
                ticket = _text(data, "ticket_id")
                found[ticket] = max(found.get(ticket, at_ms), at_ms)
    return found


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return "" if value is None else str(value)
