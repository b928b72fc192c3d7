"""The learner's stage: one ordered stream of matured examples in, models out (design §9).

Examples are learned when every partition of ``customers`` has reported an observation instant, in the order (when the
label was due, or its correction found; instant of the observation; customer id): the order of arrival does not matter,
so learning is reproducible.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import msgspec

from ebbtide.models.churn.succession import Dropped, Succession, Told
from ebbtide.models.clock.watermark import PartitionClock, SourceClock, from_ms
from ebbtide.models.outputs import EVERY_PARTITION, Flush, Output, Tombstone
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.learning import InputCounts, Model, ModelEvent, ModelOperation, TrainingExample
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic

META_KEY = b"@partition"
LEARNER_KEY = b"learner/"
KEPT_KEY = b"kept/"
COUNTS_KEY = b"counts/"
_EXAMPLE_KEY = b"example/"


class LearnerState(msgspec.Struct):
    """What the stage must remember beside the models."""

    applied: int = -1
    time_ms: int | None = None
    sources: dict[str, tuple[int | None, bool]] = msgspec.field(default_factory=dict)


class Asked(NamedTuple):
    """Which counts of what the model was asked: those of a partition at an instant."""

    instant_ms: int
    tenant: str
    source: str

    @property
    def key(self) -> bytes:
        """Under which the table keeps them."""
        return COUNTS_KEY + msgspec.json.encode(self)


class LearnerStage:
    """Learns per tenant. ``stored`` gives the table's values once; writes go through ``flush``."""

    def __init__(self, sources: frozenset[str], policy: CorePolicy, stored: Iterable[tuple[bytes, bytes]]) -> None:
        self.repeats = 0
        self._policy = policy
        self._tenants: dict[str, Succession] = {}
        self._waiting: dict[bytes, TrainingExample] = {}
        self._counts: dict[Asked, InputCounts] = {}
        self._changed: dict[str, None] = {}
        self._writes: dict[bytes, TrainingExample | InputCounts | Model | None] = {}
        self._outputs: list[Output] = []
        self._meta = LearnerState()
        values: dict[str, bytes] = {}
        kept: dict[str, list[Model]] = {}
        for key, value in stored:
            if key == META_KEY:
                self._meta = msgspec.msgpack.decode(value, type=LearnerState)
            elif key.startswith(LEARNER_KEY):
                values[key.removeprefix(LEARNER_KEY).decode()] = value
            elif key.startswith(KEPT_KEY):
                model = Model.from_json(value)
                kept.setdefault(model.tenant, []).append(model)
            elif key.startswith(COUNTS_KEY):
                asked = msgspec.json.decode(key.removeprefix(COUNTS_KEY), type=Asked)
                self._counts[asked] = InputCounts.from_json(value)
            else:
                self._waiting[key] = TrainingExample.from_json(value)
        for tenant, value in values.items():
            self._tenants[tenant] = Succession.restored(tenant, policy, value, kept.get(tenant, ()))
            self._take_told(tenant)
        self._forget_what_is_done()
        self._clock = PartitionClock(
            sources,
            {name: SourceClock(ms, idle) for name, (ms, idle) in self._meta.sources.items()},
            self._meta.time_ms,
        )

    def _forget_what_is_done(self) -> None:
        """Where a crash came between the models and what they had learned."""
        for key in [key for key, example in self._waiting.items() if self._is_learned(example)]:
            del self._waiting[key]
            self._writes[key] = None
        for asked in [asked for asked in self._counts if self._is_seen(asked)]:
            del self._counts[asked]
            self._writes[asked.key] = None

    @property
    def waiting(self) -> int:
        """Examples whose instant not every partition has reported."""
        return len(self._waiting)

    @property
    def tenants(self) -> dict[str, Succession]:
        """Models of every tenant that was heard of."""
        return self._tenants

    def apply(self, offset: int, record: TrainingExample | InputCounts | ModelOperation | Tick) -> None:
        """Take in one record; learn when an observation instant is complete."""
        if offset <= self._meta.applied:
            return
        self._meta.applied = offset
        if isinstance(record, TrainingExample):
            if self._is_repeat(record):
                self.repeats += 1
                return
            name = f"{record.tenant}/{record.customer_id}/{to_ms(record.observed_at)}/{record.revision}"
            key = _EXAMPLE_KEY + name.encode()
            self._waiting[key] = record
            self._writes[key] = record
        elif isinstance(record, InputCounts):
            asked = Asked(to_ms(record.instant), record.tenant, record.source)
            # What a worker that took over tells again lacks those who had been asked before.
            if asked in self._counts or self._is_seen(asked) or self._is_reported(asked.instant_ms):
                self.repeats += 1
                return
            self._counts[asked] = record
            self._writes[asked.key] = record
        elif isinstance(record, ModelOperation):
            self._succession(record.tenant).operate(record, self._clock.time_ms or 0)
            self._take_told(record.tenant)
        elif self._clock.tick(record):
            self._learn(self._clock.time_ms or 0)

    def _is_repeat(self, example: TrainingExample) -> bool:
        """Whether every partition had reported the example's instant: a worker that took over told it a second time.

        The model may be ahead of the partition's own mark, where a crash cut a flush in two.
        """
        return self._is_learned(example) or self._is_reported(to_ms(example.matured_at))

    def _is_reported(self, ms: int) -> bool:
        reported_ms = self._clock.time_ms
        return reported_ms is not None and ms <= reported_ms

    def _is_learned(self, example: TrainingExample) -> bool:
        known = self._tenants.get(example.tenant)
        return known is not None and known.trained_ms is not None and to_ms(example.matured_at) <= known.trained_ms

    def _is_seen(self, asked: Asked) -> bool:
        known = self._tenants.get(asked.tenant)
        return known is not None and known.seen_ms is not None and asked.instant_ms <= known.seen_ms

    def _learn(self, through_ms: int) -> None:
        seen = sorted(asked for asked in self._counts if asked.instant_ms <= through_ms)
        for (instant_ms, tenant), parts in groupby(seen, key=attrgetter("instant_ms", "tenant")):
            counts = [self._counts[asked] for asked in parts]
            self._succession(tenant).observe(instant_ms, [(part.customers, part.features) for part in counts])
            self._take_told(tenant)
        ready = sorted(
            (
                (e.tenant, to_ms(e.matured_at), to_ms(e.observed_at), e.customer_id, key)
                for key, e in self._waiting.items()
                if to_ms(e.matured_at) <= through_ms
            )
        )
        for tenant, rows in groupby(ready, key=lambda row: row[0]):
            self._succession(tenant).learn((self._waiting[key] for *_, key in rows), through_ms)
            self._take_told(tenant)
        # After the models, in a flush that may be cut in two: nothing is gone that they have not learned.
        for asked in seen:
            del self._counts[asked]
            self._writes[asked.key] = None
        for *_, key in ready:
            del self._waiting[key]
            self._writes[key] = None
        tick = Tick(source="learner", watermark=from_ms(through_ms), arrived_ms=0)
        self._outputs.append(Output(Topic.MODELS, "@tick", tick, EVERY_PARTITION))

    def _succession(self, tenant: str) -> Succession:
        self._changed[tenant] = None
        found = self._tenants.get(tenant)
        if found is None:
            found = self._tenants[tenant] = Succession(tenant, self._policy)
        return found

    def _take_told(self, tenant: str) -> None:
        succession = self._succession(tenant)
        kept = {model.model_version for model in succession.kept}
        for told in succession.take_told():
            self._outputs.append(self._output(tenant, told))
            if not isinstance(told, ModelEvent) and (isinstance(told, Dropped) or told.model_version in kept):
                key = KEPT_KEY + f"{tenant}/{told.model_version}".encode()
                self._writes[key] = None if isinstance(told, Dropped) else told

    def _output(self, tenant: str, told: Told) -> Output:
        if isinstance(told, ModelEvent):
            return Output(Topic.MODEL_EVENTS, tenant, told)
        key = f"{tenant}/{told.model_version}"
        if isinstance(told, Dropped):
            return Output(Topic.MODELS, key, Tombstone(tenant, 0), EVERY_PARTITION)
        return Output(Topic.MODELS, key, told, EVERY_PARTITION)

    def model(self, tenant: str) -> Model:
        """The tenant's current model."""
        return (self._tenants.get(tenant) or Succession(tenant, self._policy)).model()

    def take_outputs(self) -> list[Output]:
        """Models and events since the last time; state is left to ``flush``."""
        outputs, self._outputs, self._writes, self._changed = self._outputs, [], {}, {}
        return outputs

    def flush(self) -> Flush:
        """Models to publish and values to store since the last flush."""
        meta, clock = self._meta, self._clock
        meta.time_ms = clock.time_ms
        meta.sources = {name: (s.watermark_ms, s.idle) for name, s in clock.sources.items()}
        flush = Flush()
        writes = {key: None if value is None else value.to_json() for key, value in self._writes.items()}
        # Where it is cut in two: what is kept may be ahead of the champion, what was learned may not be gone before.
        flush.writes = {key: value for key, value in writes.items() if key.startswith(KEPT_KEY)}
        flush.writes |= {LEARNER_KEY + tenant.encode(): self._tenants[tenant].stored() for tenant in self._changed}
        flush.writes |= writes
        flush.writes[META_KEY] = msgspec.msgpack.encode(meta)
        flush.outputs = self.take_outputs()
        return flush
