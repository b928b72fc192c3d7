"""The topology over partitions, on logs in memory: random interleavings, crashes at any point, replays.

A stage keeps a table and the offsets it committed. Its flush sends outputs, then stores values, then commits. A crash
may come between any two of these, and between any two values; the stage then starts anew from its table, at its
committed offsets, on the same logs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

from ebbtide.models.churn.stage import LearnerStage
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.intake.shard import IntakeShard
from ebbtide.models.outputs import EVERY_PARTITION, Flush, Output
from ebbtide.models.pipeline import RAW
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.base import AnyContract, to_ms
from ebbtide.schemas.topics import Topic
from support.raw import NOW

EVENTS, STATES = Topic.EVENTS.topic_name, Topic.PROFILE_STATES.topic_name
LINKS, OWNERS = Topic.IDENTITY_LINKS.topic_name, Topic.IDENTITY_ASSIGNMENTS.topic_name
EXAMPLES, MODELS = Topic.TRAINING_EXAMPLES.topic_name, Topic.MODELS.topic_name
Place = tuple[str, int]


class Bus:
    """Logs by topic and partition."""

    def __init__(self, partitions: int) -> None:
        self.partitions = dict.fromkeys((EVENTS, LINKS, OWNERS, STATES, MODELS), partitions)
        self.logs: dict[Place, list[Any]] = defaultdict(list)

    def send(self, output: Output) -> None:
        """Append a record where its key belongs, or one copy to each partition."""
        topic = output.topic.topic_name
        count = self.partitions.get(topic, 1)
        if output.partition == EVERY_PARTITION:
            places = list(range(count))
        else:
            places = [output.partition if output.partition is not None else crc32(output.key.encode()) % count]
        # Records go through their bytes, as on a broker.
        record: AnyContract = type(output.record).from_json(output.record.to_json())
        for place in places:
            self.logs[topic, place].append(record)


@dataclass
class Stage:
    """One shard with its inputs, its table and its offsets."""

    bus: Bus
    inputs: list[Place]
    build: Callable[[dict[bytes, bytes]], Any]
    apply: Callable[[Any, str, int, Any], None]
    flush: Callable[[Any], Flush]
    table: dict[bytes, bytes] = field(default_factory=dict)
    committed: dict[Place, int] = field(default_factory=dict)
    read: dict[Place, int] = field(default_factory=dict)
    shard: Any = None

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew from what is stored."""
        self.shard = self.build(dict(self.table))
        self.read = dict(self.committed)

    def pending(self) -> list[Place]:
        """Inputs with records that were not read yet."""
        return [place for place in self.inputs if self.read.get(place, 0) < len(self.bus.logs[place])]

    def take(self, rng: Random, place: Place) -> None:
        """Read some records of one input."""
        log, start = self.bus.logs[place], self.read.get(place, 0)
        end = min(len(log), start + rng.choice([1, 3, 10, 100, 1000]))
        for offset in range(start, end):
            self.apply(self.shard, place[0], offset, log[offset])
        self.read[place] = end

    def store(self, rng: Random, *, crash: bool) -> None:
        """Flush; with ``crash`` stop somewhere on the way and start anew."""
        flush = self.flush(self.shard)
        stop = rng.choice(["before", "sending", "storing", "committing"]) if crash else None
        sent = 0 if stop == "before" else len(flush.outputs)
        if stop == "sending":
            sent = rng.randint(0, sent)
        for output in flush.outputs[:sent]:
            self.bus.send(output)
        if stop not in {"before", "sending"}:
            writes = list(flush.writes.items())
            for key, value in writes[: rng.randint(0, len(writes)) if stop == "storing" else None]:
                if value is None:
                    self.table.pop(key, None)
                else:
                    self.table[key] = value
        if stop is None:
            self.committed = dict(self.read)
        else:
            self.restart()


class Topology:
    """Intake, n profile shards, n customer shards and the learner."""

    def __init__(self, policy: CorePolicy, raw: Iterable[RawMessage], partitions: int) -> None:
        self.bus = bus = Bus(partitions)
        bus.logs[RAW, 0].extend(raw)
        numbers = range(partitions)
        profiles = frozenset(f"profiles/{n}" for n in numbers)
        identity = frozenset(f"identity/{n}" for n in numbers)
        reports = frozenset(f"customers/{n}" for n in numbers)
        self.stages = [
            Stage(
                bus,
                [(RAW, 0)],
                lambda _table: IntakeShard(RAW, 0, policy, "default"),
                lambda shard, _topic, _offset, record: shard.apply(record, now_ms=to_ms(NOW), heard_ms=0),
                lambda shard: Flush(shard.flush()),
            )
        ]
        self.profiles = [self._profiles(policy, n, identity) for n in numbers]
        self.identity = [self._identity(policy, n, profiles) for n in numbers]
        self.customers = [self._customers(policy, n, profiles) for n in numbers]
        self.learner = Stage(
            bus,
            [(EXAMPLES, 0)],
            lambda table: LearnerStage(reports, table.items()),
            lambda shard, _topic, offset, record: shard.apply(offset, record),
            lambda shard: shard.flush(),
        )
        self.stages += [*self.profiles, *self.identity, *self.customers, self.learner]

    def _identity(self, policy: CorePolicy, n: int, sources: frozenset[str]) -> Stage:
        return Stage(
            self.bus,
            [(LINKS, n)],
            lambda table: IdentityShard(n, sources, policy.identity, table.items()),
            lambda shard, _topic, offset, record: shard.apply(offset, record, now_ms=None),
            lambda shard: shard.flush(),
        )

    def _profiles(self, policy: CorePolicy, n: int, identity: frozenset[str]) -> Stage:
        return Stage(
            self.bus,
            [(EVENTS, n), (OWNERS, n)],
            lambda table: ProfileShard(n, frozenset({f"{RAW}/0"}), identity, policy, table.get),
            lambda shard, topic, offset, record: (
                shard.apply(offset, record) if topic == EVENTS else shard.assign(offset, record)
            ),
            lambda shard: shard.flush(),
        )

    def _customers(self, policy: CorePolicy, n: int, sources: frozenset[str]) -> Stage:
        return Stage(
            self.bus,
            [(STATES, n), (MODELS, n)],
            lambda table: CustomerShard(n, sources, policy, table.items()),
            lambda shard, topic, offset, record: shard.apply(topic, offset, record, now_ms=None),
            lambda shard: shard.flush(),
        )

    def run(self, rng: Random, *, crashes: int = 0) -> None:
        """Let random stages read random amounts until nothing is left, with that many crashes on the way."""
        while True:
            busy = [stage for stage in self.stages if stage.pending()]
            if not busy:
                for stage in self.stages:
                    stage.store(rng, crash=False)
                if not any(stage.pending() for stage in self.stages):
                    return
                continue
            stage = rng.choice(busy)
            stage.take(rng, rng.choice(stage.pending()))
            if crashes and rng.random() < 0.1:
                crashes -= 1
                rng.choice(self.stages).store(rng, crash=True)
            elif rng.random() < 0.5:
                stage.store(rng, crash=False)
