"""Fxiaoke (纷享销客): one object a request, logged in by the token in the body; 200 with ``errorCode`` is a failure.

`POST /cgi/crm/v2/data/update`. Codes: 0 is well. What goes with them in words changes, and nothing is to be read out
of it: https://developer.fxiaoke.com/openapi_v2/start/guide/codes.html.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from ebbtide.models.customer.fields import FIELDS
from ebbtide.models.delivery.answer import (
    DELIVERED,
    Answer,
    Blame,
    Verdict,
    by_status,
    error_code,
    throttled,
    unauthorised,
)  # fmt: skip
from ebbtide.models.delivery.formats.format import Format
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.properties import identifier, properties
from ebbtide.models.delivery.target import Request, Target, json_headers
from ebbtide.schemas.base import as_utc, to_ms

UNAUTHORISED: Final = frozenset({15003, 20005, 20006, 20012, 20014, 20015, 20016, 20017, 20020, 20021, 20022, 30003})
"""Token, application or quota; 20016 is a token that ended. The gateway says 20017 to one without a token."""
BUSY: Final = frozenset({-1, -2, 50009})
PAUSES_S: Final = {14001: 20.0, 30004: 20.0, 30002: 3_600.0}
"""Too often within seconds; 30002 is the day's quota, which begins anew at midnight."""
TIMES: Final = frozenset(field.name for field in FIELDS if field.unit == "time") | {
    "scored_at",
    "alerted_at",
    "record_as_of",
}


def ask(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """The object is named by its id in the CRM. Times are epoch milliseconds there."""
    (message,) = messages
    times = {name for name, field in target.properties if field in TIMES}
    data = {
        "dataObjectApiName": target.object,
        target.id_field: identifier(message, target),
        **{name: _ms(value) if name in times else value for name, value in properties(message, target).items()},
    }
    body = {
        "corpAccessToken": target.token,
        "corpId": target.corp_id,
        "currentOpenUserId": target.user_id,
        "data": {"object_data": data},
    }
    # Objects of users' own have a path of their own.
    path = "/cgi/crm/custom/v2/data/update" if target.object.endswith("__c") else "/cgi/crm/v2/data/update"
    url = f"{target.url.rstrip('/')}{path}?thirdTraceId={_trace(message, now_ms)}"
    return Request("POST", url, json_headers(target), msgspec.json.encode(body))


def judge(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
    """By status, then by ``errorCode``."""
    return [by_status(answer) or _verdict(answer)] * len(messages)


def _verdict(answer: Answer) -> Verdict:
    body, said = answer.json(), answer.text()
    code = body.get("errorCode") if isinstance(body, dict) else None
    if code == 0:
        return DELIVERED
    if code in UNAUTHORISED:
        return unauthorised(said)
    if code in PAUSES_S:
        return throttled(said, PAUSES_S[code])
    return error_code(said, Blame.ENDPOINT if code is None or code in BUSY else Blame.RECORD)


def _trace(message: Message, now_ms: int) -> UUID:
    """Every request is to have one of its own, of the form of a random UUID."""
    return UUID(bytes=hashlib.sha256(f"{message.id}/{now_ms}".encode()).digest()[:16], version=4)


def _ms(value: Any) -> Any:
    return to_ms(as_utc(datetime.fromisoformat(value))) if isinstance(value, str) else value


# 100 requests in 20 seconds of each kind.
FXIAOKE = Format(ask, judge, crm=True, per_second=4.5, burst=10)
