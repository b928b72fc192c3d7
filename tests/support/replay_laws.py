"""Laws of the topology: partitions, crashes and zombies leave what an undisturbed replay of one partition leaves.

Each takes a topology that has read everything, and the replay, and raises ``AssertionError`` where it does not hold.

Tolerated: versions of records (they count what was looked at), the order between customers, and an alert's decorations
(name, owner, route, money at stake), which are those known when it is told: a fast shard may know a later name.
Under crashes a record may be told again, also late, by a worker that was thought dead; told again it has the same
version and says the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, NamedTuple

from ebbtide.models.customer.customer import MARK_LENGTH
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.events import Event
from ebbtide.schemas.learning import InputCounts
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from support.histories import POLICY
from support.said import said
from support.told import DECORATIONS, Told, by_customer, drive, records
from support.topology import EVENTS, EXAMPLES, FLEET, MODEL_EVENTS, MODELS, Gone, Topology

SCORES, ALERTS = Topic.SCORES.topic_name, Topic.ALERTS.topic_name
RECORDS = Topic.CUSTOMER_RECORDS.topic_name
Totals = dict[str, dict[str, tuple[int, dict[int, tuple[int, ...]]]]]


class Replay(NamedTuple):
    """What one partition makes of the records without any trouble."""

    pipeline: Pipeline
    told: Told


Law = Callable[[Topology, Replay], None]


def replay(
    bodies: list[dict[str, Any]], feedback: Iterable[dict[str, Any]] = (), policy: CorePolicy = POLICY
) -> Replay:
    """The undisturbed run."""
    return Replay(*drive(bodies, policy, decorated=False, feedback=feedback))


def totals(shards: Iterable[CustomerShard]) -> Totals:
    """By customer and profile: how many messages count, and the days with activity, as they are stored."""
    found: Totals = defaultdict(dict)
    for customer in (decode(encode(customer)) for shard in shards for customer in shard.customers.values()):
        for profile_id, share in customer.shares.items():
            if share.accepted or share.days:
                days = {day: tuple(bucket) for day, bucket in share.days.items()}
                found[customer.customer_id][profile_id[:MARK_LENGTH]] = share.accepted, days
    return dict(found)


def owners(shards: Iterable[ProfileShard]) -> dict[str, str]:
    """Anchor of the owner of everybody who did anything and is in memory."""
    return {p.subject: p.anchor or p.subject for shard in shards for p in shard.profiles if p.slots}


def rows(topology: Topology, topic: str) -> list[dict[str, Any]]:
    """A topic's records as JSON values, without ticks and decorations."""
    return [
        {name: value for name, value in json.loads(record.to_json()).items() if name not in DECORATIONS}
        for record in topology.bus.everything(topic)
        if not isinstance(record, Tick | Gone | InputCounts)
    ]


def newest_records(topology: Topology) -> dict[str, Any]:
    """What a reader of ``customer-records`` holds in the end: the greatest version, the later of equals."""
    newest: dict[str, tuple[int, Any]] = {}
    for record in topology.bus.everything(RECORDS):
        key = record.key if isinstance(record, Gone) else record.customer_id
        if key not in newest or record.version >= newest[key][0]:
            newest[key] = record.version, record
    found = {}
    for key, (_, record) in newest.items():
        if not isinstance(record, Gone):
            found[key] = said(json.loads(record.to_json()))
    return found


def first_told(found: list[dict[str, Any]], *name: str) -> list[dict[str, Any]]:
    """Without repeats; a repeat that says something else is an error."""
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in found:
        assert known.setdefault(tuple(row[part] for part in name), row) == row
    return list(known.values())


def every_message_counts_once(topology: Topology, _replay: Replay) -> None:
    """Conservation: the sum over customers is the number of distinct accepted messages."""
    distinct = {record.event_id for record in topology.bus.everything(EVENTS) if isinstance(record, Event)}
    found = totals(stage.shard for stage in topology.customers)
    assert sum(accepted for shares in found.values() for accepted, _ in shares.values()) == len(distinct)


def totals_are_those_of_the_replay(topology: Topology, replay: Replay) -> None:
    assert totals(stage.shard for stage in topology.customers) == totals([replay.pipeline.customers])


def owners_are_those_of_the_replay(topology: Topology, replay: Replay) -> None:
    found = owners(stage.shard for stage in topology.profiles)
    # Nobody is in memory of whom the worker that is there now heard nothing.
    assert found.items() <= owners([replay.pipeline.profiles]).items()


def what_is_told_is_that_of_the_replay(topology: Topology, replay: Replay) -> None:
    """Models and their events, fleet statistics, scores, alerts, training examples and customer records."""
    expected = replay.told
    scores = first_told(rows(topology, SCORES), "customer_id", "version")
    alerts = first_told(rows(topology, ALERTS), "customer_id", "version")
    examples = first_told(rows(topology, EXAMPLES), "customer_id", "observed_at", "revision")
    assert first_told(rows(topology, MODELS), "tenant", "model_version") == expected["models"]
    assert first_told(rows(topology, MODEL_EVENTS), "tenant", "sequence") == expected["model-events"]
    assert first_told(rows(topology, FLEET), "tenant", "as_of") == expected["fleet-stats"]
    assert by_customer(scores) == by_customer(expected["scores"])
    assert by_customer(alerts) == by_customer(expected["alerts"])
    assert by_customer(examples) == by_customer(expected["training-examples"])
    assert newest_records(topology) == records(replay.pipeline)
    learned = sum(models.champion.lessons for models in topology.learner.shard.tenants.values())
    assert learned == len(expected["training-examples"]) - topology.learner.shard.waiting


def reading_again_changes_nothing(topology: Topology, _replay: Replay) -> None:
    """A stage that is given all its inputs once more, after a restart, sends nothing and stores nothing new."""
    for stage in topology.stages:
        if not stage.table:
            continue
        stage.restart()
        for _ in range(2):
            # What is not needed any more is dropped one flush later.
            stage.store(Random(0), crash=False)
        for place in stage.inputs:
            for offset, record in enumerate(topology.bus.logs[place]):
                stage.apply(stage.shard, place[0], offset, record)
        flush = stage.flush(stage.shard)
        assert flush.outputs == []
        assert {key: stage.table.get(key) for key in flush.writes} == flush.writes


LAWS: list[Law] = [
    every_message_counts_once,
    totals_are_those_of_the_replay,
    owners_are_those_of_the_replay,
    what_is_told_is_that_of_the_replay,
    reading_again_changes_nothing,
]


def check(
    topology: Topology,
    bodies: list[dict[str, Any]],
    feedback: Iterable[dict[str, Any]] = (),
    policy: CorePolicy = POLICY,
) -> None:
    """All laws."""
    undisturbed = replay(bodies, feedback, policy)
    for law in LAWS:
        law(topology, undisturbed)
