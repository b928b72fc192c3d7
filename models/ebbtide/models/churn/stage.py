"""The learner's stage: one ordered stream of matured examples in, models out (design §9).

Examples are learned when every partition of ``customers`` has reported an observation instant, in the order (when the
label was due, or its correction found; instant of the observation; customer id): the order of arrival does not matter,
so learning is reproducible.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.clock.watermark import PartitionClock, SourceClock, from_ms
from ebbtide.models.outputs import EVERY_PARTITION, Flush, Output
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.learning import Model, TrainingExample
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic

META_KEY = b"@partition"
LEARNER_KEY = b"learner/"
_EXAMPLE_KEY = b"example/"


class LearnerState(msgspec.Struct):
    """What the stage must remember beside the models."""

    applied: int = -1
    time_ms: int | None = None
    sources: dict[str, tuple[int | None, bool]] = msgspec.field(default_factory=dict)


class LearnerStage:
    """Learns per tenant. ``stored`` gives the table's values once; writes go through ``flush``."""

    def __init__(self, sources: frozenset[str], stored: Iterable[tuple[bytes, bytes]]) -> None:
        self.learners: dict[str, Learner] = {}
        self.repeats = 0
        self._trained: dict[str, int] = {}
        self._waiting: dict[bytes, TrainingExample] = {}
        self._writes: dict[bytes, TrainingExample | Model | None] = {}
        self._outputs: list[Output] = []
        self._meta = LearnerState()
        for key, value in stored:
            if key == META_KEY:
                self._meta = msgspec.msgpack.decode(value, type=LearnerState)
            elif key.startswith(LEARNER_KEY):
                model = Model.from_json(value)
                self.learners[model.tenant] = Learner.from_model(model)
                if model.trained_through is not None:  # pragma: no branch - a stored one always is trained
                    self._trained[model.tenant] = to_ms(model.trained_through)
            else:
                self._waiting[key] = TrainingExample.from_json(value)
        for key in [key for key, example in self._waiting.items() if self._is_learned(example)]:
            # A crash came between the model and its examples.
            del self._waiting[key]
            self._writes[key] = None
        self._clock = PartitionClock(
            sources,
            {name: SourceClock(ms, idle) for name, (ms, idle) in self._meta.sources.items()},
            self._meta.time_ms,
        )

    @property
    def waiting(self) -> int:
        """Examples whose instant not every partition has reported."""
        return len(self._waiting)

    def apply(self, offset: int, record: TrainingExample | Tick) -> None:
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
        elif self._clock.tick(record):
            self._learn(self._clock.time_ms or 0)

    def _is_repeat(self, example: TrainingExample) -> bool:
        """Whether every partition had reported the example's instant: a worker that took over told it a second time.

        The model may be ahead of the partition's own mark, where a crash cut a flush in two.
        """
        reported_ms = self._clock.time_ms
        return self._is_learned(example) or (reported_ms is not None and to_ms(example.matured_at) <= reported_ms)

    def _is_learned(self, example: TrainingExample) -> bool:
        trained_ms = self._trained.get(example.tenant)
        return trained_ms is not None and to_ms(example.matured_at) <= trained_ms

    def _learn(self, through_ms: int) -> None:
        ready = sorted(
            (
                (e.tenant, to_ms(e.matured_at), to_ms(e.observed_at), e.customer_id, key)
                for key, e in self._waiting.items()
                if to_ms(e.matured_at) <= through_ms
            )
        )
        for tenant, *_, key in ready:
            _teach(self._learner(tenant), self._waiting[key])
            self._trained[tenant] = through_ms
        for tenant in sorted({tenant for tenant, *_ in ready}):
            model = self.model(tenant)
            self._writes[LEARNER_KEY + tenant.encode()] = model
            self._outputs.append(Output(Topic.MODELS, tenant, model, EVERY_PARTITION))
        # After the model, in a flush that may be cut in two: no example is gone that the model has not learned.
        for *_, key in ready:
            del self._waiting[key]
            self._writes[key] = None
        tick = Tick(source="learner", watermark=from_ms(through_ms), arrived_ms=0)
        self._outputs.append(Output(Topic.MODELS, "@tick", tick, EVERY_PARTITION))

    def _learner(self, tenant: str) -> Learner:
        learner = self.learners.get(tenant)
        if learner is None:
            learner = self.learners[tenant] = Learner()
        return learner

    def model(self, tenant: str) -> Model:
        """The tenant's current model."""
        trained = self._trained.get(tenant)
        return self._learner(tenant).to_model(None if trained is None else from_ms(trained), tenant)

    def take_outputs(self) -> list[Output]:
        """Models since the last time; state is left to ``flush``."""
        outputs, self._outputs, self._writes = self._outputs, [], {}
        return outputs

    def flush(self) -> Flush:
        """Models to publish and values to store since the last flush."""
        meta, clock = self._meta, self._clock
        meta.time_ms = clock.time_ms
        meta.sources = {name: (s.watermark_ms, s.idle) for name, s in clock.sources.items()}
        flush = Flush()
        flush.writes = {key: None if value is None else value.to_json() for key, value in self._writes.items()}
        flush.writes[META_KEY] = msgspec.msgpack.encode(meta)
        flush.outputs = self.take_outputs()
        return flush


def _teach(learner: Learner, example: TrainingExample) -> None:
    features = [example.features[name] for name in NAMES]
    if example.previous_label is not None:
        learner.correct(features, example.label, example.previous_label, example.p_churn)
    else:
        assert example.label is not None, "whoever never had a label has none that could be withdrawn"
        learner.learn(features, example.label, example.p_churn)
