"""Segment's calls, as its SDKs, RudderStack's and plain HTTP clients send them. Source: Segment spec, HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.streams.collector.answers import RequestError
from ebbtide.streams.collector.formats.facts import fact
from ebbtide.streams.collector.items import Arrival, Bad, Item
from ebbtide.streams.collector.stamp import stamped

VERBS = ("track", "identify", "group", "page", "screen", "alias")
_ENVELOPE = ("writeKey", "_metadata")
"""Of the way here, not of the event."""


def batch(body: Any) -> list[Any]:
    """The events of a body of `/v1/batch`. Raises ``RequestError``."""
    events = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise RequestError(400, DeadLetterReason.INVALID, "body: an object with `batch`, a list of calls, is needed")
    return events


def is_rudderstack(events: list[Any]) -> bool:
    """Whether a batch is one of RudderStack's, which may be larger: its SDKs name themselves as Segment's do, but tell
    the channel of each event."""
    return bool(events) and isinstance(events[0], dict) and "channel" in events[0]


def read(body: dict[str, Any], events: list[Any], arrival: Arrival, *, verb: str | None = None) -> Iterator[Item]:
    """What the events are. ``verb`` is that of the path, where each call has its own."""
    shared, sent_at = body.get("context"), body.get("sentAt")
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            yield Bad(DeadLetterReason.INVALID, "event: a call is an object")
            continue
        kind = verb or event.get("type")
        if isinstance(kind, str) and "." in kind:
            yield fact(event, arrival)
            continue
        call = {name: value for name, value in event.items() if name not in _ENVELOPE}
        call["type"] = kind
        if verb is None and isinstance(shared, dict) and call.get("context") is None:
            call["context"] = shared
        if kind == "identify" and call.get("traits") is None:
            _take_traits(call)
        yield stamped(call, event, index, arrival, sent_at=sent_at)


def _take_traits(call: dict[str, Any]) -> None:
    """RudderStack's SDKs put the traits of `identify` into the context."""
    context = call.get("context")
    if isinstance(context, dict) and isinstance(context.get("traits"), dict):
        call["traits"] = context["traits"]
