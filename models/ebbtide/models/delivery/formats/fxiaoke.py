"""Fxiaoke (纷享销客): one object a request, logged in by the token in the body; 200 with ``errorCode`` is a failure.

`POST /cgi/crm/v2/data/update`. Codes: 0 is well; the token's are those that a new one mends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

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

TOKEN_CODES: Final = frozenset({20005, 20016})
BUSY_CODES: Final = frozenset({-1, 10006})
_TOO_OFTEN: Final = ("频率", "频繁", "frequen", "limit exceeded")


def ask(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """The object is named by its id in the CRM."""
    (message,) = messages
    data = {
        "dataObjectApiName": target.object,
        target.id_field: identifier(message, target),
        **properties(message, target),
    }
    body = {
        "corpAccessToken": target.token,
        "corpId": target.corp_id,
        "currentOpenUserId": target.user_id,
        "data": {"object_data": data},
    }
    return Request(
        "POST", f"{target.url.rstrip('/')}/cgi/crm/v2/data/update", json_headers(target), msgspec.json.encode(body)
    )


def judge(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
    """By status, then by ``errorCode``."""
    return [by_status(answer) or _verdict(answer)] * len(messages)


def _verdict(answer: Answer) -> Verdict:
    body, said = answer.json(), answer.text()
    code = body.get("errorCode") if isinstance(body, dict) else None
    if code == 0:
        return DELIVERED
    if code in TOKEN_CODES:
        return unauthorised(said)
    if any(word in said.lower() for word in _TOO_OFTEN):
        return throttled(said)
    return error_code(said, Blame.ENDPOINT if code is None or code in BUSY_CODES else Blame.RECORD)


FXIAOKE = Format(ask, judge, crm=True, per_second=10.0, burst=10)
