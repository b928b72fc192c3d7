"""The door: raw bytes in; accepted, ignored for a reason, or refused with a reason out (design §3.5)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from pydantic import ValidationError

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.identifiers import named_id, strongest
from ebbtide.models.intake.decode import Call, PlainFact, fast, fast_fact
from ebbtide.models.intake.facts import BEHAVIOUR, Fact, heartbeat, native, spend, tracked, tracked_names, traits
from ebbtide.models.intake.people import People, Resolved, identifiers_of, people_of, resolved
from ebbtide.models.intake.refusal import RefusedInputError
from ebbtide.models.policy import IntakePolicy
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.dead_letter import DeadLetter, DeadLetterReason
from ebbtide.schemas.events import Event, EventKind, IdentifierType, Origin, subject_key
from ebbtide.schemas.fleet import ChannelSpend, SourceHeartbeat
from ebbtide.schemas.raw import FACT_ERROR, RawBehaviour, RawFact, RawPunctuation, raw_record

_new, _new_tuple = object.__new__, tuple.__new__
_ACTIVITIES = {"track", "page", "screen"}
# To ask an enumeration for a member takes as long as a call.
_ACTIVITY, _IDENTITY, _FACT = EventKind.ACTIVITY, EventKind.IDENTITY, EventKind.FACT
_GROUP_ID = IdentifierType.GROUP_ID
_MOST_USERS = 65_536
_LAST_MS = 253_402_300_799_000
"""The last second of the calendar."""


@lru_cache(maxsize=64)
def _utc(ms: int) -> datetime:
    # Records come in batches that were appended together.
    return datetime.fromtimestamp(ms / 1000, UTC)


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
        return _utc(self.appended_ms)


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


Verdict = Event | SourceHeartbeat | ChannelSpend | Ignored | Refused | Punctuated
"""An event is an accepted record, and so is a fact about nobody."""


class Door:
    """Judges raw records by one policy. Holds plain values: a policy's own fields are slow to read a million times."""

    __slots__ = (
        "_ahead_ms",
        "_behind_ms",
        "_default_tenant",
        "_facts",
        "_latest",
        "_max_bytes",
        "_now_ms",
        "_policy",
        "_too_new",
    )

    def __init__(self, policy: IntakePolicy, default_tenant: str) -> None:
        self._policy = policy
        self._default_tenant = default_tenant
        self._max_bytes = policy.max_bytes
        self._ahead_ms = policy.max_ahead_seconds * 1000
        self._behind_ms = policy.max_age_days * DAY_MS
        self._facts = tracked_names(policy.product_events)
        self._now_ms, self._too_new = -1, from_ms(0)
        self._latest: dict[str | None, tuple[tuple[str, str | None, People], Resolved]] = {}

    def accept(self, message: RawMessage, now_ms: int) -> Verdict:
        """Judge one raw record.

        ``now_ms``, epoch milliseconds, bounds what may have been received already; the event's own clock is judged
        against its time of receipt (``receivedAt``, else the record's append time), so a record that is sent again
        later is judged the same.
        """
        topic, partition, offset, _, value, appended_ms = message
        if value is None:
            return Ignored("tombstone")
        # What ``Origin(...)`` does, without its Python constructor.
        origin = _new_tuple(Origin, (topic, partition, offset, appended_ms))
        try:
            call: Call | RawBehaviour | None = fast(value) if len(value) <= self._max_bytes else None
            if call is None:
                raw = self._raw(value)
                # By exact type: to ask a pydantic class whether it has an instance is slow.
                if type(raw) is RawPunctuation:
                    return self._punctuation(raw, now_ms)
                if type(raw) is PlainFact or type(raw) is RawFact:
                    received_at = raw.received_at or message.appended_at
                    occurred_ms = self._in_time(raw.occurred_at, received_at, now_ms)
                    tenant = raw.tenant or self._default_tenant
                    return _fact(native(raw), tenant, raw.occurred_at, occurred_ms, received_at, origin)
                call = raw
            received_at = call.received_at or message.appended_at
            occurred_at = call.timestamp or _corrected(call, received_at)
            occurred_ms = self._in_time(occurred_at, received_at, now_ms)
            tenant = call.tenant or self._default_tenant
            kind = self._facts.get(call.event)
            if kind is not None and call.type == "track":
                fact = tracked(call, kind, call.message_id or _named_by(value))
                return _fact(fact, tenant, occurred_at, occurred_ms, received_at, origin)
            return self._behaviour(call, value, tenant, occurred_at, occurred_ms, received_at, origin)
        except RefusedInputError as error:
            return Refused(refuse(message, error.reason, error.detail))

    def _raw(self, value: bytes) -> PlainFact | RawBehaviour | RawFact | RawPunctuation:
        """What is no plain call. Raises ``RefusedInputError``."""
        if len(value) > self._max_bytes:
            raise RefusedInputError(
                DeadLetterReason.TOO_LARGE, f"{len(value)} bytes; at most {self._max_bytes} are accepted"
            )
        return fast_fact(value) or _parse(value)

    def _in_time(self, occurred_at: datetime, received_at: datetime, now_ms: int) -> int:
        """The event time, epoch milliseconds, where it can be. Raises ``RefusedInputError``."""
        occurred_ms = to_ms(occurred_at)
        if now_ms != self._now_ms:
            self._now_ms, self._too_new = now_ms, from_ms(min(now_ms + self._ahead_ms + 1, _LAST_MS))
        # Mostly it was received within a day, and not in the future: then nothing can be wrong.
        if not (received_at - occurred_at).days and received_at < self._too_new:
            return occurred_ms
        received_ms = to_ms(received_at)
        if occurred_ms > received_ms + self._ahead_ms or received_ms > now_ms + self._ahead_ms:
            raise RefusedInputError(
                DeadLetterReason.CLOCK_AHEAD,
                f"event time {occurred_at.isoformat()}, received {received_at.isoformat()}: "
                f"more than {self._policy.max_ahead_seconds} s in the future",
            )
        if occurred_ms < received_ms - self._behind_ms:
            raise RefusedInputError(
                DeadLetterReason.CLOCK_BEHIND,
                f"event time {occurred_at.isoformat()} is more than {self._policy.max_age_days} days "
                "before its receipt",
            )
        return occurred_ms

    def _punctuation(self, raw: RawPunctuation, now_ms: int) -> Verdict:
        if to_ms(raw.to) > now_ms + self._ahead_ms:
            # Time never goes back: one wrong year here would end all others.
            raise RefusedInputError(
                DeadLetterReason.CLOCK_AHEAD,
                f"to: {raw.to.isoformat()} is more than {self._policy.max_ahead_seconds} s in the future",
            )
        return Punctuated(to=raw.to, observe=raw.observe)

    def _behaviour(
        self,
        raw: Call | RawBehaviour,
        value: bytes,
        tenant: str,
        occurred_at: datetime,
        occurred_ms: int,
        received_at: datetime,
        origin: Origin,
    ) -> Verdict:
        call = raw.type
        if call in _ACTIVITIES:
            kind, properties = _ACTIVITY, raw.properties or {}
        else:
            kind, properties = _IDENTITY, traits(call, raw.traits)
        name = raw.event if call == "track" else raw.name or call
        if not name:
            raise RefusedInputError(DeadLetterReason.INVALID, "event: a track call names its event")
        context = raw.context
        if context is None:
            account, source, machine = raw.group_id, None, False
        else:
            account, source, machine = raw.group_id or context.group_id, context.source, context.machine is True
        people = people_of(raw)
        identifiers, subject, key, slot = self._resolved(tenant, account, people)
        if call == "group" and slot is not None:
            identifiers = [*identifiers, slot]
        if subject is None:
            if not account and not any(value is not None for value in people):
                raise RefusedInputError(DeadLetterReason.MISSING_IDENTIFIER, "one of userId and anonymousId is needed")
            if slot is None:
                return Ignored("unresolved")
            subject, identifiers, key = slot, [slot], subject_key(tenant, slot)
        # What ``Event(...)`` does where all is known, without two calls of Python.
        event = _new(Event)
        event.event_id = raw.message_id or _named_by(value)
        event.tenant = tenant
        event.kind = kind
        event.type = call
        event.name = name
        event.occurred_at = occurred_at
        event.received_at = received_at
        event.source = source or BEHAVIOUR
        event.subject = subject
        event.identifiers = identifiers
        event.account = None if slot is None else slot.value
        event.machine = machine
        event.properties = properties
        event.origin = origin
        event.key = key
        event.occurred_ms = occurred_ms
        return event

    def _resolved(self, tenant: str, account: str | None, people: People) -> Resolved:
        """Whom the values name: mostly what the same user's call before named, which is compared faster than hashed."""
        user = people[0] or people[1]
        known = self._latest.get(user)
        if known is not None:
            before, found = known
            if people == before[2] and account == before[1] and tenant == before[0]:
                return found
        found = resolved(tenant, account, *people)
        if len(self._latest) >= _MOST_USERS:
            self._latest.clear()
        self._latest[user] = ((tenant, account, people), found)
        return found


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
            "dead_letter_id": named_id(f"dead-letter/{place}"),
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


