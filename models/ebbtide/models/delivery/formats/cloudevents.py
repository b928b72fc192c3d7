"""CloudEvents 1.0 over HTTP: structured JSON, a batch as a JSON array; signed like Standard Webhooks where there is a
secret."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from ebbtide.models.delivery.formats.format import Format
from ebbtide.models.delivery.formats.standard import judge
from ebbtide.models.delivery.message import Message
from ebbtide.models.delivery.signature import webhook_headers
from ebbtide.models.delivery.target import Request, Target

BATCH_TYPE = "application/cloudevents-batch+json; charset=utf-8"
TYPE = "application/cloudevents+json; charset=utf-8"


def ask(messages: Sequence[Message], target: Target, now_ms: int) -> Request:
    """One event, or the array of several."""
    events = [_event(message) for message in messages]
    single = len(events) == 1
    body = msgspec.json.encode(events[0] if single else events)
    headers = {**dict(target.headers), "Content-Type": TYPE if single else BATCH_TYPE}
    # Of a batch: the id of its first message, for a batch that is repeated may hold others.
    headers |= webhook_headers(messages[0].id, now_ms // 1000, body, target.secrets) if target.secrets else {}
    return Request("POST", target.url, headers, body)


def _event(message: Message) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": message.id,
        "source": f"/ebbtide/{quote(message.tenant, safe='')}",
        "type": f"ebbtide.{message.type}",
        "subject": message.customer_id or message.tenant,
        "time": message.occurred_at,
        "datacontenttype": "application/json",
        "data": msgspec.Raw(message.data_json()),
    }


CLOUDEVENTS = Format(ask, judge, most=100, gone=True, signs=True)
