"""Relationship with a customer, low to high: points for what is known of it [FX] (signals §6).

Recently is 14 days, or two own cadences; long ago is over 30 days, or four.

| part | points by default | from |
|---|---|---|
| ``base`` | 50 | nothing known is middle |
| ``key_person`` | 15 active recently, 0 in between, -15 active long ago | activity by role |
| ``admin`` | 5, 0, -5 likewise | activity by role |
| ``touchpoints`` | calls and kickoffs 3, visits and trainings 5, at most 15 | touchpoints of 90 days |
| ``nps`` | 10 times the net promoter score | latest answers by person, 180 days |
| ``csat`` | -5 at a mean of 1, 0 at 3, 5 at 5 | latest answers by person, 180 days |
| ``tickets`` | -1, -2, -5, -10 by severity, twice after 3 days, at least -25 | open tickets |
| ``key_person_left`` | -20 each, at least -30 | contact.left of 90 days |
| ``invoices`` | -5, -15 from 15 days overdue | overdue invoices |

[FX] names what counts; the points are a convention and settings. The parts add up to the score, at best 100.
"""

from __future__ import annotations

from typing import NamedTuple

from ebbtide.models.policy import RelationshipPolicy
from ebbtide.models.standing.contacts import LEFT, Role, Roles, last_active_day, left_key_persons
from ebbtide.models.standing.history import History
from ebbtide.models.standing.hysteresis import Held, Proposal, StateChange, move
from ebbtide.models.standing.invoices import OverdueInvoice, overdue_invoices
from ebbtide.models.standing.levels import RANK, LevelEdges, level_of
from ebbtide.models.standing.surveys import (
    ANSWERED,
    CSAT,
    CSAT_MIDDLE,
    CSAT_SPREAD,
    NPS,
    latest_answers,
    mean_score,
    net_promoter_score,
)
from ebbtide.models.standing.tickets import OpenTicket, open_tickets, ticket_points
from ebbtide.models.standing.touchpoints import TOUCHPOINT, touchpoint_counts
from ebbtide.models.standing.unseen import Unseen, all_seen

STATE_NAME = "relationship"


class Relationship(NamedTuple):
    """Points by part, their sum, and the last day on which a key person left (None: nobody lately)."""

    score: float
    parts: dict[str, float]
    key_person_left_day: int | None


def relationship(
    history: History,
    roles: Roles,
    day: int,
    cadence_days: float,
    policy: RelationshipPolicy,
    unseen: Unseen = all_seen,
) -> Relationship:
    """The score as of grid day ``day``.

    ``roles``: by profile, role and last active day before ``day``. ``cadence_days``: the own cadence in calendar days,
    which makes "recently" longer for a slow customer. ``unseen`` days are no absence.
    """
    recent = max(policy.recent_days, 2 * cadence_days)
    silent = max(policy.silent_days, 4 * cadence_days)
    present = (
        _presence(roles, Role.KEY_PERSON, day, recent, silent, policy.key_person, unseen),
        _presence(roles, Role.ADMIN, day, recent, silent, policy.admin, unseen),
    )
    told, count = history.told, history.count_before(day)
    if told is not None and told.facts == count and told.from_day <= day < told.until_day and told.policy is policy:
        if told.present == present:
            return told.found
        until, parts, left_day = told.until_day, told.found.parts.copy(), told.found.key_person_left_day
    else:
        until, parts, left_day = _from_facts(history, roles, day, policy)
    parts["key_person"], parts["admin"] = map(_told, present)
    found = Relationship(round(sum(parts.values()), 2), parts, left_day)
    history.told = Told(policy, count, day, until, present, found)
    return found


def _from_facts(
    history: History, roles: Roles, day: int, policy: RelationshipPolicy
) -> tuple[int, dict[str, float], int | None]:
    """All parts in their order, those of roles at zero; from when on they may be others; when a key person left."""
    left = left_key_persons(history, roles, day, policy.left_days)
    tickets, overdue = open_tickets(history, day), overdue_invoices(history, day)
    lost = ticket_points(tickets, day, policy.ticket_points, old_days=policy.ticket_old_days, most=policy.ticket_most)
    parts = {
        "base": _told(policy.base),
        "key_person": 0.0,
        "admin": 0.0,
        "touchpoints": _told(_touchpoints(history, day, policy)),
        "nps": _told(_nps(history, day, policy)),
        "csat": _told(_csat(history, day, policy)),
        "tickets": _told(-lost),
        "key_person_left": _told(-min(policy.left_most, policy.key_person_left * len(left))),
        "invoices": _told(_invoices(overdue, day, policy)),
    }
    return _until(history, day, tickets, overdue, policy), parts, max(left.values(), default=None)


