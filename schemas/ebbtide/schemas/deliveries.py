"""What became of records that are pushed to endpoints: every attempt, what waits, what is to be sent again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ebbtide.schemas.base import Contract, Text, UtcDatetime

EndpointName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""Name of an endpoint in the settings: small letters, digits and dashes."""


class DeliveryKind(StrEnum):
    """What is pushed: a record of topic ``scores``, ``alerts`` or ``customer-records``."""

    SCORE = "score"
    ALERT = "alert"
    RECORD = "record"


class DeliveryStatus(StrEnum):
    """What an attempt came to. ``delivered``, ``coalesced`` and ``dead`` are final."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    COALESCED = "coalesced"
    PARKED = "parked"
    DEAD = "dead"


class DeliveryReason(StrEnum):
    """Why it is not delivered (yet)."""

    # The endpoint did not answer, or not as one that took it.
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    BLOCKED_ADDRESS = "blocked_address"
    TRUNCATED = "truncated"
    REDIRECTED = "redirected"
    RATE_LIMITED = "rate_limited"
    GONE = "gone"
    UNAUTHORISED = "unauthorised"
    HTTP_STATUS = "http_status"
    ERROR_CODE = "error_code"
    # It took the request and not this record, now or ever.
    RECORD_FAILED = "record_failed"
    REJECTED = "rejected"
    # Ebbtide decided.
    SUPERSEDED = "superseded"
    QUIET_HOURS = "quiet_hours"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    NO_ROOM = "no_room"


class Delivery(Contract):
    """Topic ``deliveries``, keyed by customer id: one attempt to push a record to an endpoint, or its end without one.

    ``source_topic``, ``source_partition`` and ``source_offset`` say which record it was; with ``endpoint`` they name
    one delivery. ``attempt`` counts from 1; 0 where none was made: a newer version took the place of this one, or it
    waits for the end of quiet hours. ``http_status`` is null where there was no answer; ``detail`` is the beginning of
    what the endpoint said, or what was wrong. ``customer_id`` is null for an alert about no customer.
    """

    endpoint: EndpointName
    tenant: Text
    customer_id: str | None
    kind: DeliveryKind
    source_topic: Text
    source_partition: int
    source_offset: int
    version: int
    attempt: int
    status: DeliveryStatus
    http_status: int | None
    reason: DeliveryReason | None
    detail: str | None = None
    occurred_at: UtcDatetime
    duration_seconds: float


class ParkedDelivery(Contract):
    """Topic ``parked-deliveries``, compacted, keyed by endpoint and source position: a record that waits for later.

    It lies in the partition of its source. Its source's offset is committed, so that it holds back nobody else; a null
    value says that it waits no more. ``record`` is the source's value as it stood, null for a customer that is gone.
    ``failures`` counts the attempts so far, ``first_at`` is when the first of them began and ``due_at`` when the next
    is due. ``appended_at`` is the broker's time of the source record.
    """

    endpoint: EndpointName
    tenant: Text
    key: str
    kind: DeliveryKind
    source_topic: Text
    source_partition: int
    source_offset: int
    version: int
    appended_at: UtcDatetime
    record: str | None
    failures: int
    first_at: UtcDatetime | None
    due_at: UtcDatetime
    reason: DeliveryReason
    detail: str | None = None


class DeliveryRequest(Contract):
    """Topic ``delivery-requests``, keyed by customer id: somebody wants a record sent to an endpoint again."""

    endpoint: EndpointName
    tenant: Text
    key: str
    kind: DeliveryKind
    source_topic: Text
    source_partition: int
    source_offset: int
    version: int
    record: str | None
    requested_at: UtcDatetime


class EndpointState(Contract):
    """Topic ``endpoint-states``, compacted, keyed by endpoint: whether an endpoint is sent anything.

    One that answered 410 Gone is ``disabled`` until an operator enables it. ``address`` is a hash of the address that
    answered, for another address was not meant; ``detail`` is the beginning of what it said.
    """

    endpoint: EndpointName
    disabled: bool
    address: Text
    detail: str | None = None
    decided_at: UtcDatetime
