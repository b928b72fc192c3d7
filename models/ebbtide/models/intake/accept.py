"""The door: raw bytes in; accepted, ignored for a reason, or refused with a reason out (design §3.5)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import uuid5

from pydantic import ValidationError

from ebbtide.models.identity.identifiers import NAMESPACE, identifier, is_person, strongest
from ebbtide.models.intake.decode import Call, decode
from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.dead_letter import DeadLetter, DeadLetterReason
from ebbtide.schemas.events import Event, EventKind, Identifier, IdentifierType, Origin, subject_key
from ebbtide.schemas.raw import RawBehaviour, RawFact, RawPunctuation

_ACTIVITY = {"track", "page", "screen"}
_TYPES = {kind.value for kind in IdentifierType}
_NO_SUBJECT = {"source.heartbeat", "channel.spend"}


class RawMessage(NamedTuple):
    """One raw record with where and when it was appended."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    appended_ms: int

    @property
    def appended_at(self) -> datetime:
        """When the broker (or the file's reader) took the record."""
        return datetime.fromtimestamp(self.appended_ms / 1000, UTC)


class Accepted(NamedTuple):
    """An event for the stream."""

    event: Event


@dataclass(frozen=True, slots=True)
class Ignored:
    """A valid record that changes nothing, with the reason it is counted under."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A bad record, wrapped for the dead letters."""

    dead_letter: DeadLetter


@dataclass(frozen=True, slots=True)
class Punctuated:
    """The producer says that nothing older than ``to`` follows in this raw partition."""

    to: datetime
    observe: bool


Verdict = Accepted | Ignored | Refused | Punctuated


class _RefusedInputError(Exception):
    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def accept(message: RawMessage, *, now: datetime, default_tenant: str, policy: IntakePolicy) -> Verdict:
    """Judge one raw record.

    ``now`` bounds what may have been received already; the event's own clock is judged against its time of receipt
    (``receivedAt``, else the record's append time), so a record that is sent again later is judged the same.
    """
    try:
        return _accept(message, now, default_tenant, policy)
    except _RefusedInputError as error:
        return Refused(refuse(message, error.reason, error.detail))


def refuse(message: RawMessage, reason: DeadLetterReason, detail: str) -> DeadLetter:
    """Wrap a record, bytes unchanged. The id depends on where the record lies, so a repeat is the same letter."""
    value = message.value or b""
    try:
        original, encoding = value.decode(), "utf-8"
    except UnicodeDecodeError:
        original, encoding = base64.b64encode(value).decode(), "base64"
    place = f"{message.topic}/{message.partition}/{message.offset}"
    return DeadLetter.model_validate(
        {
            "dead_letter_id": str(uuid5(NAMESPACE, f"dead-letter/{place}")),
            "reason": reason,
            "detail": detail[:2_000],
            "original": original,
            "encoding": encoding,
            "key": None if message.key is None else message.key.decode("utf-8", "backslashreplace"),
            "topic": message.topic,
            "partition": message.partition,
            "offset": message.offset,
            "received_at": message.appended_at,
        }
    )


def _accept(message: RawMessage, now: datetime, default_tenant: str, policy: IntakePolicy) -> Verdict:
    value = message.value
    if value is None:
        return Ignored("tombstone")
    if len(value) > policy.max_bytes:
        raise _RefusedInputError(
            DeadLetterReason.TOO_LARGE, f"{len(value)} bytes; at most {policy.max_bytes} are accepted"
        )
    raw = _parse(value)
    if isinstance(raw, RawPunctuation):
        if raw.to - now > timedelta(seconds=policy.max_ahead_seconds):
            # Time never goes back: one wrong year here would end all others.
            raise _RefusedInputError(
                DeadLetterReason.CLOCK_AHEAD,
                f"to: {raw.to.isoformat()} is more than {policy.max_ahead_seconds} s in the future",
            )
        return Punctuated(to=raw.to, observe=raw.observe)
    origin = Origin(message.topic, message.partition, message.offset, message.appended_ms)
    received_at = raw.received_at or message.appended_at
    if isinstance(raw, Call | RawBehaviour):
        occurred_at = _behaviour_time(raw, received_at)
        _check_clock(occurred_at, received_at, now, policy)
        return _behaviour(
            raw,
            value,
            occurred_at=occurred_at,
            received_at=received_at,
            default_tenant=default_tenant,
            origin=origin,
        )
    _check_clock(raw.occurred_at, received_at, now, policy)
    return _fact(raw, received_at, default_tenant, origin)


