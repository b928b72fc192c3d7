"""Messages and verdicts for the tests of the delivery core."""

from __future__ import annotations

import json
from typing import Any

from ebbtide.models.delivery.lanes import Waiting
from ebbtide.models.delivery.message import Message, Position, read
from ebbtide.schemas.deliveries import DeliveryKind
from ebbtide.schemas.topics import Topic
from support.examples import examples

SCORE = json.loads(examples("Score")[0].read_bytes())
ALERT = json.loads(next(path for path in examples("Alert") if path.stem == "asleep-open").read_bytes())
RECORD = json.loads(next(path for path in examples("CustomerRecord") if path.stem == "account").read_bytes())
_OF = {
    DeliveryKind.SCORE: (Topic.SCORES, SCORE),
    DeliveryKind.ALERT: (Topic.ALERTS, ALERT),
    DeliveryKind.RECORD: (Topic.CUSTOMER_RECORDS, RECORD),
}


def message(
    kind: DeliveryKind,
    customer: str = "acme",
    version: int = 1,
    *,
    partition: int = 0,
    offset: int = 0,
    appended_ms: int = 0,
    **changed: Any,
) -> Message:
    """A published example with another customer and version."""
    topic, example = _OF[kind]
    value = {**example, "customer_id": customer, "version": version, **changed}
    source = Position(topic.topic_name, partition, offset)
    return read(source, customer, json.dumps(value).encode(), appended_ms)


def score(customer: str = "acme", version: int = 1, **changed: Any) -> Message:
    return message(DeliveryKind.SCORE, customer, version, **changed)


def alert(customer: str = "acme", version: int = 1, **changed: Any) -> Message:
    return message(DeliveryKind.ALERT, customer, version, **{"deliver_at": None, **changed})


def record(customer: str = "acme", version: int = 1, **changed: Any) -> Message:
    return message(DeliveryKind.RECORD, customer, version, **changed)


def waiting(what: Message, due_ms: int = 0, **changed: Any) -> Waiting:
    return Waiting(what, what.source, due_ms=due_ms, **changed)
