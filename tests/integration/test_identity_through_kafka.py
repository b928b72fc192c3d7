"""Identity stitching through a real broker with four partitions: every case, in several orders, as in a replay."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ebbtide.streams.brokers.kafka import KafkaBroker
from support.brokers import require_kafka_or_skip
from support.comparison import assert_equal_to_replay
from support.identity_cases import CASES, shuffles
from support.live import command, drain, live
from support.raw import at

UNTIL = at(7)
ORDERS = 3


def written(path: Path) -> Path:
    """All cases in one file, a tenant for each case and order, their records mixed."""
    stories = [
        [{**body, "tenant": f"case {number} order {order}"} for body in mixed]
        for number, (told, _) in enumerate(CASES.values())
        for order, mixed in enumerate(shuffles(told.bodies, ORDERS))
    ]
    longest = max(map(len, stories))
    mixed = [bodies[place] for place in range(longest) for bodies in stories if place < len(bodies)]
    path.write_text("".join(json.dumps(body) + "\n" for body in mixed))
    return path


@pytest.mark.kafka
def test_every_case_through_four_partitions(tmp_path: Path) -> None:
    require_kafka_or_skip()
    cases, replayed = written(tmp_path / "cases.ndjson"), tmp_path / "replayed"
    command("replay", str(cases), "--out", str(replayed), "--until", UNTIL.isoformat())
    persons = [json.loads(line) for line in (replayed / "persons.ndjson").read_text().splitlines()]
    found = Counter((frozenset(i["value"] for i in person["identifiers"]), person["events"]) for person in persons)
    expected = Counter((frozenset(who), events) for _, case in CASES.values() for who, events in case.items())
    assert found == Counter({key: count * ORDERS for key, count in expected.items()})

    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 4) as deployment:
        deployment.worker("worker")
        sent = deployment.run("send", str(cases), "--until", UNTIL.isoformat())
        assert sent.returncode == 0, sent.stderr
        drain(deployment, UNTIL)
        assert_equal_to_replay(deployment, replayed)