def _parse(value: bytes) -> RawBehaviour | RawFact | RawPunctuation:
    try:
        return raw_record.validate_json(value)
    except ValidationError as error:
        raise _explain(value, error) from None


def _explain(value: bytes, error: ValidationError) -> RefusedInputError:
    first = error.errors(include_url=False, include_input=False)[0]
    kind = first["type"]
    if kind == "json_invalid":
        try:
            value.decode()
        except UnicodeDecodeError as bad:
            return RefusedInputError(DeadLetterReason.NOT_UTF8, f"byte {bad.start}: {bad.reason}")
        return RefusedInputError(DeadLetterReason.NOT_JSON, first["msg"])
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return RefusedInputError(DeadLetterReason.UNKNOWN_TYPE, first["msg"])
    if kind == FACT_ERROR:
        return RefusedInputError(DeadLetterReason.INVALID, first["msg"])
    where = ".".join(str(part) for part in first["loc"]) or "record"
    return RefusedInputError(DeadLetterReason.INVALID, f"{where}: {first['msg']}")


def _corrected(raw: Call | RawBehaviour, received_at: datetime) -> datetime:
    """Segment's clock correction, once: ``timestamp = receivedAt - (sentAt - originalTimestamp)`` (identity §1)."""
    if raw.original_timestamp is None:
        return received_at
    original_at = raw.original_timestamp
    if raw.sent_at is None or raw.received_at is None:
        return original_at
    try:
        return raw.received_at - (raw.sent_at - original_at)
    except OverflowError:
        raise RefusedInputError(
            DeadLetterReason.INVALID, f"sentAt: {raw.sent_at.isoformat()} cannot be compared with originalTimestamp"
        ) from None


