"""Everything that is known of one customer, from its state alone: what `customer show` prints (signals §8).

The record is the one that the worker publishes; the rest is what stands behind its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.seen import heard_until, seen_day
from ebbtide.models.customer.sources import SourceBook
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.models.portrait.alerts import OpenAlertRow, open_alerts
from ebbtide.models.portrait.blindness import Blindness, blindness
from ebbtide.models.portrait.counts import Counts, counts
from ebbtide.models.portrait.dates import date_of
from ebbtide.models.portrait.health import LastScore, last_score
from ebbtide.models.portrait.history import History, history
from ebbtide.models.portrait.modules import ModulesUsed, modules_used
from ebbtide.models.portrait.people import Person, people
from ebbtide.models.portrait.rhythm import Rhythm, rhythm
from ebbtide.models.portrait.sources import newest_days
from ebbtide.models.portrait.states import State, states
from ebbtide.models.record.build import build_record, record_day
from ebbtide.schemas.customer_record import CustomerRecord


@dataclass(frozen=True, slots=True)
class DatedFact:
    """A fact of the customer's history, as the CRM sent it."""

    type: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Portrait:
    """One customer as of ``record.as_of``; ``facts`` newest first, ``sources`` the newest day of each.

    ``evaluated`` is the grid instant at which it was evaluated last: score and states are of that one or before.
    The score tells the chance of churn within ``horizon_days``. Of a customer whose sources are silent all but its
    states, alerts and facts is as of the instant up to which it was seen, ``blindness.seen_until``.
    """

    kind: str
    evaluated: date | None
    record: CustomerRecord
    score: LastScore | None
    horizon_days: int
    blindness: Blindness | None
    rhythm: Rhythm | None
    states: list[State]
    alerts: list[OpenAlertRow]
    history: History
    counts: dict[str, Counts]
    modules: ModulesUsed
    people: list[Person]
    facts: list[DatedFact]
    sources: dict[str, date]


def portrait(
    customer: Customer,
    settled_day: int | None,
    policy: CorePolicy,
    fleet: Fleet | None = None,
    book: SourceBook | None = None,
) -> Portrait:
    """The customer as the worker that stored it would tell it.

    ``settled_day`` is the instant that its partition settled last, ``fleet`` the statistics that hold then, ``book``
    its heartbeats; None: there are none yet.
    """
    view = View(customer)
    day = told_day = record_day(view, settled_day)
    unseen = None
    if customer.blind:
        heard_ms = heard_until(customer, settled_day, book or SourceBook(policy.sources))
        day = seen_day(view, told_day, heard_ms)
        unseen = blindness(customer, told_day, day, heard_ms)
    return Portrait(
        kind=customer.kind,
        evaluated=None if customer.settled_day is None else date_of(customer.settled_day),
        record=build_record(customer, view, told_day, customer.sequence, policy, fleet, seen_day=day),
        score=last_score(customer, view),
        horizon_days=policy.label.horizon_days,
        blindness=unseen,
        rhythm=rhythm(view.series, day, policy.cadence, blind=customer.blind),
        states=states(customer),
        alerts=open_alerts(customer, view, told_day, policy),
        history=history(customer, view, day),
        counts=counts(view.series, day),
        modules=modules_used(view.uses(customer, day), day),
        people=people(customer, day),
        facts=[DatedFact(kind, from_ms(at_ms), data) for kind, at_ms, data in reversed(view.outcomes(customer))],
        sources=newest_days(customer, day),
    )
