"""Salesforce: collections of upserts by an external id, with a verdict for each record, in order.

`PATCH /services/data/vNN.N/composite/sobjects/{object}/{field}` with ``allOrNone`` false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from ebbtide.models.delivery.answer import (
    DELIVERED,
    Answer,
    Blame,
    Verdict,
    by_status,
    error_code,
    record_failed,
    rejected,
    throttled,
)  # fmt: skip
from ebbtide.models.delivery.formats.format import Format
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.properties import identifier, properties
from ebbtide.models.delivery.target import Request, Target, bearer

API = "v62.0"
_LATER = frozenset(
    {
        "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG",
        "STORAGE_LIMIT_EXCEEDED",
    }
)  # fmt: skip
_SETTINGS = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
"""A field or object that is not there, or not for us: every record would fail alike."""
_PAUSE = frozenset({"REQUEST_LIMIT_EXCEEDED", "CONCURRENT_REQUESTS_LIMIT_EXCEEDED"})


def ask(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """Null clears a field."""
    records = [
        {
            "attributes": {"type": target.object},
            target.id_field: identifier(message, target),
            **properties(message, target),
        }
        for message in messages
    ]
    path = f"/services/data/{API}/composite/sobjects/{quote(target.object, safe='')}/{quote(target.id_field, safe='')}"
    body = msgspec.json.encode({"allOrNone": False, "records": records})
    return Request("PATCH", target.url.rstrip("/") + path, bearer(target), body)


def judge(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
    """By each record."""
    whole = by_status(answer)
    results = answer.json()
    if whole is not None:
        codes = {_code(error) for error in _list(results)}
        if answer.status == 403 and codes & _PAUSE:  # what is not allowed now is allowed later
            whole = throttled(answer.text(), answer.retry_after_s)
        elif codes & _SETTINGS:
            whole = replace(whole, blame=Blame.ENDPOINT)
        return [whole] * len(messages)
    if len(_list(results)) != len(messages):
        return [error_code(f"not a result for every record: {answer.text()}", Blame.REQUEST)] * len(messages)
    return [_verdict(result) for result in results]


def _verdict(result: Any) -> Verdict:
    if isinstance(result, dict) and result.get("success") is True:
        return DELIVERED
    errors = _list(result.get("errors") if isinstance(result, dict) else None)
    codes = {_code(error) for error in errors}
    said = "; ".join(f"{_code(error)}: {error.get('message', '')}" for error in errors if isinstance(error, dict))
    if codes & _PAUSE:
        return throttled(said)
    if codes & _SETTINGS:
        return error_code(said)
    return record_failed(said) if codes & _LATER or not codes else rejected(said)


def _code(error: Any) -> str:
    return str(error.get("statusCode") or error.get("errorCode") or "") if isinstance(error, dict) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


SALESFORCE = Format(ask, judge, most=200, crm=True, per_second=10.0, burst=20)
