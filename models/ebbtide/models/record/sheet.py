"""What a record is built from, and the fields put so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from ebbtide.models.adoption.uses import Uses
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.view import View
from ebbtide.models.customer.yearly_value import seats
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.fleet.stats import EVERYBODY
from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.history import History
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.customer_record import Field
from ebbtide.schemas.profile_state import Trait

EVENTS, CRM, MODEL, POLICY, ALERTS, IDENTITY = "events", "crm", "model", "policy", "alerts", "identity"
FLEET = "fleet"


@dataclass
class Sheet:
    """A customer as of grid instant ``day`` (activity of days before it), and its record's fields by name.

    ``fleet`` are the newest statistics of all customers, None before the first.
    """

    customer: Customer
    view: View
    day: int
    policy: CorePolicy
    fleet: Fleet | None
    fields: dict[str, Field] = field(default_factory=dict)

    @cached_property
    def at(self) -> datetime:
        """The instant."""
        return time_of(self.day * DAY_SECONDS)

    def put(self, name: str, value: Any, source: str, as_of: datetime | None = None) -> None:
        """Put a field. ``as_of`` is the instant unless it holds from another time."""
        self.fields[name] = Field.unchecked(value=value, as_of=self.at if as_of is None else as_of, source=source)

    def put_trait(self, name: str, trait: Trait | None) -> None:
        """Put what a fact told, with the fact's own time and source."""
        if trait is None:
            self.put(name, None, CRM)
        else:
            self.put(name, trait.value, trait.source, time_of(trait.at_ms / 1000))

    def state(self, name: str) -> str | None:
        """The customer's state of a name."""
        held = self.customer.states.get(name)
        return None if held is None else held.value

    def since(self, name: str) -> str | None:
        """The day since which a state holds."""
        held = self.customer.states.get(name)
        return None if held is None else date_of(held.since_day)

    @cached_property
    def traits(self) -> Mapping[str, Trait]:
        """Newest values over all profiles."""
        return self.view.traits(self.customer)

    @cached_property
    def people(self) -> dict[str, Share]:
        """What people contribute, by profile; an account's own profile is nobody."""
        return {
            key: share
            for key, share in self.customer.shares.items()
            if not share.detached and is_person(share.subject_type)
        }

    @cached_property
    def history(self) -> History:
        """All dated facts."""
        return self.view.history(self.customer)

    @cached_property
    def uses(self) -> Uses:
        """Uses of modules by people and machines."""
        return Uses(self.view.uses(self.customer, self.day))

    @cached_property
    def seats(self) -> float | None:
        """Licensed seats; None where the CRM's number is none."""
        return seats(self.traits)

    @cached_property
    def modules(self) -> list[str]:
        """Modules on sale: those of the setting, else what customers are seen to use, the most used first."""
        declared = self.policy.adoption.modules
        if declared:
            return list(declared)
        if self.fleet is None:
            return []
        used = self.fleet.of(EVERYBODY).stats.modules
        return sorted(used, key=lambda module: (-used[module], module))


def time_of(second: float) -> datetime:
    """UTC time of epoch seconds."""
    return datetime.fromtimestamp(second, UTC)


def text_of(second: int | None) -> str | None:
    """RFC 3339 of epoch seconds."""
    return None if second is None else time_of(second).isoformat().replace("+00:00", "Z")


def date_of(day: int) -> str:
    """The date of a UTC day number."""
    return time_of(day * DAY_SECONDS).date().isoformat()


def rounded(value: float | None) -> float | None:
    """Four digits are enough for whoever reads it."""
    return None if value is None else round(value, 4)
