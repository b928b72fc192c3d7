"""A record of one of our topics as something to push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import msgspec

from ebbtide.schemas.base import as_utc, to_ms
from ebbtide.schemas.deliveries import DeliveryKind
from ebbtide.schemas.topics import Topic

KINDS: Final = {
    Topic.SCORES.topic_name: DeliveryKind.SCORE,
    Topic.ALERTS.topic_name: DeliveryKind.ALERT,
    Topic.CUSTOMER_RECORDS.topic_name: DeliveryKind.RECORD,
}
"""What a record is, by its topic."""
STATES: Final = frozenset((DeliveryKind.SCORE, DeliveryKind.RECORD))
"""Kinds of which only the newest version counts. Every alert counts."""

_IDS = UUID("5a0f6d0e-3f55-5d0c-9a4e-2f1c6f0b7d11")


class Position(NamedTuple):
    """Where a record lies on the bus."""

    topic: str
    partition: int
    offset: int


class UnreadableError(ValueError):
    """A record that is none of this version's."""


class _Score(msgspec.Struct):
    tenant: str
    customer_id: str
    version: int
    occurred_at: str
    tier: str | None = None


class _Reason(msgspec.Struct):
    reason: str


class _Alert(msgspec.Struct):
    tenant: str
    customer_id: str | None
    alert_id: str
    version: int
    occurred_at: str
    kind: str
    type: str
    state: str
    severity: str
    route: str
    suppressed: _Reason | None = None
    deliver_at: str | None = None


class _Value(msgspec.Struct):
    value: Any = None


class _Fields(msgspec.Struct):
    health_tier: _Value = msgspec.field(default_factory=_Value)


class _Anchor(msgspec.Struct):
    type: str
    value: str


class _Record(msgspec.Struct):
    tenant: str
    customer_id: str
    version: int
    anchor: _Anchor
    occurred_at: str = msgspec.field(name="as_of")
    fields: _Fields = msgspec.field(default_factory=_Fields)


_DECODERS: Final[dict[DeliveryKind, Any]] = {
    DeliveryKind.SCORE: msgspec.json.Decoder(_Score),
    DeliveryKind.ALERT: msgspec.json.Decoder(_Alert),
    DeliveryKind.RECORD: msgspec.json.Decoder(_Record),
}
_VERBS = {"open": "opened", "updated": "updated", "resolved": "resolved"}


@dataclass(frozen=True)
class Message:
    """One record, read as far as is needed to choose, order and address it.

    ``key`` is the record's key on the bus: the customer id, or the tenant for an alert about no customer. ``value`` are
    the bytes as they stood, None for a customer that is gone. ``type`` is what receivers know it by. ``not_before_ms``
    is the end of quiet hours, 0 where there are none. ``tier``, ``severity``, ``route``, ``alert_kind`` and
    ``suppressed`` are empty where the kind has none.
    """

    kind: DeliveryKind
    tenant: str
    key: str
    customer_id: str | None
    version: int
    type: str
    occurred_at: str
    source: Position
    appended_ms: int
    value: bytes | None
    alert_id: str = ""
    alert_kind: str = ""
    severity: str = ""
    route: str = ""
    suppressed: str = ""
    tier: str = ""
    anchor_type: str = ""
    anchor_value: str = ""
    not_before_ms: int = 0

    @cached_property
    def id(self) -> str:
        """The same for every attempt, every endpoint and every worker: what receivers know repeats by."""
        named = f"{self.kind}/{self.tenant}/{self.key}/{self.alert_id}/{self.version}"
        return f"msg_{uuid5(_IDS, named).hex}"

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")

    def data(self) -> dict[str, Any]:
        """The record itself; for a customer that is gone what is known of it."""
        if self.value is None:
            return {"tenant": self.tenant, "customer_id": self.customer_id, "version": self.version, "gone": True}
        decoded: dict[str, Any] = msgspec.json.decode(self.value)
        return decoded

    def data_json(self) -> bytes:
        """The same as JSON: the bytes as they stood."""
        return msgspec.json.encode(self.data()) if self.value is None else self.value


def read(source: Position, key: str, value: bytes, appended_ms: int) -> Message:
    """A record of ``scores``, ``alerts`` or ``customer-records``. Raises ``UnreadableError``."""
    decoder = _DECODERS[KINDS[source.topic]]
    try:
        found = decoder.decode(value)
        own = _own(found)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableError(str(error)) from None
    return Message(
        kind=KINDS[source.topic],
        tenant=found.tenant,
        key=key or found.customer_id or found.tenant,
        customer_id=found.customer_id,
        version=found.version,
        occurred_at=found.occurred_at,
        source=source,
        appended_ms=appended_ms,
        value=value,
        **own,
    )


def gone(source: Position, key: str, tenant: str, version: int, appended_ms: int) -> Message:
    """A record of ``customer-records`` without a value: the customer's activity counts for others now."""
    at = datetime.fromtimestamp(appended_ms / 1000, tz=as_utc(datetime(1970, 1, 1)).tzinfo)
    return Message(
        kind=DeliveryKind.RECORD,
        tenant=tenant,
        key=key,
        customer_id=key,
        version=version,
        type="customer_record.gone",
        occurred_at=at.isoformat().replace("+00:00", "Z"),
        source=source,
        appended_ms=appended_ms,
        value=None,
    )


def _own(found: _Score | _Alert | _Record) -> dict[str, Any]:
    """What a message has of its kind alone."""
    if isinstance(found, _Score):
        return {"type": "score.updated", "tier": found.tier or ""}
    if isinstance(found, _Record):
        tier = found.fields.health_tier.value
        return {
            "type": "customer_record.updated",
            "tier": tier if isinstance(tier, str) else "",
            "anchor_type": found.anchor.type,
            "anchor_value": found.anchor.value,
        }
    at = found.deliver_at
    return {
        "type": f"alert.{_VERBS.get(found.state, found.state)}",
        "alert_id": found.alert_id,
        "alert_kind": found.kind,
        "severity": found.severity,
        "route": found.route,
        "suppressed": found.suppressed.reason if found.suppressed else "",
        "not_before_ms": 0 if at is None else to_ms(as_utc(datetime.fromisoformat(at))),
    }
