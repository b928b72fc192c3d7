"""One partition of ``customers``: folds profile states, keeps event time, evaluates whoever is due (design §3).

Evaluation goes instant by instant, customers of one instant in the order of their ids. In a backfill the shard waits
after each observation instant until the model trained through it has come back, so that a score never depends on how
fast the learner was; live it does not wait.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ebbtide.models.churn.grid import is_observation_day, last_observation_day
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.clock.watermark import ClockState, from_ms
from ebbtide.models.customer.contracts import alert_record, example_record, score_record
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.due import DueDays
from ebbtide.models.customer.evaluation import DAY_MS, Decisions, Evaluator
from ebbtide.models.customer.later import LATER_KEY, Later
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.record import build_record, record_day
from ebbtide.models.customer.shelf import MODEL_KEY, ModelShelf
from ebbtide.models.customer.view import View, fold
from ebbtide.models.outputs import Flush, Output
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.learning import Model
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic

META_KEY = b"@partition"


class PartitionState(msgspec.Struct):
    """What the partition itself must remember."""

    applied: dict[str, int] = msgspec.field(default_factory=dict)
    clock: ClockState = msgspec.field(default_factory=ClockState)
    settled_day: int | None = None
    reported_day: int | None = None
    trained_day: int | None = None
    sequence: int = 0


class CustomerShard:
    """Customers of one partition. ``stored`` gives the table's values, once; writes go through ``flush``."""

    def __init__(
        self, partition: int, sources: frozenset[str], policy: CorePolicy, stored: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self.partition = partition
        self.customers: dict[str, Customer] = {}
        self._views: dict[str, View] = {}
        self._policy = policy
        self._evaluator = Evaluator(policy)
        self._models = ModelShelf(Scorer.from_model(Learner().to_model(None, "default")))
        self._due_days = DueDays()
        self._dirty: set[str] = set()
        self._outputs: list[Output] = []
        self._caused_ms: int | None = None
        self._meta = PartitionState()
        later: list[tuple[bytes, bytes]] = []
        for key, value in stored:
            if key.startswith(LATER_KEY):
                later.append((key, value))
            else:
                self._restore(key, value)
        self._later = Later(later, self._meta.applied.get(Topic.PROFILE_STATES.topic_name, -1))
        self._clock = self._meta.clock.clock(sources)

    def _restore(self, key: bytes, value: bytes) -> None:
        if key == META_KEY:
            self._meta = msgspec.msgpack.decode(value, type=PartitionState)
        elif key.startswith(MODEL_KEY):
            self._models.restore(value)
        else:
            customer = decode(value)
            self.customers[customer.customer_id] = customer
            self._views[customer.customer_id] = View(customer)
            if customer.due_day is not None:
                self._due_days.put(customer.due_day, customer.customer_id)

    @property
    def time_ms(self) -> int | None:
        """Watermark of the partition, epoch ms."""
        return self._clock.time_ms

    @property
    def settled_day(self) -> int | None:
        """The last grid instant that was evaluated."""
        return self._meta.settled_day

    def view(self, customer: Customer) -> View:
        """What is derived from the customer's shares."""
        return self._views[customer.customer_id]

    def apply(self, topic: str, offset: int, record: ProfileState | Tick | Model, *, now_ms: int | None) -> None:
        """Take in one record. ``now_ms`` is the wall clock; None in a replay, where nothing is live."""
        meta = self._meta
        if offset <= meta.applied.get(topic, -1):
            return
        meta.applied[topic] = offset
        meta.sequence += 1
        if isinstance(record, ProfileState):
            self._caused_ms = record.arrived_ms
            if record.effective_ms > self._next_ms:
                self._later.put(offset, record)
            else:
                self._fold(record, now_ms)
        elif isinstance(record, Model):
            self._models.add(record)
        else:
            self._caused_ms = record.arrived_ms or self._caused_ms
            if topic == Topic.MODELS.topic_name:
                if record.watermark is not None:
                    meta.trained_day = max(to_ms(record.watermark) // DAY_MS, meta.trained_day or 0)
            else:
                self._clock.tick(record)
            self._advance(now_ms)

    def _fold(self, record: ProfileState, now_ms: int | None) -> None:
        customer = self.customers.get(record.customer_id)
        if customer is None:
            if record.detached:
                # It never had what goes away.
                return
            customer = self.customers[record.customer_id] = Customer(
                record.customer_id, record.tenant, record.anchor.type, record.anchor.value
            )
            self._views[record.customer_id] = View(customer)
        view = self._views[record.customer_id]
        days = fold(customer, view, record)
        self._touch(customer)
        settled = self._meta.settled_day
        for day in days:
            if day == settled and _is_live(day, now_ms):
                decisions = Decisions()
                self._evaluator.returned(customer, view, day, decisions, complete=False)
                self._tell(customer, view, decisions)
            self._due(customer, day if settled is None else max(day, settled + 1))

    @property
    def _next_ms(self) -> int:
        """The next grid instant to evaluate: what holds from a later one waits."""
        settled = self._meta.settled_day
        return 0 if settled is None else (settled + 1) * DAY_MS

    def _fold_later(self, now_ms: int | None) -> None:
        """Whenever the next instant moves: no older record of a profile may wait while a newer one is folded."""
        for record in self._later.take(self._next_ms):
            self._fold(record, now_ms)

    def _due(self, customer: Customer, day: int) -> None:
        if customer.due_day is None or day < customer.due_day:
            customer.due_day = day
            self._due_days.put(day, customer.customer_id)

    def _advance(self, now_ms: int | None) -> None:
        """Evaluate every grid instant that time has passed, up to where the model allows."""
        meta = self._meta
        if self._clock.time_ms is None:
            return
        target = self._clock.time_ms // DAY_MS
        every_days = self._policy.observation.every_days
        if meta.settled_day is None:
            first = self._due_days.first_day
            meta.settled_day = (target if first is None else min(target, first)) - 1
            self._fold_later(now_ms)
            # Nobody was here before. The learner must hear it, or it would wait for this partition.
            self._report(last_observation_day(meta.settled_day, every_days))
        while not self._must_wait(meta.settled_day, now_ms):
            for _ in self._clock.take_observations((meta.settled_day + 1) * DAY_MS - 1):
                self._observe(meta.settled_day)
            if meta.settled_day >= target:
                return
            day = meta.settled_day + 1
            self._settle(day, now_ms)
            meta.settled_day = day
            self._fold_later(now_ms)
            if is_observation_day(day, every_days):
                self._report(day)

    def _must_wait(self, settled_day: int, now_ms: int | None) -> bool:
        """Whether what comes after ``settled_day`` needs a model that is not here yet."""
        meta = self._meta
        if meta.reported_day is None or (meta.trained_day or 0) >= meta.reported_day:
            return False
        return not _is_live(settled_day + 1, now_ms)

    def _settle(self, day: int, now_ms: int | None) -> None:
        live = _is_live(day, now_ms)
        scorers: dict[str, Scorer] = {}
        for due, customer_id in self._due_days.take(day):
            customer = self.customers[customer_id]
            if customer.due_day != due:
                continue
            customer.due_day = None
            view = self._views[customer_id]
            scorer = scorers.get(customer.tenant)
            if scorer is None:
                scorer = scorers[customer.tenant] = self._scorer(customer)
            decisions = self._evaluator.settle(customer, view, day, scorer, live=live)
            self._tell(customer, view, decisions)
            if customer.due_day is not None:
                self._due_days.put(customer.due_day, customer_id)
            self._touch(customer)

    def _observe(self, day: int) -> None:
        for customer_id in sorted(self.customers):
            customer, view = self.customers[customer_id], self._views[customer_id]
            self._tell(customer, view, self._evaluator.observe(customer, view, day, self._scorer(customer)))
            self._touch(customer)

    def _report(self, day: int) -> None:
        """Tell the learner that all examples up to this observation instant are out."""
        self._meta.reported_day = day
        tick = Tick(
            source=f"customers/{self.partition}", watermark=from_ms(day * DAY_MS), arrived_ms=self._caused_ms or 0
        )
        self._outputs.append(Output(Topic.TRAINING_EXAMPLES, "@tick", tick, 0))

    def _scorer(self, customer: Customer) -> Scorer:
        return self._models.scorer(customer.tenant, self._meta.settled_day or 0)

    def _touch(self, customer: Customer) -> None:
        customer.sequence = self._meta.sequence
        self._dirty.add(customer.customer_id)

    def _tell(self, customer: Customer, view: View, decisions: Decisions) -> None:
        send, key, caused = self._outputs.append, customer.customer_id, self._caused_ms
        if decisions.score is not None:
            customer.scored_day = decisions.score.day
            send(Output(Topic.SCORES, key, score_record(customer, view, decisions.score), caused_ms=caused))
        for told in decisions.alerts:
            send(Output(Topic.ALERTS, key, alert_record(customer, view, told), caused_ms=caused))
        for matured in decisions.matured:
            example = example_record(customer, matured, self._policy.label.horizon_days)
            if example is not None:
                send(Output(Topic.TRAINING_EXAMPLES, key, example, 0))

    def record(self, customer: Customer) -> CustomerRecord:
        """The customer record as of now: the settled instant, or the end of the customer's newest day."""
        view = self._views[customer.customer_id]
        day = record_day(view, self._meta.settled_day)
        return build_record(customer, view, day, customer.sequence, self._policy)

    @property
    def has_outputs(self) -> bool:
        """Whether anything was decided since the last time."""
        return bool(self._outputs)

    def take_outputs(self) -> list[Output]:
        """What was decided since the last time; state is left to ``flush``."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def flush(self) -> Flush:
        """What was decided, the records of the customers that changed, and the values to store."""
        flush = Flush(self.take_outputs())
        for customer_id in sorted(self._dirty):
            customer = self.customers[customer_id]
            flush.outputs.append(Output(Topic.CUSTOMER_RECORDS, customer_id, self.record(customer)))
            flush.writes[customer_id.encode()] = encode(customer)
        flush.writes.update(self._models.take_writes(self._meta.settled_day))
        flush.writes.update(self._later.take_writes())
        self._meta.clock = ClockState.of(self._clock)
        flush.writes[META_KEY] = msgspec.msgpack.encode(self._meta)
        self._dirty = set()
        return flush


def _is_live(day: int, now_ms: int | None) -> bool:
    """Whether ``day`` is at most a day old by the wall clock; in a replay nothing is."""
    return now_ms is not None and day * DAY_MS >= now_ms - DAY_MS