def _named_by(value: bytes) -> str:
    """HTTP clients may leave the id out; the bytes then name the call, so that a resend is still the same."""
    return "sha-" + blake2b(value, digest_size=16).hexdigest()


def _fact(
    fact: Fact, tenant: str, occurred_at: datetime, occurred_ms: int, received_at: datetime, origin: Origin
) -> Verdict:
    if fact.type == "source.heartbeat":
        return heartbeat(fact, tenant, occurred_at)
    if fact.type == "channel.spend":
        return spend(fact, tenant, occurred_at)
    if not fact.ids:
        raise RefusedInputError(
            DeadLetterReason.MISSING_IDENTIFIER,
            "ids: a CRM fact names its subject, a track call by userId, groupId or ids of the CRM",
        )
    identifiers = identifiers_of(fact.ids)
    subject = strongest(identifiers)
    if subject is None:
        return Ignored("unresolved")
    return Event(
        event_id=fact.id,
        tenant=tenant,
        kind=_FACT,
        type=fact.type,
        name=fact.type,
        occurred_at=occurred_at,
        received_at=received_at,
        source=fact.source,
        subject=subject,
        identifiers=identifiers,
        account=next((one.value for one in identifiers if one.type is _GROUP_ID), None),
        properties=fact.data,
        origin=origin,
        occurred_ms=occurred_ms,
    )
