"""Records of our topics as what an endpoint is to be sent."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ebbtide.models.delivery.lanes import Waiting
from ebbtide.models.delivery.message import KINDS, Message, Position, UnreadableError, gone, read
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.deliveries import DeliveryRequest, ParkedDelivery
from ebbtide.schemas.topics import Topic
from ebbtide.streams.codec import TENANT_HEADER, VERSION_HEADER

REQUESTS = Topic.DELIVERY_REQUESTS.topic_name


def from_record(record: Any) -> Message:
    """A record of aiokafka's from one of the delivered topics. Raises ``UnreadableError``."""
    source = Position(record.topic, record.partition, record.offset)
    key = (record.key or b"").decode("utf-8", "replace")
    if record.value is not None:
        return read(source, key, record.value, record.timestamp)
    headers = dict(record.headers)
    tenant, version = headers.get(TENANT_HEADER, b"").decode(), headers.get(VERSION_HEADER, b"")
    if not key or not tenant or not version.isdigit():
        raise UnreadableError(f"record without a value, and without key, {TENANT_HEADER} or {VERSION_HEADER}")
    return gone(source, key, tenant, int(version), record.timestamp)


def from_request(record: Any, endpoint: str) -> Message | None:
    """What somebody wants sent again; None where another endpoint is meant. Raises ``UnreadableError``."""
    try:
        request = DeliveryRequest.from_json(record.value or b"")
    except ValidationError as error:
        raise UnreadableError(str(error.errors()[0]["msg"])) from None
    # Its age is that of the request: who asks for an old alert wants it.
    return _stored(request, record.timestamp) if request.endpoint == endpoint else None


def from_parked(value: bytes) -> Waiting:
    """What waited for later when somebody stopped. Raises ``UnreadableError``."""
    try:
        stored = ParkedDelivery.from_json(value)
    except ValidationError as error:
        raise UnreadableError(str(error.errors()[0]["msg"])) from None
    return Waiting(
        message=_stored(stored, to_ms(stored.appended_at)),
        cursor=None,
        due_ms=to_ms(stored.due_at),
        failures=stored.failures,
        first_ms=None if stored.first_at is None else to_ms(stored.first_at),
        reason=stored.reason,
        detail=stored.detail,
        parked=True,
    )


def _stored(stored: ParkedDelivery | DeliveryRequest, appended_ms: int) -> Message:
    source = Position(stored.source_topic, stored.source_partition, stored.source_offset)
    if source.topic not in KINDS:
        raise UnreadableError(f"{source.topic} is no topic that is delivered")
    if stored.record is None:
        return gone(source, stored.key, stored.tenant, stored.version, appended_ms)
    return read(source, stored.key, stored.record.encode(), appended_ms)
