"""Since when nobody can see a customer, and what was known of it until then (design §3, law 10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.outages import sources_of
from ebbtide.models.portrait.dates import date_of
from ebbtide.schemas.state_change import StateName

_FROM_FACTS = (StateName.JOURNEY, StateName.RELATIONSHIP)
"""States that the CRM decides: they move whether anybody is seen or not."""


@dataclass(frozen=True, slots=True)
class Blindness:
    """All ``sources`` of a customer are silent. ``since`` one of them was heard last; None where no heartbeat is kept.

    Activity is known up to ``seen_until``, a grid instant. ``in_doubt`` are the score, alerts and states that were told
    after the sources were heard last, before that was too long: perhaps they tell of the outage alone.
    """

    since: datetime | None
    sources: list[str]
    seen_until: date
    in_doubt: list[str] = field(default_factory=list)


def blindness(customer: Customer, day: int, until: int, heard_ms: int | None) -> Blindness:
    """What there is to say as of ``day`` of a customer that was seen until the grid instant ``until``."""
    told = {
        **({"score": customer.scored_day} if customer.score is not None and customer.scored_day is not None else {}),
        **{name: alert.opened_day for name, alert in sorted(customer.alerts.items())},
        **{name: held.since_day for name, held in sorted(customer.states.items()) if name not in _FROM_FACTS},
    }
    return Blindness(
        since=None if heard_ms is None else from_ms(heard_ms),
        sources=sorted(sources_of(customer, day)),
        seen_until=date_of(until),
        in_doubt=[name for name, told_on in told.items() if told_on > until],
    )
