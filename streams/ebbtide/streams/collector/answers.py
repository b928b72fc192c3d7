"""What the client is told. Every answer is a JSON object; of an error SDKs read ``code`` and ``message``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ebbtide.streams.collector.judge import Judged

MOST_NAMED = 20
"""Refused events that an answer names; the others are counted in it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with what it says. ``reason`` is a word of a closed set: metrics count by it."""

    status: int
    reason: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class RequestError(Exception):
    """A request that cannot be judged event by event; raised inside the collector, and never leaves it."""

    def __init__(self, status: int, reason: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.answer = error_answer(status, reason, message, retry_after=retry_after)


def error_answer(status: int, reason: str, message: str, *, retry_after: int | None = None) -> Answer:
    """An error; with ``retry_after``, seconds, the client may send the same again then."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Answer(status, reason, {"success": False, "code": reason, "message": message}, headers)


def told(judged: Judged, *, lenient: bool) -> Answer:
    """What became of the events of a body, once the accepted ones are stored.

    With a refused one it is 400, though the others are stored. ``lenient``, for clients that would send a body with 400
    again for ever: only where none was good.
    """
    refused = judged.refused
    stands: dict[str, Any] = {"accepted": judged.accepted, "ignored": dict(judged.ignored)}
    if judged.feedback_ids:
        stands["feedback_ids"] = judged.feedback_ids
    if not refused:
        return Answer(200, "stored", {"success": True, **stands})
    named = [{"index": one.index, "reason": one.reason, "detail": one.detail} for one in refused[:MOST_NAMED]]
    first = refused[0]
    others = f" ({len(refused)} of {judged.events} events are refused)" if judged.events > 1 else ""
    said = {
        "code": first.reason,
        "message": f"event {first.index}: {first.detail}{others}",
        **stands,
        "refused": {"count": len(refused), "events": named},
    }
    if lenient and len(refused) < judged.events:
        return Answer(200, "stored_in_part", {"success": True, **said})
    return Answer(400, "refused", {"success": False, **said})
