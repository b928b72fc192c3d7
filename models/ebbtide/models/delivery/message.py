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
    as_of: str
    anchor: _Anchor
    fields: _Fields = msgspec.field(default_factory=_Fields)


_score = msgspec.json.Decoder(_Score)
_alert = msgspec.json.Decoder(_Alert)
_record = msgspec.json.Decoder(_Record)
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
    try:
        kind = KINDS[source.topic]
        if kind is DeliveryKind.SCORE:
            return _of_score(_score.decode(value), source, key, value, appended_ms)
        if kind is DeliveryKind.ALERT:
            return _of_alert(_alert.decode(value), source, key, value, appended_ms)
        return _of_record(_record.decode(value), source, key, value, appended_ms)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableError(str(error)) from None


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


def _of_score(score: _Score, source: Position, key: str, value: bytes, appended_ms: int) -> Message:
    return Message(
        kind=DeliveryKind.SCORE,
        tenant=score.tenant,
        key=key or score.customer_id,
        customer_id=score.customer_id,
        version=score.version,
        type="score.updated",
        occurred_at=score.occurred_at,
        source=source,
        appended_ms=appended_ms,
        value=value,
        tier=score.tier or "",
    )


def _of_alert(alert: _Alert, source: Position, key: str, value: bytes, appended_ms: int) -> Message:
    deliver_at = alert.deliver_at
    return Message(
        kind=DeliveryKind.ALERT,
        tenant=alert.tenant,
        key=key or alert.customer_id or alert.tenant,
        customer_id=alert.customer_id,
        version=alert.version,
        type=f"alert.{_VERBS.get(alert.state, alert.state)}",
        occurred_at=alert.occurred_at,
        source=source,
        appended_ms=appended_ms,
        value=value,
        alert_id=alert.alert_id,
        alert_kind=alert.kind,
        severity=alert.severity,
        route=alert.route,
        suppressed=alert.suppressed.reason if alert.suppressed else "",
        not_before_ms=0 if deliver_at is None else to_ms(as_utc(datetime.fromisoformat(deliver_at))),
    )


def _of_record(record: _Record, source: Position, key: str, value: bytes, appended_ms: int) -> Message:
    tier = record.fields.health_tier.value
    return Message(
        kind=DeliveryKind.RECORD,
        tenant=record.tenant,
        key=key or record.customer_id,
        customer_id=record.customer_id,
        version=record.version,
        type="customer_record.updated",
        occurred_at=record.as_of,
        source=source,
        appended_ms=appended_ms,
        value=value,
        tier=tier if isinstance(tier, str) else "",
        anchor_type=record.anchor.type,
        anchor_value=record.anchor.value,
    )
