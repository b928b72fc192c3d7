"""The normalised event: one accepted input, whatever format it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from ebbtide.schemas.base import SlottedContract, Text, UtcDatetime, to_ms


class IdentifierType(StrEnum):
    """Kinds of identifiers, people first and strongest first, then accounts (identity §1)."""

    USER_ID = "user_id"
    CRM_CONTACT_ID = "crm_contact_id"
    EMAIL = "email"
    PHONE = "phone"
    CRM_LEAD_ID = "crm_lead_id"
    DEVICE_ID = "device_id"
    ANONYMOUS_ID = "anonymous_id"
    GROUP_ID = "group_id"
    CRM_ACCOUNT_ID = "crm_account_id"
    BILLING_ID = "billing_id"
    DOMAIN = "domain"


@dataclass(slots=True, eq=False)
class Identifier(SlottedContract):
    """A typed value that names a person or an account within one tenant."""

    type: IdentifierType
    value: Text
    # ``type/value``. It follows from the rest and does not go on the wire; it is kept because every stage asks for it.
    key: Annotated[str, Field(exclude=True)] = ""

    def __post_init__(self) -> None:
        if not self.key:
            self.key = f"{self.type}/{self.value}"

    # Compared and hashed for every event; a dataclass's own make tuples of all fields.
    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Identifier) and self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=4_096)
def path_segment(tenant: str) -> str:
    """The tenant as one segment of a path: a slash in its name must not reach into another tenant's keys."""
    return tenant.replace("%", "%25").replace("/", "%2F")


def subject_key(tenant: str, subject: Identifier) -> str:
    """Key of the subject on ``events``: ``tenant/type/value``."""
    return f"{path_segment(tenant)}/{subject.key}"


_UNKNOWN = -(2**63)


class EventKind(StrEnum):
    """What an event does to a profile."""

    ACTIVITY = "activity"
    IDENTITY = "identity"
    FACT = "fact"


class Origin(NamedTuple):
    """The raw record an event was made from. Lets the reader drop what a crashed writer sent twice."""

    topic: str
    partition: int
    offset: int
    appended_ms: int


@dataclass(slots=True)
class Event(SlottedContract):
    """One accepted input. Topic ``events``, keyed by the subject identifier.

    ``type`` is the Segment verb or the dotted fact type; ``name`` the name of the event (``login``) or page.
    ``subject`` is the strongest identifier, ``identifiers`` are all of them, ``account`` is the slot it counts for.
    ``machine`` marks use by an API key or integration, which is no sign of life of a human.
    """

    event_id: Text
    tenant: Text
    kind: EventKind
    type: Text
    name: str
    occurred_at: UtcDatetime
    received_at: UtcDatetime
    source: str
    subject: Identifier
    identifiers: list[Identifier]
    account: str | None = None
    machine: bool = False
    properties: dict[str, Any] = field(default_factory=dict)
    origin: Origin | None = None
    # Key on the topic (that of the subject) and event time in epoch milliseconds. They follow from the rest and do not
    # go on the wire; they are kept because every stage asks for them.
    key: Annotated[str, Field(exclude=True)] = ""
    occurred_ms: Annotated[int, Field(exclude=True)] = _UNKNOWN

    def __post_init__(self) -> None:
        if not self.key:
            self.key = subject_key(self.tenant, self.subject)
        if self.occurred_ms == _UNKNOWN:
            self.occurred_ms = to_ms(self.occurred_at)