def _parse(value: bytes) -> Call | RawBehaviour | RawFact | RawPunctuation:
    try:
        return decode(value)
    except ValidationError as error:
        raise _explain(value, error) from None


def _explain(value: bytes, error: ValidationError) -> _RefusedInputError:
    first = error.errors(include_url=False, include_input=False)[0]
    kind = first["type"]
    if kind == "json_invalid":
        try:
            value.decode()
        except UnicodeDecodeError as bad:
            return _RefusedInputError(DeadLetterReason.NOT_UTF8, f"byte {bad.start}: {bad.reason}")
        return _RefusedInputError(DeadLetterReason.NOT_JSON, first["msg"])
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _RefusedInputError(DeadLetterReason.UNKNOWN_TYPE, first["msg"])
    where = ".".join(str(part) for part in first["loc"]) or "record"
    return _RefusedInputError(DeadLetterReason.INVALID, f"{where}: {first['msg']}")


def _behaviour_time(raw: Call | RawBehaviour, received_at: datetime) -> datetime:
    """Segment's clock correction, once: ``timestamp = receivedAt - (sentAt - originalTimestamp)`` (identity §1)."""
    if raw.timestamp is not None:
        return raw.timestamp
    if raw.original_timestamp is None:
        return received_at
    original_at = raw.original_timestamp
    if raw.sent_at is None or raw.received_at is None:
        return original_at
    try:
        return raw.received_at - (raw.sent_at - original_at)
    except OverflowError:
        raise _RefusedInputError(
            DeadLetterReason.INVALID, f"sentAt: {raw.sent_at.isoformat()} cannot be compared with originalTimestamp"
        ) from None


@lru_cache(maxsize=8)
def _clock_bounds(max_ahead_seconds: int, max_age_days: int) -> tuple[timedelta, timedelta]:
    return timedelta(seconds=max_ahead_seconds), timedelta(days=max_age_days)


def _check_clock(occurred_at: datetime, received_at: datetime, now: datetime, policy: IntakePolicy) -> None:
    ahead, behind = _clock_bounds(policy.max_ahead_seconds, policy.max_age_days)
    if occurred_at - received_at > ahead or received_at - now > ahead:
        raise _RefusedInputError(
            DeadLetterReason.CLOCK_AHEAD,
            f"event time {occurred_at.isoformat()}, received {received_at.isoformat()}: "
            f"more than {policy.max_ahead_seconds} s in the future",
        )
    if received_at - occurred_at > behind:
        raise _RefusedInputError(
            DeadLetterReason.CLOCK_BEHIND,
            f"event time {occurred_at.isoformat()} is more than {policy.max_age_days} days before its receipt",
        )


def _behaviour(
    raw: Call | RawBehaviour,
    value: bytes,
    *,
    occurred_at: datetime,
    received_at: datetime,
    default_tenant: str,
    origin: Origin,
) -> Verdict:
    call = raw.type
    kind = EventKind.ACTIVITY if call in _ACTIVITY else EventKind.IDENTITY
    name = raw.event if call == "track" else raw.name or call
    if not name:
        raise _RefusedInputError(DeadLetterReason.INVALID, "event: a track call names its event")
    context = raw.context
    account = raw.group_id or (context.group_id if context is not None else None)
    tenant = raw.tenant or default_tenant
    identifiers, subject, key = _resolved(tenant, *_people(raw))
    slot = identifier(IdentifierType.GROUP_ID, account) if account else None
    if call == "group" and slot is not None:
        identifiers = [*identifiers, slot]
    if subject is None:
        if not account and not any(value is not None for value in _people(raw)):
            raise _RefusedInputError(DeadLetterReason.MISSING_IDENTIFIER, "one of userId and anonymousId is needed")
        if slot is None:
            return Ignored("unresolved")
        subject, identifiers, key = slot, [slot], subject_key(tenant, slot)
    event = Event.unchecked(
        # HTTP clients may leave the id out; the bytes then name the call, so that a resend is still the same.
        event_id=raw.message_id or "sha-" + blake2b(value, digest_size=16).hexdigest(),
        tenant=tenant,
        kind=kind,
        type=call,
        name=name,
        occurred_at=occurred_at,
        received_at=received_at,
        source=(context.source if context is not None else None) or "behaviour",
        subject=subject,
        identifiers=identifiers,
        account=slot.value if slot is not None else None,
        machine=context is not None and context.machine is True,
        properties=(raw.properties if kind is EventKind.ACTIVITY else raw.traits) or {},
        origin=origin,
    )
    # Fill the cached properties: a key is made once per person, not once per event and stage.
    cached = event.__dict__
    cached["key"], cached["occurred_ms"] = key, to_ms(occurred_at)
    return Accepted(event)


