"""What left the topology, in a form that can be compared."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ebbtide.models.outputs import Output, Tombstone
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import AnyContract
from ebbtide.schemas.learning import InputCounts
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from support.feedback import message
from support.raw import NOW, messages
from support.said import said

DECIDED = (
    Topic.SCORES,
    Topic.ALERTS,
    Topic.STATE_CHANGES,
    Topic.TRAINING_EXAMPLES,
    Topic.MODELS,
    Topic.MODEL_EVENTS,
    Topic.FLEET_STATS,
)
DECORATIONS = ("customer_name", "owner", "play", "route", "at_stake", "priority")
"""What an alert takes from the CRM as it is known when it is told. No decision depends on it."""

Told = dict[str, list[dict[str, Any]]]


def told(outputs: Iterable[Output], *, decorated: bool = True) -> Told:
    """Scores, alerts, training examples, models and fleet statistics, each in the order in which they were told."""
    found: Told = {topic.topic_name: [] for topic in DECIDED}
    for output in outputs:
        if output.topic in DECIDED and not isinstance(output.record, Tick | Tombstone | InputCounts):
            found[output.topic.topic_name].append(plain(output.record, decorated=decorated))
    return found


def plain(told: AnyContract, *, decorated: bool) -> dict[str, Any]:
    """A record as JSON values, with or without the alert's decorations."""
    record: dict[str, Any] = json.loads(told.to_json())
    if not decorated:
        for name in DECORATIONS:
            record.pop(name, None)
    return record


def records(pipeline: Pipeline) -> dict[str, Any]:
    """What all customer records say. Their versions count how often something was looked at.

    Left out are those that have none: persons whose first deeds of a day turned out to be their account's.
    """
    shard = pipeline.customers
    found = {}
    for customer_id, customer in shard.customers.items():
        if customer.is_vacant:
            continue
        found[customer_id] = said(json.loads(shard.record(customer).to_json()))
    return found


def by_customer(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Rows per customer, each in its order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["customer_id"]].append(row)
    return dict(found)


def drive(
    bodies: list[dict[str, Any]],
    policy: CorePolicy,
    *,
    chunks: Iterable[int] = (),
    decorated: bool = True,
    more: bool = False,
    feedback: Iterable[dict[str, Any]] = (),
) -> tuple[Pipeline, Told]:
    """The whole topology over records that come in chunks of the sizes given; the rest comes at once.

    With ``more`` each chunk is told that more follow at once. ``feedback`` is there before them.
    """
    pipeline, raw = Pipeline(policy), messages(bodies)
    outputs = list(pipeline.hear(message(body, offset) for offset, body in enumerate(feedback)))
    for size in chunks:
        outputs += pipeline.feed(raw[:size], now=NOW, more=more)
        raw = raw[size:]
    outputs += pipeline.feed(raw, now=NOW)
    return pipeline, told(outputs, decorated=decorated)
