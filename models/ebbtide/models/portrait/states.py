"""The states that a customer is in, whichever there are, each with the day since which it holds (signals §§3-6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ebbtide.models.customer.customer import Customer
from ebbtide.models.portrait.dates import date_of


@dataclass(frozen=True, slots=True)
class State:
    """A named state. ``pending`` is what would follow but for the least time that a state lasts."""

    name: str
    value: str
    since: date
    pending: str | None


def states(customer: Customer) -> list[State]:
    """All of them, by name, as of the instant that was evaluated last. Nothing follows while nobody can see it."""
    return [
        State(name, held.value, date_of(held.since_day), None if customer.blind else held.pending)
        for name, held in sorted(customer.states.items())
    ]
