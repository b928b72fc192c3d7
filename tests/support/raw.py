"""Raw records as producers send them, by the day: day 0 is Monday, 2025-01-06."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import RAW, Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas import raw
from ebbtide.schemas.alert import Alert, AlertCandidate
from ebbtide.schemas.base import to_ms

MONDAY = datetime(2025, 1, 6, tzinfo=UTC)
DAY_0 = to_ms(MONDAY) // 86_400_000
NOW = datetime(2026, 6, 1, tzinfo=UTC)
"""When everything is read: all of it is history."""


def at(day: float, second: int = 0) -> datetime:
    """A point in time."""
    return MONDAY + timedelta(days=day, seconds=second)


def iso(when: datetime) -> str:
    """RFC 3339."""
    return when.isoformat().replace("+00:00", "Z")


def track(name: str, when: datetime, message_id: str, *, user: str = "u1", **fields: Any) -> dict[str, Any]:
    """A ``track`` call of a user."""
    body = {"type": "track", "event": name, "userId": user, "messageId": message_id, "timestamp": iso(when)}
    return {**body, **fields}


def in_account(account: str) -> dict[str, Any]:
    """The fields that say for which account something was done."""
    return {"context": {"groupId": account}}


def fact(kind: str, when: datetime, fact_id: str, ids: dict[str, str], /, **data: Any) -> dict[str, Any]:
    """A CRM fact."""
    return {"type": kind, "id": fact_id, "occurred_at": iso(when), "source": "crm", "ids": ids, "data": data}


def punctuation(when: datetime, *, observe: bool = True) -> dict[str, Any]:
    """The end of a backfill."""
    return {"type": "watermark.advanced", "to": iso(when), "observe": observe}


def messages(bodies: Iterable[dict[str, Any]], first_offset: int = 0) -> list[RawMessage]:
    """Records in their order in one raw partition."""
    return [
        RawMessage(RAW, 0, offset, None, json.dumps(body).encode(), to_ms(NOW))
        for offset, body in enumerate(bodies, first_offset)
    ]


def run(bodies: Iterable[dict[str, Any]], until: datetime, policy: CorePolicy | None = None) -> list[Output]:
    """Everything that leaves the topology by ``until``."""
    pipeline = Pipeline(policy or CorePolicy())
    outputs = list(pipeline.feed(messages(bodies), now=NOW))
    return outputs + list(pipeline.close(until))


def without_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fields of facts in as they come: tables hold what came before they were checked."""
    monkeypatch.setattr(raw, "read", lambda _kind, data: data)


def alerts_of(outputs: Iterable[Output]) -> list[Alert]:
    """The alerts among the outputs; of a customer partition alone its candidates."""
    told = (output.record for output in outputs)
    found = (record.alert if isinstance(record, AlertCandidate) else record for record in told)
    return [record for record in found if isinstance(record, Alert)]


def story(outputs: Iterable[Output]) -> list[tuple[str, str, float]]:
    """Alerts as ``(type, state, day)``."""
    return [
        (alert.type.value, alert.state.value, round((alert.occurred_at - MONDAY) / timedelta(days=1), 4))
        for alert in alerts_of(outputs)
    ]
