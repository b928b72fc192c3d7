"""Feedback: what somebody says of a customer's contract, or of one of its alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import ValidationError

from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.dead_letter import DeadLetterReason
from ebbtide.schemas.feedback import Feedback
from ebbtide.streams.collector.items import Arrival, Bad, Item, Told
from ebbtide.streams.collector.stamp import named_by

_OF_NO_CUSTOMER = (AlertType.FLEET_DROP, AlertType.SOURCE_BLIND)


def read(body: Any, arrival: Arrival) -> Iterator[Item]:
    """A body of `/v1/feedback`: one answer or a list of them, by the contract ``Feedback``.

    The door adds ``recorded_at``, and ``tenant``, ``feedback_id`` and ``occurred_at`` where they are missing.
    """
    for index, each in enumerate(body if isinstance(body, list) else [body]):
        if not isinstance(each, dict):
            yield Bad(DeadLetterReason.INVALID, "feedback: an object is needed")
        elif arrival.tenant is not None and each.get("tenant") not in (None, arrival.tenant):
            yield Bad(DeadLetterReason.INVALID, f"tenant: the key is one of tenant {arrival.tenant}; leave it out")
        elif each.get("alert_type") in _OF_NO_CUSTOMER:
            yield Bad(DeadLetterReason.INVALID, f"alert_type: {each['alert_type']} is about no customer")
        else:
            yield _told(each, index, arrival)


def _told(given: dict[str, Any], index: int, arrival: Arrival) -> Item:
    try:
        fields = {
            "tenant": arrival.tenant or arrival.default,
            "feedback_id": given.get("feedback_id") or named_by(given, apart=f"{arrival.received_ms}/{index}"),
            "occurred_at": arrival.received_at,
            **{name: value for name, value in given.items() if value is not None},
            "recorded_at": arrival.received_at,
        }
        return Told(Feedback.from_json(orjson.dumps(fields)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where, what = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        return Bad(DeadLetterReason.INVALID, f"{where}: {what}" if where else what)
    except TypeError as error:
        return Bad(DeadLetterReason.INVALID, f"feedback: {error}")
