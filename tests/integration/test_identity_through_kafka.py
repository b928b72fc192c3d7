"""Identity stitching through a real broker with four partitions: every case, in several orders, as in a replay."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ebbtide.models.identity.identifiers import identifier_of
from ebbtide.schemas.identity import OperationKind
from ebbtide.schemas.topics import Topic
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.identity_log import after_withdrawn, append, new_operation
from ebbtide.streams.settings import BrokerSettings, Settings
from support.brokers import eventually, require_kafka_or_skip
from support.comparison import assert_equal_to_replay
from support.identity_cases import CASES, DECIDED, NOBODY, Body, Decided, shuffles
from support.live import Live, command, drain, live
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
    return _write(path, mixed)


def _write(path: Path, bodies: Iterable[Body]) -> Path:
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))
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
    nobody = sum(body.get("userId") == NOBODY for body in map(json.loads, cases.read_text().splitlines()))
    assert json.loads((replayed / "summary.json").read_text())["ignored"] == {"unresolved": nobody}

    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 4) as deployment:
        worker = deployment.worker("worker")
        sent = deployment.run("send", str(cases), "--until", UNTIL.isoformat())
        assert sent.returncode == 0, sent.stderr
        drain(deployment, UNTIL)
        assert_equal_to_replay(deployment, replayed)
        assert worker.total("ebbtide_ignored_total", 'reason="unresolved"') == nobody


def latest(rows: list[dict[str, Any]], names: tuple[str, ...], order: tuple[str, ...]) -> list[dict[str, Any]]:
    """Of the rows about the same the greatest."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        about = json.dumps([row[name] for name in names])
        known = found.setdefault(about, row)
        if [row[name] for name in order] > [known[name] for name in order]:
            found[about] = row
    return list(found.values())


def who_is_who(deployment: Live) -> dict[str, dict[frozenset[str], int]]:
    """By tenant: messages by the values of the identifiers of whoever has any, as topics have it by now."""
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in latest(
        deployment.published(Topic.IDENTITY_ASSIGNMENTS), ("tenant", "identifier"), ("epoch", "effective_ms")
    ):
        values[row["tenant"], row["owner_id"]].add(row["identifier"]["value"])
    found: dict[str, dict[frozenset[str], int]] = defaultdict(lambda: defaultdict(int))
    for row in latest(
        deployment.published(Topic.PROFILE_STATES),
        ("tenant", "customer_id", "profile_id"),
        ("epoch", "effective_ms", "version"),
    ):
        if row["accepted"]:
            names = {row["anchor"]["value"], *values[row["tenant"], row["customer_id"]]}
            found[row["tenant"]][frozenset(names)] += row["accepted"]
    return found


def decide(deployment: Live, tenant: str, kind: OperationKind, names: list[str], *, by_command: bool) -> None:
    """As somebody at a terminal does, or as a program that appends to the topic."""
    if by_command:
        verb = "link" if kind is OperationKind.MUST_LINK else kind.replace("_", "-")
        done = deployment.run("identity", verb, *names, "--tenant", tenant, "--actor", "jo", "--reason", "seen")
        assert done.returncode == 0, done.stderr
        return
    settings = Settings(broker=BrokerSettings(url=f"kafka://{deployment.bootstrap}"))
    now = datetime.now(UTC)
    made = new_operation(kind, *map(identifier_of, names), tenant=tenant, actor="jo", reason="seen", now=now)
    append(settings, after_withdrawn(settings, made) if kind is OperationKind.UNLINK else made)


@pytest.mark.kafka
def test_every_decision_through_four_partitions(tmp_path: Path) -> None:
    require_kafka_or_skip()
    tenants: dict[str, tuple[Decided, list[Body]]] = {
        f"{name}, order {order}": (case, mixed)
        for name, case in DECIDED.items()
        for order, mixed in enumerate(shuffles(case.story.bodies, ORDERS))
    }
    bodies = [{**body, "tenant": tenant} for tenant, (_, mixed) in tenants.items() for body in mixed]

    def expected(*, after: bool) -> dict[str, dict[frozenset[str], int]]:
        return {
            tenant: {frozenset(who): events for who, events in (case.after if after else case.before).items()}
            for tenant, (case, _) in tenants.items()
        }

    with KafkaBroker() as kafka, live(kafka.bootstrap, tmp_path, 4) as deployment:
        deployment.worker("worker")
        first = deployment.run("send", str(_write(tmp_path / "first.ndjson", bodies)), "--until", at(2).isoformat())
        assert first.returncode == 0, first.stderr
        drain(deployment, at(2))
        assert who_is_who(deployment) == expected(after=False)
        for tenant, (case, _) in tenants.items():
            for kind, one, other in case.decisions:
                names = [name for name in (one, other) if name is not None]
                decide(deployment, tenant, kind, names, by_command=tenant.endswith("order 0"))
        # Everything once more, in another order: it counts already.
        again = _write(tmp_path / "again.ndjson", reversed(bodies))
        second = deployment.run("send", str(again), "--until", UNTIL.isoformat())
        assert second.returncode == 0, second.stderr
        drain(deployment, UNTIL)
        eventually(lambda: who_is_who(deployment) == expected(after=True), "what was decided by hand holds")
