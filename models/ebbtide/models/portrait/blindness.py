"""Since when nobody can see a customer, and what was known of it until then (design §3, law 10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.outages import sources_of
from ebbtide.models.customer.seen import seen_day
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.models.portrait.dates import date_of
from ebbtide.models.record.build import build_record, record_day
from ebbtide.models.record.sheet import EVENTS
from ebbtide.schemas.customer_record import Field
from ebbtide.schemas.state_change import StateName

_FROM_FACTS = (StateName.JOURNEY, StateName.RELATIONSHIP)
"""States that the CRM decides: they move whether anybody is seen or not."""


@dataclass(frozen=True, slots=True)
class Blindness:
    """All ``sources`` of a customer are silent. ``since`` one of them was heard last; None where no heartbeat is kept.

    Activity is known up to ``seen_until``, a grid instant. ``fields`` are those that rest on events as they were then:
    later windows count days that nobody saw. ``in_doubt`` are the score, alerts and states that were told after the
    sources were heard last, before that was too long: perhaps they tell of the outage alone.
    """

    since: datetime | None
    sources: list[str]
    seen_until: date
    fields: dict[str, Field] = field(default_factory=dict)
    in_doubt: list[str] = field(default_factory=list)


def blindness(
    customer: Customer,
    view: View,
    settled_day: int | None,
    heard_ms: int | None,
    policy: CorePolicy,
    fleet: Fleet | None,
) -> Blindness:
    """What there is to say of a customer that is blind."""
    day = record_day(view, settled_day)
    until = seen_day(view, day, heard_ms)
    record = build_record(customer, view, until, customer.sequence, policy, fleet)
    told = {
        **({"score": customer.scored_day} if customer.score is not None and customer.scored_day is not None else {}),
        **{name: alert.opened_day for name, alert in sorted(customer.alerts.items())},
        **{name: held.since_day for name, held in sorted(customer.states.items()) if name not in _FROM_FACTS},
    }
    return Blindness(
        since=None if heard_ms is None else from_ms(heard_ms),
        sources=sorted(sources_of(customer, day)),
        seen_until=date_of(until),
        fields={name: own for name, own in record.fields.items() if EVENTS in own.source.split(", ")},
        in_doubt=[name for name, told_on in told.items() if told_on > until],
    )
