"""HubSpot: batches of upserts by a unique property, with a verdict for each record.

`POST /crm/v3/objects/{object}/batch/upsert`; 207 where some failed, 400 where all did. An error names the records it
is about by what was sent as ``objectWriteTraceId``, or by their ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from ebbtide.models.delivery.answer import (
    DELIVERED,
    Answer,
    Blame,
    Outcome,
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

_NEVER = frozenset({"VALIDATION_ERROR", "INVALID_EMAIL"})
_UNKNOWN_PROPERTY = "PROPERTY_DOESNT_EXIST"
"""A code within a validation error. It is nobody's record but the settings': every record would fail alike."""
LOCKED, LOCKED_S = 423, 2.0
"""Too many writes in a short time; two seconds at least are to lie between requests."""
PAUSES_S = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0, "DAILY": 3_600.0}
"""By ``policyName`` of a 429."""


def ask(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """Null clears a property: HubSpot does so on an empty text."""
    inputs = [
        {
            "idProperty": target.id_field,
            "id": identifier(message, target),
            "objectWriteTraceId": message.id,
            "properties": {name: "" if value is None else value for name, value in properties(message, target).items()},
        }
        for message in messages
    ]
    url = f"{target.url.rstrip('/')}/crm/v3/objects/{quote(target.object, safe='')}/batch/upsert"
    return Request("POST", url, bearer(target), msgspec.json.encode({"inputs": inputs}))


def judge(answer: Answer, messages: Sequence[Message], target: Target) -> list[Verdict]:
    """By each record. One that neither an error nor a result names is tried again by itself."""
    whole, body = by_status(answer), answer.json()
    if whole is not None:
        return [_of_all(whole, answer, body, alone=len(messages) == 1)] * len(messages)
    if not isinstance(body, dict):
        return [error_code(f"no JSON object: {answer.text()}")] * len(messages)
    told = body.get("errors")
    errors = [error for error in told if isinstance(error, dict)] if isinstance(told, list) else []
    if body.get("status") == "error" or not (errors or body.get("numErrors")):
        # An error of the whole request may come as 200 from a proxy; without errors all went through.
        failed = body.get("status") == "error"
        return [error_code(answer.text(), Blame.REQUEST) if failed else DELIVERED] * len(messages)
    named: dict[str, Verdict] = {}
    for error in errors:
        named.update((name, _verdict(error)) for name in _names(error.get("context")))
    done = set(_names(body.get("results")))
    return [_of(message, target, named, done, answer) for message in messages]


def _of_all(whole: Verdict, answer: Answer, body: Any, *, alone: bool) -> Verdict:
    if answer.status == LOCKED:
        return throttled(whole.detail or "", answer.retry_after_s or LOCKED_S)
    if not isinstance(body, dict):
        return whole
    if whole.outcome is Outcome.THROTTLED and whole.retry_after_s is None:
        return replace(whole, retry_after_s=PAUSES_S.get(str(body.get("policyName"))))
    if whole.blame is Blame.REQUEST:
        if _UNKNOWN_PROPERTY in answer.body.decode("utf-8", "replace"):
            return replace(whole, blame=Blame.ENDPOINT)
        if alone and body.get("category") in _NEVER:
            return rejected(whole.detail or "")
    return whole


def _of(message: Message, target: Target, named: dict[str, Verdict], done: set[str], answer: Answer) -> Verdict:
    names = (message.id, identifier(message, target))
    verdict = next((named[name] for name in names if name in named), None)
    if verdict is not None:
        return verdict
    return DELIVERED if done.intersection(names) else error_code(answer.text(), Blame.REQUEST)


def _verdict(error: dict[str, Any]) -> Verdict:
    category, said = str(error.get("category", "")), f"{error.get('category', '')}: {error.get('message', '')}"
    if category == "RATE_LIMITS":
        return throttled(said)
    if any(_UNKNOWN_PROPERTY in text for text in _names(error)):
        return error_code(said)
    return rejected(said) if category in _NEVER else record_failed(said)


def _names(value: Any) -> Iterator[str]:
    """Every text within."""
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _names(item)
        case dict():
            for item in value.values():
                yield from _names(item)


# 100 records a request; 100 requests in ten seconds for a private app.
HUBSPOT = Format(ask, judge, most=100, crm=True, per_second=8.0, burst=15)
