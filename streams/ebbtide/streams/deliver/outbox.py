"""What is written to Kafka before an offset may be committed: the ledger of deliveries, and what is parked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ebbtide.models.delivery.answer import DETAIL
from ebbtide.models.delivery.dispatch import Settled
from ebbtide.models.delivery.lanes import Waiting
from ebbtide.models.delivery.message import KINDS, Message, Position
from ebbtide.schemas.deliveries import (
    Delivery,
    DeliveryKind,
    DeliveryReason,
    DeliveryRequest,
    DeliveryStatus,
    ParkedDelivery,
)
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.inbox import REQUESTS
from ebbtide.streams.transport import Output

DELIVERIES, PARKED = Topic.DELIVERIES.topic_name, Topic.PARKED_DELIVERIES.topic_name


def delivery(
    endpoint: str, settled: Settled, at_ms: int, *, http_status: int | None = None, duration_s: float = 0.0
) -> Output:
    """The ledger's line for what became of a record."""
    message = settled.waiting.message
    line = Delivery.unchecked(
        endpoint=endpoint,
        customer_id=message.customer_id,
        **_named(message),
        attempt=settled.attempt,
        status=settled.status,
        http_status=http_status,
        reason=settled.reason,
        detail=settled.detail or None,
        occurred_at=from_ms(at_ms),
        duration_seconds=round(duration_s, 6),
    )
    return Output(DELIVERIES, message.key.encode(), line.to_json(), None)


def parked(endpoint: str, waiting: Waiting) -> Output:
    """What waits for later, with all that is needed to go on with it."""
    message = waiting.message
    record = ParkedDelivery(
        endpoint=endpoint,
        **_kept(message),
        appended_at=from_ms(message.appended_ms),
        failures=waiting.failures,
        first_at=None if waiting.first_ms is None else from_ms(waiting.first_ms),
        due_at=from_ms(waiting.due_ms),
        reason=waiting.reason or DeliveryReason.RECORD_FAILED,
        detail=waiting.detail or None,
    )
    return Output(PARKED, parked_key(endpoint, waiting), record.to_json(), message.source.partition)


def requested(endpoint: str, message: Message, at: datetime) -> Output:
    """Somebody wants it sent again."""
    request = DeliveryRequest(endpoint=endpoint, **_kept(message), requested_at=at)
    return Output(REQUESTS, message.key.encode(), request.to_json())


def unparked(endpoint: str, waiting: Waiting) -> Output:
    """It waits no more."""
    return Output(PARKED, parked_key(endpoint, waiting), None, waiting.message.source.partition)


def parked_key(endpoint: str, waiting: Waiting) -> bytes:
    """One for each delivery: who clears it clears no other record, not even when the partition went elsewhere."""
    return f"{endpoint}/{'/'.join(map(str, waiting.message.source))}".encode()


def from_ms(ms: int) -> datetime:
    """Epoch milliseconds as a time."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def unreadable(endpoint: str, source: Position, key: bytes | None, detail: str, at_ms: int) -> Output:
    """The ledger's line for a record that is none of this version's."""
    asked = source.topic not in KINDS
    line = Delivery(
        endpoint=endpoint,
        tenant="unknown",
        customer_id=None if key is None else key.decode("utf-8", "replace"),
        kind=DeliveryKind.RECORD if asked else KINDS[source.topic],
        **_place(source),
        version=0,
        attempt=0,
        status=DeliveryStatus.DEAD,
        http_status=None,
        reason=DeliveryReason.UNREADABLE,
        detail=detail[:DETAIL],
        occurred_at=from_ms(at_ms),
        duration_seconds=0.0,
    )
    return Output(DELIVERIES, key, line.to_json(), None)


def _place(source: Position) -> dict[str, Any]:
    return {"source_topic": source.topic, "source_partition": source.partition, "source_offset": source.offset}


def _named(message: Message) -> dict[str, Any]:
    """By what the ledger and all that is kept know a message."""
    return {
        "tenant": message.tenant,
        "kind": message.kind,
        "version": message.version,
        **_place(message.source),
    }


def _kept(message: Message) -> dict[str, Any]:
    """All that is needed to send it later."""
    value = message.value
    return {**_named(message), "key": message.key, "record": None if value is None else value.decode()}
