"""The topology as a value: what is printed, documented and tested against what the agents really declare."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.schemas.topics import Topic


@dataclass(frozen=True, slots=True)
class Node:
    """An agent: topics it reads and writes, and its table."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    table: str | None


def _node(reads: tuple[Topic, ...], writes: tuple[Topic, ...], table: str | None) -> Node:
    return Node(tuple(t.topic_name for t in reads), tuple(t.topic_name for t in writes), table)


TOPOLOGY: dict[str, Node] = {
    "intake": _node(
        (Topic.RAW_BEHAVIOR, Topic.RAW_CRM), (Topic.EVENTS, Topic.DEAD_LETTERS, Topic.GRID_SUMMARIES), None
    ),
    "profiles": _node(
        (Topic.EVENTS, Topic.IDENTITY_ASSIGNMENTS), (Topic.IDENTITY_LINKS, Topic.PROFILE_STATES), "profiles"
    ),
    "identity": _node((Topic.IDENTITY_LINKS,), (Topic.IDENTITY_ASSIGNMENTS, Topic.IDENTITY_AUDIT), "identity"),
    "customers": _node(
        (Topic.PROFILE_STATES, Topic.MODELS, Topic.FLEET_STATS, Topic.FEEDBACK),
        (
            Topic.SCORES,
            Topic.ALERT_CANDIDATES,
            Topic.STATE_CHANGES,
            Topic.CUSTOMER_RECORDS,
            Topic.TRAINING_EXAMPLES,
            Topic.GRID_SUMMARIES,
            Topic.DEAD_LETTERS,
        ),
        "customers",
    ),
    "learner": _node((Topic.TRAINING_EXAMPLES,), (Topic.MODELS, Topic.MODEL_EVENTS), "learner"),
    "fleet": _node((Topic.GRID_SUMMARIES,), (Topic.FLEET_STATS,), "fleet"),
    "triage": _node((Topic.ALERT_CANDIDATES,), (Topic.ALERTS, Topic.ALERT_DIGESTS), "triage"),
}

SERVICES: dict[str, Node] = {
    "deliver": _node(
        (Topic.SCORES, Topic.ALERTS, Topic.CUSTOMER_RECORDS, Topic.DELIVERY_REQUESTS, Topic.ENDPOINT_STATES),
        (Topic.DELIVERIES, Topic.PARKED_DELIVERIES, Topic.ENDPOINT_STATES),
        None,
    ),
}
"""What runs beside the worker, in consumer groups of its own."""
