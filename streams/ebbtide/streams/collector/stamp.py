"""What the door adds to a Segment call: receipt, tenant, corrected time, an id. All of it once, and here only."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from ebbtide.schemas.base import UtcDatetime
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.streams.collector.items import Arrival, Bad, Item, Record

_times: TypeAdapter[datetime] = TypeAdapter(UtcDatetime)
_OF_THE_SENDING = ("sentAt", "_flush_time", "writeKey")
"""Fields that another attempt to send the same event changes."""


def named_by(event: dict[str, Any], *, apart: str = "") -> str:
    """An id for an event that has none: of its canonical JSON, so that sending it again is the same event.

    Raises ``TypeError`` where it lies too deep to be written.
    """
    kept = {name: value for name, value in event.items() if name not in _OF_THE_SENDING}
    canonical = orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
    return "sha-" + blake2b(canonical + apart.encode(), digest_size=16).hexdigest()


def stamped(call: Record, original: dict[str, Any], index: int, arrival: Arrival, *, sent_at: Any = None) -> Item:
    """The call as it is stored, or why it is refused. ``original`` is the event as it came, ``index`` its place.

    Segment's clock correction: ``timestamp = receivedAt - (sentAt - originalTimestamp)``, where the client told both.
    Intake takes a ``timestamp`` as it is, so nothing is corrected twice. Times that cannot be read stay as they are:
    intake's own word on them is the clearest.
    """
    if arrival.tenant is not None:
        named = call.get("tenant")
        if named is not None and named != arrival.tenant:
            return Bad(DeadLetterReason.INVALID, f"tenant: the key is one of tenant {arrival.tenant}; leave it out")
        call["tenant"] = arrival.tenant
    received_at = arrival.received_at
    own_time = call.get("originalTimestamp") or call.pop("timestamp", None)
    call.pop("timestamp", None)
    sent_at = call.get("sentAt") or sent_at
    call["receivedAt"] = received_at
    if own_time is not None:
        call["originalTimestamp"] = own_time
        _correct(call, own_time, sent_at, received_at)
    elif sent_at is not None:
        call["sentAt"] = sent_at
    if not call.get("messageId"):
        # Without a time of its own, the same action an hour later looks the same: then each receipt is an event.
        apart = "" if own_time is not None else f"{arrival.received_ms}/{index}"
        try:
            call["messageId"] = named_by(original, apart=apart)
        except TypeError as error:
            return Bad(DeadLetterReason.INVALID, f"event: {error}")
    return call


def _correct(call: Record, own_time: Any, sent_at: Any, received_at: datetime) -> None:
    try:
        original_at = _times.validate_python(own_time)
    except ValidationError:
        return
    if sent_at is not None:
        call["sentAt"] = sent_at
    with suppress(ValidationError, OverflowError):
        call["timestamp"] = _corrected(original_at, sent_at, received_at)


def happened_at(own_time: Any, sent_at: Any, received_at: datetime) -> datetime:
    """When something happened, as ``stamped`` has it; the time of receipt where nobody tells.

    Raises ``ValidationError`` or ``OverflowError`` where the client's times cannot be read.
    """
    return received_at if own_time is None else _corrected(_times.validate_python(own_time), sent_at, received_at)


def _corrected(original_at: datetime, sent_at: Any, received_at: datetime) -> datetime:
    return original_at if sent_at is None else received_at - (_times.validate_python(sent_at) - original_at)


def written(record: Record) -> bytes:
    """The record as it goes to the topic. Raises ``TypeError`` for what JSON has no form for (numbers too large)."""
    return orjson.dumps(record, option=orjson.OPT_UTC_Z)
