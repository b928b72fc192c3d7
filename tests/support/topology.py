"""The topology over partitions, on logs in memory: random interleavings, crashes at any point, replays.

A stage keeps a table and the offsets it committed. Its flush sends outputs, to all partitions side by side, then stores
values, then commits. A crash may come between any two of these, between any two values, and when some partitions have
the outputs and others have not; the stage then starts anew from its table, at its committed offsets, on the same logs.

A worker that was thought dead, a *zombie*, is heard of later: what it had under way arrives at any time after its
successor took over, in each partition in its own order. It sends nothing else, as a stage flushes one batch at a time
and looks whether its partitions are still its own before each.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from ebbtide.models.churn.stage import LearnerStage
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.fleet.stage import FleetStage
from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.intake.shard import IntakeShard
from ebbtide.models.outputs import EVERY_PARTITION, Flush, Output, Tombstone
from ebbtide.models.pipeline import RAW
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.models.triage.stage import TriageStage
from ebbtide.schemas.base import AnyContract, to_ms
from ebbtide.schemas.topics import Topic
from support.feedback import message
from support.raw import NOW

EVENTS, STATES = Topic.EVENTS.topic_name, Topic.PROFILE_STATES.topic_name
LINKS, OWNERS = Topic.IDENTITY_LINKS.topic_name, Topic.IDENTITY_ASSIGNMENTS.topic_name
EXAMPLES, MODELS = Topic.TRAINING_EXAMPLES.topic_name, Topic.MODELS.topic_name
MODEL_EVENTS = Topic.MODEL_EVENTS.topic_name
FEEDBACK = Topic.FEEDBACK.topic_name
CANDIDATES = Topic.ALERT_CANDIDATES.topic_name
SUMMARIES, FLEET = Topic.GRID_SUMMARIES.topic_name, Topic.FLEET_STATS.topic_name
Place = tuple[str, int]
Queues = dict[Place, deque[Any]]


class Gone(NamedTuple):
    """A tombstone as a reader hears it."""

    key: str
    version: int


class Bus:
    """Logs by topic and partition."""

    def __init__(self, partitions: int) -> None:
        self.partitions = dict.fromkeys((EVENTS, LINKS, OWNERS, STATES, MODELS, FLEET, FEEDBACK), partitions)
        self.logs: dict[Place, list[Any]] = defaultdict(list)
        self.late: list[Queues] = []
        """What each zombie has under way."""

    def places(self, output: Output) -> list[Place]:
        """Where a record belongs: by its key, or one copy in each partition."""
        topic = output.topic.topic_name
        count = self.partitions.get(topic, 1)
        if output.partition == EVERY_PARTITION:
            return [(topic, partition) for partition in range(count)]
        return [(topic, output.partition if output.partition is not None else crc32(output.key.encode()) % count)]

    def everything(self, topic: str) -> Iterator[Any]:
        """All records of a topic, partition by partition."""
        for place in sorted(self.logs):
            if place[0] == topic:
                yield from self.logs[place]

    def queues(self, outputs: Iterable[Output]) -> Queues:
        """What a flush sends, by partition: an order is kept only there."""
        queues: Queues = defaultdict(deque)
        for output in outputs:
            # Records go through their bytes, as on a broker.
            record: AnyContract | Gone
            if isinstance(output.record, Tombstone):
                record = Gone(output.key, output.record.version)
            else:
                record = type(output.record).from_json(output.record.to_json())
            for place in self.places(output):
                queues[place].append(record)
        return queues

    def append(self, place: Place, queue: deque[Any], count: int) -> None:
        """Append the next records of a queue."""
        for _ in range(count):
            self.logs[place].append(queue.popleft())

    def deliver_late(self, rng: Random) -> None:
        """Some of what a zombie had under way arrives."""
        queues = rng.choice(self.late)
        place = rng.choice(list(queues))
        self.append(place, queues[place], rng.randint(1, len(queues[place])))
        if not queues[place]:
            del queues[place]
        if not queues:
            self.late.remove(queues)


@dataclass
class Stage:
    """One shard with its inputs, its table and its offsets.

    With ``rereads`` whoever takes over reads the first input to where it ended then, and flushes, before it reads any
    of the others: they have the echo of what the worker before sent, which must not be heard before it is said again.
    """

    bus: Bus
    inputs: list[Place]
    build: Callable[[dict[bytes, bytes]], Any]
    apply: Callable[[Any, str, int, Any], None]
    flush: Callable[[Any], Flush]
    table: dict[bytes, bytes] = field(default_factory=dict)
    committed: dict[Place, int] = field(default_factory=dict)
    read: dict[Place, int] = field(default_factory=dict)
    shard: Any = None
    rereads: bool = False
    end: int = 0
    favourite: Place | None = None

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew from what is stored."""
        self.shard = self.build(dict(self.table))
        self.read = dict(self.committed)
        self.end = len(self.bus.logs[self.inputs[0]])

    def pending(self) -> list[Place]:
        """Inputs with records that were not read yet."""
        found = [place for place in self.inputs if self.read.get(place, 0) < len(self.bus.logs[place])]
        if self.rereads and self.committed.get(self.inputs[0], 0) < self.end:
            return [place for place in found if place == self.inputs[0]]
        return found

    def take(self, rng: Random, place: Place) -> None:
        """Read some records of one input."""
        log, start = self.bus.logs[place], self.read.get(place, 0)
        end = min(len(log), start + rng.choice([1, 3, 10, 100, 1000]))
        for offset in range(start, end):
            self.apply(self.shard, place[0], offset, log[offset])
        self.read[place] = end

    def store(self, rng: Random, *, crash: bool, zombie: bool = False) -> None:
        """Flush; with ``crash`` stop somewhere on the way and start anew, with ``zombie`` still to be heard of."""
        flush = self.flush(self.shard)
        stop = rng.choice(["before", "sending", "storing", "committing"]) if crash else None
        queues = self.bus.queues(flush.outputs)
        if stop != "before":
            for place, queue in queues.items():
                some = rng.choice([0, rng.randint(0, len(queue)), len(queue)])
                self.bus.append(place, queue, some if stop == "sending" else len(queue))
        under_way = {place: queue for place, queue in queues.items() if queue}
        if zombie and under_way:
            self.bus.late.append(under_way)
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
            # Whoever takes over may find one input at once and wait for another.
            self.favourite = rng.choice([None, *self.inputs])


