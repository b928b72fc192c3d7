"""What a replay tells of where a customer stands: changes of state by the day, and its record. Day 0 is a Monday."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from ebbtide.models.customer.customer import Customer
from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.state_change import StateChange
from support.raw import MONDAY, NOW, at, fact, messages

Row = tuple[str | None, str | None, float]
"""Old and new state, and the day."""


class Told:
    """All that leaves the topology by ``until``; the records are those that a worker would flush at the end.

    What is told comes in the order of its times; if not ``ordered`` what is late comes last, after time went on.
    """

    def __init__(
        self, bodies: Iterable[dict[str, Any]], until: float, policy: CorePolicy | None = None, *, ordered: bool = True
    ) -> None:
        self.pipeline = Pipeline(policy or CorePolicy())
        told = in_time(bodies) if ordered else list(bodies)
        self.outputs: list[Output] = list(self.pipeline.feed(messages(told), now=NOW))
        self.outputs += self.pipeline.close(at(until))

    def customer(self, anchor: str) -> Customer:
        """The customer with this value of its anchor."""
        (found,) = (one for one in self.pipeline.customers.customers.values() if one.anchor_value == anchor)
        return found

    def fields(self, anchor: str) -> dict[str, Any]:
        """The values of its record."""
        record = self.pipeline.customers.record(self.customer(anchor))
        return {name: field.value for name, field in record.fields.items()}

    def changes(self, anchor: str) -> list[StateChange]:
        """Its changes of state, in the order in which they were told."""
        found = self.customer(anchor).customer_id
        records = [output.record for output in self.outputs]
        return [one for one in records if isinstance(one, StateChange) and one.customer_id == found]

    def moves(self, anchor: str, state: str) -> list[Row]:
        """The changes of one state."""
        return [(one.old, one.new, day_of(one.occurred_at)) for one in self.changes(anchor) if one.state == state]


def day_of(when: datetime) -> float:
    """Days since day 0."""
    return (when - MONDAY) / timedelta(days=1)


def in_time(bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records in the order of their times."""
    return sorted(bodies, key=lambda body: str(body.get("timestamp") or body["occurred_at"]))


def told(kind: str, day: float, fact_id: str, ids: dict[str, str], /, **data: Any) -> dict[str, Any]:
    """A CRM fact with any fields."""
    return fact(kind, at(day), fact_id, ids) | {"data": data}
