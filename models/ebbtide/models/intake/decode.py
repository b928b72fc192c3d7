"""Raw bytes into a raw record. The pydantic models of ``ebbtide.schemas.raw`` are the contract and give the verdict.

Nearly all records are well-formed Segment calls, and most others native facts. Those are read by msgspec (1.9 µs
against pydantic's 8.5), which is kept stricter than the contract: whatever it does not take, or could read otherwise,
goes to pydantic. Property tests hold the two together (``tests/models/intake/test_decode.py``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, final

import msgspec
from msgspec import Meta

from ebbtide.schemas.facts import FactError, read
from ebbtide.schemas.raw import FactType

_Name = Annotated[str, Meta(max_length=256)]
_Long = Annotated[str, Meta(max_length=1024)]
_Text = Annotated[str, Meta(min_length=1, max_length=1024)]
_Time = Annotated[datetime, Meta(tz=True)]

# msgspec rounds what is finer than a microsecond, pydantic cuts it off. The digits or the point may also be escaped.
_too_fine = re.compile(rb"\.\d{7}").search
_ESCAPED = b"\\u00"
_HEARTBEAT: FactType = "source.heartbeat"
# jiter, pydantic's reader, takes 200 levels.
_MOST_BRACKETS = 150
# No shorter record has more: each takes two bytes, or five where only objects nest (``{"":}``).
_SHORT, _SHORT_WITHOUT_LISTS = 2 * _MOST_BRACKETS, 5 * _MOST_BRACKETS


class Context(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Like ``RawContext``. Below ``machine``: what Segment's SDKs add and nobody reads."""

    group_id: _Long | None = None
    traits: dict[str, Any] | None = None
    device: dict[str, Any] | None = None
    source: _Name | None = None
    machine: bool | None = None
    active: Any = None
    app: Any = None
    campaign: Any = None
    ip: Any = None
    library: Any = None
    locale: Any = None
    network: Any = None
    os: Any = None
    page: Any = None
    referrer: Any = None
    screen: Any = None
    timezone: Any = None
    user_agent: Any = None
    user_agent_data: Any = None


class Call(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Like ``RawBehaviour``, field by field. Unknown fields are not taken: pydantic knows ours by two names."""

    type: Literal["track", "identify", "group", "page", "screen", "alias"]
    message_id: _Name | None = None
    event: _Name | None = None
    name: _Long | None = None
    user_id: _Long | None = None
    anonymous_id: _Long | None = None
    previous_id: _Long | None = None
    group_id: _Long | None = None
    timestamp: _Time | None = None
    original_timestamp: _Time | None = None
    sent_at: _Time | None = None
    received_at: _Time | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: Context | None = None
    tenant: _Text | None = None
    channel: Any = None
    integrations: Any = None
    project_id: Any = None
    version: Any = None


@final
class PlainFact(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Like ``RawFact``, field by field. Unknown fields are not taken: nobody would look at the bytes of their names."""

    type: FactType
    id: _Text
    occurred_at: _Time
    source: _Text
    received_at: _Time | None = None
    ids: dict[str, _Long] = msgspec.field(default_factory=dict)
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    tenant: _Text | None = None


_read_call, _read_fact = msgspec.json.Decoder(Call).decode, msgspec.json.Decoder(PlainFact).decode


def fast(value: bytes) -> Call | None:
    """The record where it is a plain call and there can be no two opinions about it."""
    try:
        call = _read_call(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    received, timestamp, sent, original = call.received_at, call.timestamp, call.sent_at, call.original_timestamp
    if (
        (received is None or received.tzinfo is UTC)
        and (timestamp is None or timestamp.tzinfo is UTC)
        and (sent is None or sent.tzinfo is UTC)
        and (original is None or original.tzinfo is UTC)
        and _too_fine(value) is None
    ):
        # What ``_is_plain`` says of most, said without a call.
        if len(value) < _SHORT_WITHOUT_LISTS and b"[" not in value and b"\\" not in value:
            return call
        if _is_plain(value):
            return call
    return None


def fast_fact(value: bytes) -> PlainFact | None:
    """The record where it is a plain fact, its fields read as its type declares them, and nothing is wrong with it."""
    try:
        fact = _read_fact(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if fact.occurred_at.tzinfo is not UTC or (fact.received_at is not None and fact.received_at.tzinfo is not UTC):
        return None
    if not _is_plain(value):
        return None
    try:
        fact.data = _fields(fact.type, fact.data)
    except FactError:
        return None
    return fact


def _fields(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    if kind == _HEARTBEAT:
        try:
            return _of_heartbeat(tuple(data), *data.values())
        except TypeError:
            pass  # Lists and objects cannot be kept by.
    return read(kind, data)


@lru_cache(maxsize=256, typed=True)
def _of_heartbeat(names: tuple[str, ...], *values: Any) -> dict[str, Any]:
    """Fields of a heartbeat: a source sends the same again and again. ``true`` is not 1 here. Do not change them."""
    return read(_HEARTBEAT, dict(zip(names, values, strict=True)))


def _is_plain(value: bytes) -> bool:
    """Whether nothing in the bytes is read otherwise by the one or the other: no time too fine, not too deep."""
    # Few records have a backslash at all, and one byte is found faster than four.
    if (b"\\" in value and _ESCAPED in value) or _too_fine(value) is not None:
        return False
    size = len(value)
    if size < _SHORT_WITHOUT_LISTS and (size < _SHORT or b"[" not in value):
        return True
    return value.count(b"{") + value.count(b"[") <= _MOST_BRACKETS