def _told(points: float) -> float:
    """Points of zero are +0.0, however they came about: they are told and compared. Most are."""
    return round(points, 2) + 0.0 if points else 0.0


class Told(NamedTuple):
    """A relationship that holds from a day until another while there are so many facts before it, and the points
    of roles present stay the same."""

    policy: RelationshipPolicy
    facts: int
    from_day: int
    until_day: int
    present: tuple[float, float]
    found: Relationship


_NEVER = 1 << 30


def _until(
    history: History, day: int, tickets: list[OpenTicket], overdue: list[OverdueInvoice], policy: RelationshipPolicy
) -> int:
    """The first grid day after ``day`` on which the passing of time may change what facts give."""
    if history.before(day, LEFT, since_day=day - policy.left_days):
        # Whom it is about may come back, or be another.
        return day
    if any(ticket.age_days(day) <= policy.ticket_old_days for ticket in tickets):
        return day + 1
    if overdue and overdue[0].overdue_days(day) < policy.overdue_late_days:
        return day + 1
    until = _NEVER
    for kind, within_days in ((TOUCHPOINT, policy.touchpoint_days), (ANSWERED, policy.survey_days)):
        counted = history.before(day, kind, since_day=day - within_days)
        if counted:
            until = min(until, counted[0].day + within_days + 1)
    return until


def unasked_role(history: History, day: int, policy: RelationshipPolicy) -> Role | None:
    """The role, that of most people, that ``relationship`` does not ask for; None where one of them may have left."""
    return None if history.before(day, LEFT, since_day=day - policy.left_days) else Role.END_USER


def relationship_level(
    held: Held | None, found: Relationship, day: int, policy: RelationshipPolicy
) -> tuple[Held, StateChange | None]:
    """The level as of grid day ``day``. A fall does not wait for the dwell time where a key person left meanwhile."""
    current = None if held is None else held.value
    edges = LevelEdges(policy.low_enter, policy.low_leave, policy.high_leave, policy.high_enter)
    left_day = found.key_person_left_day
    level = level_of(found.score, current, edges)
    urgent = (
        held is not None
        and left_day is not None
        and left_day >= held.since_day
        and RANK[level.value] < RANK[held.value]
    )
    evidence: dict[str, object] = {"score": found.score, "parts": found.parts}
    proposed = Proposal(level, "points", evidence, urgent=urgent)
    return move(STATE_NAME, held, proposed, day, policy.dwell_days)


def _presence(roles: Roles, role: Role, day: int, recent: float, silent: float, points: float, unseen: Unseen) -> float:
    """All points for a role that is active, none in between or where nobody in it is known to have been, minus all for
    one that is silent."""
    last = last_active_day(roles, role)
    if last is None:
        return 0.0
    away = day - last
    if away > recent:
        away -= unseen(last + 1)
    if away <= recent:
        return points
    return -points if away > silent else 0.0


def _touchpoints(history: History, day: int, policy: RelationshipPolicy) -> float:
    counts = touchpoint_counts(history, day, policy.touchpoint_days)
    points = sum(policy.touchpoint_points.get(kind, 0.0) * counts[kind] for kind in sorted(counts))
    return min(policy.touchpoint_most, points)


def _nps(history: History, day: int, policy: RelationshipPolicy) -> float:
    return policy.nps * (net_promoter_score(latest_answers(history, day, NPS, policy.survey_days)) or 0.0)


def _csat(history: History, day: int, policy: RelationshipPolicy) -> float:
    mean = mean_score(latest_answers(history, day, CSAT, policy.survey_days))
    return 0.0 if mean is None else policy.csat * (mean - CSAT_MIDDLE) / CSAT_SPREAD


def _invoices(overdue: list[OverdueInvoice], day: int, policy: RelationshipPolicy) -> float:
    if not overdue:
        return 0.0
    late = overdue[0].overdue_days(day) >= policy.overdue_late_days
    return -(policy.overdue_late if late else policy.overdue)
