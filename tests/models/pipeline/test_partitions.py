"""Partitions and crashes do not matter: four shards of each stage tell what the pipeline of one tells.

Tolerated: versions of records (they count what was looked at), the order between customers, and an alert's decorations
(name, owner, route, money at stake), which are those known when it is told: a fast shard may know a later name.
Under crashes a record may be told again; told again it has the same version and says the same.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from support.histories import POLICY, history, shuffled
from support.raw import messages
from support.told import DECORATIONS, by_customer, drive, records
from support.topology import EXAMPLES, MODELS, Topology

SEEDS = st.integers(0, 10_000)
SCORES, ALERTS = Topic.SCORES.topic_name, Topic.ALERTS.topic_name
RECORDS = Topic.CUSTOMER_RECORDS.topic_name


def rows(topology: Topology, topic: str) -> list[dict[str, Any]]:
    """A topic's records as JSON values, without ticks and decorations."""
    return [
        {name: value for name, value in json.loads(record.to_json()).items() if name not in DECORATIONS}
        for record in topology.bus.logs[topic, 0]
        if not isinstance(record, Tick)
    ]


def newest_records(topology: Topology) -> dict[str, Any]:
    """What a reader of ``customer-records`` holds in the end: the greatest version, the later of equals."""
    newest: dict[str, Any] = {}
    for row in rows(topology, RECORDS):
        known = newest.get(row["customer_id"])
        if known is None or row["version"] >= known["version"]:
            newest[row["customer_id"]] = row
    for row in newest.values():
        del row["version"]
    held = {
        customer.customer_id
        for stage in topology.customers
        for customer in stage.shard.customers.values()
        if not all(share.detached for share in customer.shares.values())
    }
    return {customer_id: row for customer_id, row in newest.items() if customer_id in held}


def first_told(found: list[dict[str, Any]], *name: str) -> list[dict[str, Any]]:
    """Without repeats; a repeat that says something else is an error."""
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in found:
        assert known.setdefault(tuple(row[part] for part in name), row) == row
    return list(known.values())


def check(topology: Topology, bodies: list[dict[str, Any]]) -> None:
    """Compare with the pipeline of one partition."""
    pipeline, expected = drive(bodies, POLICY, decorated=False)
    scores = first_told(rows(topology, SCORES), "customer_id", "version")
    alerts = first_told(rows(topology, ALERTS), "customer_id", "version")
    examples = first_told(rows(topology, EXAMPLES), "customer_id", "observed_at")
    models = first_told(rows(topology, MODELS), "tenant", "trained_through")
    assert models == expected["models"]
    assert by_customer(scores) == by_customer(expected["scores"])
    assert by_customer(alerts) == by_customer(expected["alerts"])
    assert by_customer(examples) == by_customer(expected["training-examples"])
    assert newest_records(topology) == records(pipeline)
    learned = sum(learner.examples for learner in topology.learner.shard.learners.values())
    assert learned == len(expected["training-examples"]) - topology.learner.shard.waiting


@settings(max_examples=8)
@given(SEEDS, SEEDS, st.sampled_from([1, 4]))
def test_four_partitions_tell_what_one_tells(seed: int, order: int, partitions: int) -> None:
    bodies = history(seed)
    topology = Topology(POLICY, messages(bodies), partitions)
    topology.run(Random(order))
    check(topology, bodies)


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_partitions_and_disorder_together(seed: int, order: int) -> None:
    bodies = history(seed)
    topology = Topology(POLICY, messages(shuffled(bodies, order)), 4)
    topology.run(Random(order))
    check(topology, bodies)


@settings(max_examples=15)
@example(50, 4288, 6, 4)
@given(SEEDS, SEEDS, st.integers(1, 8), st.sampled_from([1, 2, 4]))
def test_crashes_change_nothing(seed: int, order: int, crashes: int, partitions: int) -> None:
    bodies = history(seed)
    topology = Topology(POLICY, messages(bodies), partitions)
    topology.run(Random(order), crashes=crashes)
    check(topology, bodies)


@pytest.mark.quality
def test_four_hundred_runs_with_crashes() -> None:
    rng = Random(1)
    for _ in range(400):
        seed, order, crashes, partitions = (
            rng.randrange(10_000),
            rng.randrange(10_000),
            rng.randint(1, 8),
            rng.choice([1, 2, 4]),
        )
        bodies = history(seed)
        topology = Topology(POLICY, messages(bodies), partitions)
        topology.run(Random(order), crashes=crashes)
        check(topology, bodies)
