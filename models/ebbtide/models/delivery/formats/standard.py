"""Standard Webhooks 1.0: one signed message a request, body ``{type, timestamp, data}``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ebbtide.models.delivery.answer import DELIVERED, Answer, Verdict, by_status, error_code
from ebbtide.models.delivery.formats.format import Format
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.signature import webhook_headers
from ebbtide.models.delivery.target import Request, Target, json_headers

_FINE = (None, 0, 200, "", "0", "200", "ok", "OK", "success", "SUCCESS", True)


def ask(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """The data are the bytes of the record as they stood on its topic."""
    (message,) = messages
    body = b'{"type":%s,"timestamp":%s,"data":%s}' % (
        msgspec.json.encode(message.type),
        msgspec.json.encode(message.occurred_at),
        message.data_json(),
    )
    signed = webhook_headers(message.id, now_ms // 1000, body, target.secrets)
    return Request("POST", target.url, json_headers(target, **signed), body)


def judge(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
    """2xx is delivered, unless the field that the settings name for it tells an error."""
    verdict = by_status(answer) or by_code(answer, target.code_field) or DELIVERED
    return [verdict] * len(messages)


def by_code(answer: Answer, code_field: str) -> Verdict | None:
    """A failure where this field of a JSON body is no success; a body that lacks it is one."""
    if not code_field:
        return None
    body = answer.json()
    code = body.get(code_field) if isinstance(body, dict) else None
    return None if code is not False and code in _FINE else error_code(answer.text())


STANDARD = Format(ask, judge, gone=True, signs=True)