class Topology:
    """Intake, n profile shards, n customer shards, the learner, the fleet and triage.

    ``feedback`` is there before anybody reads: it is recorded at a time of the book that lies ahead of it.
    """

    def __init__(
        self,
        policy: CorePolicy,
        raw: Iterable[RawMessage],
        partitions: int,
        *,
        rereads: bool = True,
        feedback: Iterable[dict[str, Any]] = (),
    ) -> None:
        self.bus = bus = Bus(partitions)
        bus.logs[RAW, 0].extend(raw)
        for body in feedback:
            n = crc32(body["customer_id"].encode()) % partitions
            bus.logs[FEEDBACK, n].append(message(body, len(bus.logs[FEEDBACK, n]), n))
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
        self.profiles = [self._profiles(policy, n, identity, rereads=rereads) for n in numbers]
        self.identity = [self._identity(policy, n, profiles) for n in numbers]
        self.customers = [self._customers(policy, n, profiles) for n in numbers]
        self.learner = Stage(
            bus,
            [(EXAMPLES, 0)],
            lambda table: LearnerStage(reports, policy, table.items()),
            lambda shard, _topic, offset, record: shard.apply(offset, record),
            lambda shard: shard.flush(),
        )
        self.fleet = Stage(
            bus,
            [(SUMMARIES, 0)],
            lambda table: FleetStage(reports, policy, table.items()),
            lambda shard, _topic, offset, record: shard.apply(offset, record),
            lambda shard: shard.flush(),
        )
        self.triage = Stage(
            bus,
            [(CANDIDATES, 0)],
            lambda table: TriageStage(reports, policy, table.items()),
            lambda shard, _topic, offset, record: shard.apply(offset, record),
            lambda shard: shard.flush(),
        )
        self.stages += [*self.profiles, *self.identity, *self.customers, self.learner, self.fleet, self.triage]

    def _identity(self, policy: CorePolicy, n: int, sources: frozenset[str]) -> Stage:
        return Stage(
            self.bus,
            [(LINKS, n)],
            lambda table: IdentityShard(n, sources, policy.identity, table.items()),
            lambda shard, _topic, offset, record: shard.apply(offset, record, now_ms=None),
            lambda shard: shard.flush(),
        )

    def _profiles(self, policy: CorePolicy, n: int, identity: frozenset[str], *, rereads: bool) -> Stage:
        return Stage(
            self.bus,
            [(EVENTS, n), (OWNERS, n)],
            lambda table: ProfileShard(n, frozenset({f"{RAW}/0"}), identity, policy, table.get),
            lambda shard, topic, offset, record: (
                shard.apply(offset, record) if topic == EVENTS else shard.assign(offset, record)
            ),
            lambda shard: shard.flush(),
            rereads=rereads,
        )

    def _customers(self, policy: CorePolicy, n: int, sources: frozenset[str]) -> Stage:
        return Stage(
            self.bus,
            [(FEEDBACK, n), (STATES, n), (MODELS, n), (FLEET, n)],
            lambda table: CustomerShard(n, sources, policy, table.items()),
            lambda shard, topic, offset, record: (
                None if isinstance(record, Gone) else shard.apply(topic, offset, record, now_ms=None)
            ),
            lambda shard: shard.flush(),
            rereads=True,
        )

    def run(self, rng: Random, *, crashes: int = 0, zombies: bool = False) -> None:
        """Let random stages read random amounts until nothing is left, with that many crashes on the way.

        With ``zombies`` whoever crashes may still be heard of.
        """
        # Some runs flush rarely, so that a crash finds much under way; some zombies are heard of only in the end.
        patience, lateness = rng.choice([0.5, 0.5, 0.1, 0.02]), rng.choice([0.3, 0.03, 0])
        while True:
            if self.bus.late and rng.random() < lateness:
                self.bus.deliver_late(rng)
            busy = [stage for stage in self.stages if stage.pending()]
            if not busy:
                for stage in self.stages:
                    stage.store(rng, crash=False)
                if any(stage.pending() for stage in self.stages):
                    continue
                if not self.bus.late:
                    return
                self.bus.deliver_late(rng)
                continue
            stage = rng.choice(busy)
            stage.take(rng, stage.favourite if stage.favourite in stage.pending() else rng.choice(stage.pending()))
            if crashes and rng.random() < 0.1:
                crashes -= 1
                ahead = [stage for stage in self.stages if stage.read != stage.committed]
                rng.choice(ahead).store(rng, crash=True, zombie=zombies)
            elif rng.random() < patience:
                stage.store(rng, crash=False)