_Reachable = tuple[str | None, str | None]
_NOWHERE: _Reachable = (None, None)
_People = tuple[str | None, str | None, str | None, str | None, str | None, str | None, str | None, str | None]
_PEOPLE = (
    IdentifierType.USER_ID,
    IdentifierType.ANONYMOUS_ID,
    IdentifierType.ANONYMOUS_ID,
    IdentifierType.EMAIL,
    IdentifierType.PHONE,
    IdentifierType.EMAIL,
    IdentifierType.PHONE,
    IdentifierType.DEVICE_ID,
)


def _people(raw: Call | RawBehaviour) -> _People:
    """Raw person values of a call, typed by ``_PEOPLE``: ids, and e-mail, phone and device where the SDK puts them."""
    email, phone = _reachable(raw.traits) if raw.type == "identify" else _NOWHERE
    context = raw.context
    if context is None:
        return raw.user_id, raw.anonymous_id, raw.previous_id, email, phone, None, None, None
    known_email, known_phone = _reachable(context.traits)
    device = context.device.get("id") if context.device else None
    if not isinstance(device, str):
        device = None
    return raw.user_id, raw.anonymous_id, raw.previous_id, email, phone, known_email, known_phone, device


def _reachable(traits: dict[str, Any] | None) -> _Reachable:
    if not traits:
        return _NOWHERE
    email, phone = traits.get("email"), traits.get("phone")
    return email if isinstance(email, str) else None, phone if isinstance(phone, str) else None


@lru_cache(maxsize=262_144)
def _resolved(tenant: str, *people: str | None) -> tuple[list[Identifier], Identifier | None, str]:
    """Identifiers, subject and its key. A person's calls bring the same values; do not change the list."""
    identifiers = _identifiers((kind, value) for kind, value in zip(_PEOPLE, people, strict=True) if value is not None)
    subject = strongest(identifiers)
    return identifiers, subject, "" if subject is None else subject_key(tenant, subject)


def _identifiers(raw: Iterable[tuple[IdentifierType, str]]) -> list[Identifier]:
    found: list[Identifier] = []
    for kind, value in raw:
        named = identifier(kind, value)
        if named is not None and named not in found:
            found.append(named)
    return found


def _fact(raw: RawFact, received_at: datetime, default_tenant: str, origin: Origin) -> Verdict:
    if raw.type in _NO_SUBJECT:
        return Ignored(raw.type)
    values: list[tuple[IdentifierType, str]] = []
    for kind, value in raw.ids.items():
        if kind not in _TYPES:
            raise _RefusedInputError(DeadLetterReason.INVALID, f"ids.{kind}: no such identifier type")
        values.append((IdentifierType(kind), value))
    if not values:
        raise _RefusedInputError(DeadLetterReason.MISSING_IDENTIFIER, "ids: a CRM fact names its subject")
    identifiers = _identifiers(values)
    subject = strongest(identifiers)
    if subject is None:
        return Ignored("unresolved")
    slots = [i for i in identifiers if not is_person(i.type)]
    group = next((i.value for i in slots if i.type is IdentifierType.GROUP_ID), None)
    return Accepted(
        Event.unchecked(
            event_id=raw.id,
            tenant=raw.tenant or default_tenant,
            kind=EventKind.FACT,
            type=raw.type,
            name=raw.type,
            occurred_at=raw.occurred_at,
            received_at=received_at,
            source=raw.source,
            subject=subject,
            identifiers=identifiers,
            account=group,
            properties=raw.data,
            origin=origin,
        )
    )
