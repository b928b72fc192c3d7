"""One partition of ``customers``: folds profile states, keeps event time, evaluates whoever is due (design §3).

Evaluation goes instant by instant, customers of one instant in the order of their ids. In a backfill the shard waits
after each observation instant until the model trained through it and the statistics of the fleet at it have come back,
so that nothing depends on how fast the learner and the fleet were; live it does not wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

import msgspec

from ebbtide.models.alerting.ops import source_candidates
from ebbtide.models.churn.grid import is_observation_day, last_observation_day
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import ModelError, Scorer
from ebbtide.models.churn.shift import counted
from ebbtide.models.clock.watermark import ClockState, from_ms
from ebbtide.models.customer.activity import ActivitySums
from ebbtide.models.customer.alarms import came_without_login
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.changes import Changes
from ebbtide.models.customer.contracts import outputs_of
from ebbtide.models.customer.customer import ANONYMOUS, Customer
from ebbtide.models.customer.decisions import Decisions
from ebbtide.models.customer.due import DueDays
from ebbtide.models.customer.evaluation import Evaluator
from ebbtide.models.customer.feedback import FEEDBACK_KEY, HeldFeedback, count_outcome, read_feedback
from ebbtide.models.customer.heard import Heard
from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.later import LATER_KEY, Later
from ebbtide.models.customer.news import NEWS_KEY
from ebbtide.models.customer.outages import Outages
from ebbtide.models.customer.packed import decode
from ebbtide.models.customer.partition_state import Count, PartitionState
from ebbtide.models.customer.seen import Seen, heard_until, seen_day
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.shelf import MODEL_KEY, STATS_KEY, ModelShelf, StatsShelf
from ebbtide.models.customer.sources import SOURCES_KEY, SourceBook
from ebbtide.models.customer.view import View, fold
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.fleet.summary import PartitionSums
from ebbtide.models.intake.accept import RawMessage, refuse
from ebbtide.models.outputs import ACTIVITY_KEY, ASKED_KEY, Flush, Output
from ebbtide.models.policy import CorePolicy
from ebbtide.models.record.build import build_record, record_day
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.dead_letter import DeadLetter, DeadLetterReason
from ebbtide.schemas.feedback import AlertFeedback, Feedback, FeedbackAction
from ebbtide.schemas.fleet import FleetStats, SourceHeartbeat
from ebbtide.schemas.learning import InputCounts, Model, ModelRole
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic

META_KEY = b"@partition"
_STATES_OVER_MODELS = 1024
"""So much further a version counts by a record of ``profile-states`` than by one of ``models``."""

_STATES = Topic.PROFILE_STATES.topic_name
_MODELS = Topic.MODELS.topic_name
_FLEET_STATS = Topic.FLEET_STATS.topic_name
_FEEDBACK = Topic.FEEDBACK.topic_name


class CustomerShard:
    """Customers of one partition. ``stored`` gives the table's values, once; writes go through ``flush``."""

    def __init__(
        self, partition: int, sources: frozenset[str], policy: CorePolicy, stored: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self.partition = partition
        self.customers: dict[str, Customer] = {}
        self._views: dict[str, View] = {}
        self._policy = policy
        self._kept = kept(policy)
        self._evaluator = Evaluator(policy)
        self._models = ModelShelf(Scorer.from_model(Learner().to_model(None, "default")))
        self._fleet = StatsShelf()
        self._sums = PartitionSums(policy.fleet.accuracy, policy.lead.ranked, policy.look_alike.candidates)
        self._due_days = DueDays()
        self._changes = Changes(self.customers, self.record)
        self._outputs: list[Output] = []
        self._caused_ms: int | None = None
        self._meta = PartitionState()
        self._heard = Heard()
        self.sources = SourceBook(policy.sources)
        self.feedback_taken: Counter[str] = Counter()
        self.feedback_refused: Counter[str] = Counter()
        self.refused_models: list[str] = []
        self._asked: dict[str, list[bytes]] = {}
        self._activity = ActivitySums()
        values: dict[bytes, bytes] = {}
        later: list[tuple[bytes, bytes]] = []
        held: list[tuple[bytes, bytes]] = []
        for key, value in stored:
            if key.startswith(LATER_KEY):
                later.append((key, value))
            elif key.startswith(FEEDBACK_KEY):
                held.append((key, value))
            elif not self._restore(key, value):
                values[key] = value
        for key, value in values.items():
            if not key.startswith(NEWS_KEY):
                self._resume(value, values.get(NEWS_KEY + key))
        self._feedback = HeldFeedback(held, self._meta.applied.get(_FEEDBACK, -1))
        self._later = Later(later, self._meta.applied.get(_STATES, -1))
        for record in self._later.records:
            self._heard.put(record, self._share(record))
        self._clock = self._meta.clock.clock(sources)
        if self._meta.reported_day is not None and self._meta.stats_day is None:
            # The fleet has not answered yet; it may never have been asked, by a version that had none.
            self._send_tick(Topic.GRID_SUMMARIES, self._meta.reported_day)

    def _restore(self, key: bytes, value: bytes) -> bool:
        """Take a value that is of no single customer; False for others."""
        if key == META_KEY:
            self._meta = msgspec.msgpack.decode(value, type=PartitionState)
        elif key == SOURCES_KEY:
            self.sources = SourceBook(self._policy.sources, value)
        elif key.startswith(MODEL_KEY):
            self._models.restore(value)
        elif key.startswith(STATS_KEY):
            self._fleet.restore(value)
        else:
            return False
        return True

    def _resume(self, value: bytes, news: bytes | None) -> None:
        """Take a customer's value, and what it heard since."""
        customer = decode(value)
        self.customers[customer.customer_id] = customer
        view = self._views[customer.customer_id] = View(customer, self._kept)
        self._changes.restore(customer, view, value, news)
        for share in customer.shares.values():
            self._heard.restore(share)
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

    @property
    def counts(self) -> Mapping[str, Count]:
        """The last count of every source that told one."""
        return self._meta.counts

    @property
    def messages(self) -> int:
        """Distinct messages that count for customers of the partition."""
        return sum(self._heard.messages.values())

    def view(self, customer: Customer) -> View:
        """What is derived from the customer's shares."""
        return self._views[customer.customer_id]

    def apply(
        self,
        topic: str,
        offset: int,
        record: ProfileState | SourceHeartbeat | Tick | Model | FleetStats | RawMessage,
        *,
        now_ms: int | None,
    ) -> None:
        """Take in one record, feedback as it was sent. ``now_ms`` is the wall clock; None in a replay, never live."""
        meta = self._meta
        if offset <= meta.applied.get(topic, -1):
            return
        meta.applied[topic] = offset
        meta.sequence += 1
        if topic == _STATES:
            # After a crash models may come later than before it: whoever has heard more states must count further.
            meta.sequence = max(meta.sequence, (offset + 1) * _STATES_OVER_MODELS)
        if isinstance(record, ProfileState):
            self._caused_ms = record.arrived_ms
            if record.effective_ms > self._next_ms:
                self._later.put(offset, record)
                self._heard.put(record, self._share(record))
            else:
                self._fold(record, now_ms)
        elif isinstance(record, Model):
            self._take_model(record)
        elif isinstance(record, FleetStats):
            self._fleet.add(record)
        elif isinstance(record, SourceHeartbeat):
            self.sources.put(record)
        elif isinstance(record, RawMessage):
            self._hear(record, now_ms)
        else:
            self._pass(topic, record)
            self._advance(now_ms)

    def _pass(self, topic: str, tick: Tick) -> None:
        """Time went on: at a source, or for the learner or the fleet."""
        meta = self._meta
        self._caused_ms = tick.arrived_ms or self._caused_ms
        if topic == _MODELS:
            meta.trained_day = _later(tick, meta.trained_day)
        elif topic == _FLEET_STATS:
            meta.stats_day = _later(tick, meta.stats_day)
        else:
            self._count(tick)
            self._clock.tick(tick)

    def _take_model(self, model: Model) -> None:
        """A champion that answers its own check vectors is used; else the last good one goes on, and it is counted."""
        if model.role is ModelRole.CHALLENGER:
            return
        try:
            self._models.add(model)
        except ModelError as error:
            self.refused_models.append(str(error))

    def _share(self, record: ProfileState) -> Share | None:
        customer = self.customers.get(record.customer_id)
        return None if customer is None else customer.share(record.profile_id)

    def _count(self, tick: Tick) -> None:
        """Hold what is here against what the source says, where it says so: it told all of that before.

        A worker that takes over may say it again with more; one that was thought dead may say it late, with less.
        """
        if tick.accepted is None or tick.watermark is None:
            return
        known, at_ms = self._meta.counts.get(tick.source), to_ms(tick.watermark)
        if known is None or (at_ms, tick.accepted) > (known.at_ms, known.told):
            partition = int(tick.source.rpartition("/")[2])
            self._meta.counts[tick.source] = Count(at_ms, tick.accepted, self._heard.messages[partition])

    def _fold(self, record: ProfileState, now_ms: int | None) -> None:
        customer = self.customers.get(record.customer_id)
        if customer is None:
            if record.detached:
                # It never had what goes away.
                return
            customer = self.customers[record.customer_id] = Customer(
                record.customer_id, record.tenant, record.anchor.type, record.anchor.value
            )
            self._views[record.customer_id] = View(customer, self._kept)
        view = self._views[record.customer_id]
        share = customer.share(record.profile_id)
        before = (-1, 0) if share is None else (share.partition, share.accepted)
        days = fold(customer, view, record)
        if days is not None:
            self._changes.hear(record)
        self._heard.folded(record, before, customer.shares[record.profile_id])
        self._touch(customer)
        settled = self._meta.settled_day
        first = 0 if settled is None else settled + 1
        if days and now_ms is None:
            # An instant sees only what lies before it.
            self._due(customer, max(days[0] + 1, first))
        elif days:
            self._fold_live(customer, view, days, first, now_ms)
        if record.detached and customer.alerts:
            # What facts alone had opened goes with whom they were told of.
            self._due(customer, first)
        for outcome in record.outcomes.values():
            self._due(customer, max(outcome.at_ms // DAY_MS + 1, first))
        if customer.settled_day is None and record.traits:
            # Nobody but the CRM knows it yet.
            told = min(values[0].at_ms for values in record.traits.values()) // DAY_MS
            self._due(customer, max(told + 1, first))

    def _fold_live(self, customer: Customer, view: View, days: list[int], first: int, now_ms: int | None) -> None:
        """Live a return is told on the day that begins; mostly it was awake anyway."""
        for day in days:
            is_live, slept = _is_live(day, now_ms), customer.silence is not SilenceState.AWAKE
            if is_live and day == first - 1 and (slept or came_without_login(view, day)):
                outages = Outages.of(self.sources, customer.tenant, day)
                self._tell(customer, view, self._evaluator.returned(customer, view, day, outages), day)
            self._due(customer, max(day if is_live else day + 1, first))

    @property
    def _next_ms(self) -> int:
        """The next grid instant to evaluate: what holds from a later one waits."""
        settled = self._meta.settled_day
        return 0 if settled is None else (settled + 1) * DAY_MS

    def _hear(self, message: RawMessage, now_ms: int | None) -> None:
        told = read_feedback(message)
        if isinstance(told, DeadLetter):
            self._refuse(told)
        elif told.action is not FeedbackAction.OUTCOME and _is_live(to_ms(told.recorded_at) // DAY_MS, now_ms):
            self._take_feedback(message, told, at_once=True)
        else:
            self._feedback.put(message, told)

    def _count_feedback(self, instant_ms: int) -> None:
        """What people recorded before the instant counts from it on. Who is not known by then is not known."""
        for message, told in self._feedback.take(instant_ms):
            self._take_feedback(message, told, at_once=False)

    def _take_feedback(self, message: RawMessage, told: Feedback, *, at_once: bool) -> None:
        """An outcome counts for labels; what is said of an alert goes on to who decides about alerts."""
        customer = self.customers.get(told.customer_id)
        if customer is None or customer.tenant != told.tenant:
            detail = f"no customer {told.customer_id} of tenant {told.tenant} was known when it was recorded"
            self._refuse(refuse(message, DeadLetterReason.UNKNOWN_CUSTOMER, detail))
        elif customer.is_vacant:
            detail = f"nothing counts for customer {told.customer_id} any more: tell it of the one it is part of"
            self._refuse(refuse(message, DeadLetterReason.UNKNOWN_CUSTOMER, detail))
        elif told.outcome is None:
            forwarded = AlertFeedback.unchecked(feedback=told, at_once=at_once)
            self._outputs.append(Output(Topic.ALERT_CANDIDATES, told.customer_id, forwarded, 0))
            self.feedback_taken[told.action] += 1
        elif count_outcome(customer, told):
            self.feedback_taken[told.outcome] += 1
            self._move(customer)
        else:
            self.feedback_refused["repeated"] += 1

    def _refuse(self, letter: DeadLetter) -> None:
        self.feedback_refused[letter.reason] += 1
        self._outputs.append(Output(Topic.DEAD_LETTERS, letter.dead_letter_id, letter))

    def _fold_later(self, now_ms: int | None) -> None:
        """Whenever the next instant moves: no older record of a profile may wait while a newer one is folded."""
        for record in self._later.take(self._next_ms):
            self._fold(record, now_ms)
            self._heard.taken(record)

    def _due(self, customer: Customer, day: int) -> None:
        if customer.settled_day is not None:
            # After a crash its value may be ahead of the partition's own: what it heard before that is told once.
            day = max(day, customer.settled_day + 1)
        if customer.due_day is None or day < customer.due_day:
            customer.due_day = day
            self._due_days.put(day, customer.customer_id)

    def _advance(self, now_ms: int | None) -> None:
        """Evaluate every grid instant that time has passed, up to where the model and the fleet allow."""
        meta = self._meta
        if self._clock.time_ms is None:
            return
        target = self._clock.time_ms // DAY_MS
        every_days = self._policy.observation.every_days
        if meta.settled_day is None:
            first = self._due_days.first_day
            meta.settled_day = (target if first is None else min(target, first)) - 1
            self._fold_later(now_ms)
            # Nobody was here before. Who is one for all must hear it, or they would wait for this partition.
            self._end_instant()
            self._report(last_observation_day(meta.settled_day, every_days))
        while not self._must_wait(meta.settled_day, now_ms):
            for _ in self._clock.take_observations((meta.settled_day + 1) * DAY_MS - 1):
                self._observe(meta.settled_day)
            self._end_instant()
            if meta.settled_day >= target:
                return
            day = meta.settled_day + 1
            self._count_feedback(day * DAY_MS)
            self._settle(day, now_ms)
            # Triage judges by it at once, the fleet when it tells its statistics.
            self._outputs += [
                Output(topic, ACTIVITY_KEY, activity, 0)
                for activity in self._activity.take(from_ms(day * DAY_MS), self._source, self.sources)
                for topic in (Topic.ALERT_CANDIDATES, Topic.GRID_SUMMARIES)
            ]
            meta.settled_day = day
            self._fold_later(now_ms)
            if is_observation_day(day, every_days):
                self._report(day)

    def _end_instant(self) -> None:
        """Tell triage that all that holds at the settled instant is told, what was observed at it included."""
        meta = self._meta
        if meta.settled_day is not None and meta.ended_day != meta.settled_day:
            meta.ended_day = meta.settled_day
            self._send_tick(Topic.ALERT_CANDIDATES, meta.settled_day)

    def _must_wait(self, settled_day: int, now_ms: int | None) -> bool:
        """Whether what comes after ``settled_day`` needs a model, or statistics, that are not here yet."""
        meta = self._meta
        if meta.reported_day is None or min(meta.trained_day or 0, meta.stats_day or 0) >= meta.reported_day:
            return False
        return not _is_live(settled_day + 1, now_ms)

    def _settle(self, day: int, now_ms: int | None) -> None:
        live = _is_live(day, now_ms)
        scorers: dict[str, Scorer] = {}
        outages = self._outages(day)
        for tenant in self.sources.tenants:
            self._look_at_the_blind(tenant, day, outages(tenant))
            if self.partition == 0:
                # Heartbeats go to every partition: one of them speaks for all.
                self._outputs += [
                    Output(Topic.ALERT_CANDIDATES, tenant, candidate, 0)
                    for candidate in source_candidates(self.sources, tenant, day)
                ]
        for due, customer_id in self._due_days.take(day):
            customer = self.customers[customer_id]
            if customer.due_day != due:
                continue
            customer.due_day = None
            view = self._views[customer_id]
            scorer = scorers.get(customer.tenant)
            if scorer is None:
                scorer = scorers[customer.tenant] = self._scorer(customer)
            fleet = self._fleet.stats(customer.tenant, day - 1)
            decisions = self._evaluator.settle(customer, view, day, scorer, fleet, outages(customer.tenant), live=live)
            self._tell(customer, view, decisions, day)
            if day - 1 in view.series and customer.kind != ANONYMOUS:
                # Who somebody turns out to be may be known before the day is over, or after it: batches decide.
                self._activity.add(customer, day - 1)
            if decisions.frozen is not None:
                self._asked.setdefault(customer.tenant, []).append(decisions.frozen)
            if decisions.contribution is not None:
                self._sums.add(customer.tenant, decisions.contribution)
            if customer.due_day is not None:
                self._due_days.put(customer.due_day, customer_id)
            self._move(customer)

    def _look_at_the_blind(self, tenant: str, day: int, outages: Outages | None) -> None:
        """Whom nobody can see from ``day`` on is due at it: however quiet, its score is none any more."""
        if outages is None or not outages.blind:
            return
        before = Outages.of(self.sources, tenant, day - 1)
        if before is not None and outages.blind <= before.blind:
            return
        for customer in self.customers.values():
            later = customer.due_day is not None and customer.due_day > day
            if later and customer.tenant == tenant:
                view = self._views[customer.customer_id]
                if Seen(customer, view, outages, day).is_blind:
                    self._due(customer, day)

    def _observe(self, day: int) -> None:
        outages = self._outages(day)
        for customer_id in sorted(self.customers):
            customer, view = self.customers[customer_id], self._views[customer_id]
            if customer.is_vacant:
                continue
            scorer = self._scorer(customer)
            decisions = self._evaluator.observe(customer, view, day, scorer, outages(customer.tenant))
            self._tell(customer, view, decisions, day)
            self._move(customer)

    def _outages(self, day: int) -> Callable[[str], Outages | None]:
        """The outages of a tenant known by ``day``, each looked up once."""
        return cache(lambda tenant: Outages.of(self.sources, tenant, day))

    def _report(self, day: int) -> None:
        """Tell the learner that all examples up to this observation instant are out, and what the model was asked at
        it, and the fleet what all add up to.

        Both are single writers: everything goes to partition 0.
        """
        self._meta.reported_day = day
        for summary in self._sums.take(from_ms(day * DAY_MS), self._source):
            self._outputs.append(Output(Topic.GRID_SUMMARIES, summary.tenant, summary, 0))
        asked, self._asked = self._asked, {}
        for tenant, vectors in sorted(asked.items()):
            counts = InputCounts.unchecked(
                tenant=tenant,
                instant=from_ms(day * DAY_MS),
                source=self._source,
                customers=len(vectors),
                features=counted(vectors),
            )
            self._outputs.append(Output(Topic.TRAINING_EXAMPLES, ASKED_KEY, counts, 0))
        self._send_tick(Topic.TRAINING_EXAMPLES, day)
        self._send_tick(Topic.GRID_SUMMARIES, day)

    def _send_tick(self, topic: Topic, day: int) -> None:
        tick = Tick(source=self._source, watermark=from_ms(day * DAY_MS), arrived_ms=self._caused_ms or 0)
        self._outputs.append(Output(topic, "@tick", tick, 0))

    @property
    def _source(self) -> str:
        return f"customers/{self.partition}"

    def _scorer(self, customer: Customer) -> Scorer:
        return self._models.scorer(customer.tenant, self._meta.settled_day or 0)

    def _move(self, customer: Customer) -> None:
        """More than the records that it heard changed it."""
        self._changes.move(customer.customer_id)
        self._touch(customer)

    def _touch(self, customer: Customer) -> None:
        customer.sequence = self._meta.sequence
        self._changes.touch(customer.customer_id)

    def _tell(self, customer: Customer, view: View, decisions: Decisions, day: int) -> None:
        self._outputs += outputs_of(customer, view, decisions, self._policy, self._caused_ms, day=day)

    def record(self, customer: Customer) -> CustomerRecord:
        """The customer record as of now: the settled instant, or the end of the customer's newest day."""
        view = self._views[customer.customer_id]
        settled = self._meta.settled_day
        day, seen = record_day(view, settled), None
        if customer.blind:
            seen = seen_day(view, day, heard_until(customer, settled, self.sources))
        return build_record(customer, view, day, customer.sequence, self._policy, self.fleet(customer), seen_day=seen)

    def fleet(self, customer: Customer) -> Fleet | None:
        """The newest statistics of all customers of its tenant as of the settled instant."""
        return self._fleet.stats(customer.tenant, self._meta.settled_day or 0)

    def owed_records(self, now_ms: int, most: int) -> list[Output]:
        """Records of so many customers at most that ``flush`` left for later and that are due, for when nothing comes.

        They rest on what is stored already; that they were told is stored with what comes next. After a crash they may
        be told again, with the same version.
        """
        return self._changes.owed(now_ms, most)

    @property
    def has_outputs(self) -> bool:
        """Whether anything was decided since the last time."""
        return bool(self._outputs)

    def take_outputs(self) -> list[Output]:
        """What was decided since the last time; state is left to ``flush``."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def flush(self, now_ms: int | None = None) -> Flush:
        """What was decided, the records of the customers that changed, and the values to store.

        Live, by the wall clock, not all records: see ``owed_records``.
        """
        flush = Flush()
        for part in self.flush_by_parts(now_ms):
            flush.outputs += part.outputs
            flush.writes.update(part.writes)
        return flush

    def flush_by_parts(self, now_ms: int | None = None) -> Iterator[Flush]:
        """What ``flush`` gives, little by little: a customer takes half a millisecond. Nothing is applied meanwhile.

        Who is left with nothing has no record any more. It stays in the table, which knows what is too old to count.
        """
        yield Flush(self.take_outputs())
        yield from self._changes.take(now_ms)
        yield Flush(writes=self._own_writes())

    def _own_writes(self) -> dict[bytes, bytes | None]:
        """Table values that are of no single customer. Those of the partition itself last."""
        writes: dict[bytes, bytes | None] = {}
        writes.update(self._models.take_writes(self._meta.settled_day))
        writes.update(self._fleet.take_writes(self._meta.settled_day))
        writes.update(self._later.take_writes())
        writes.update(self._feedback.take_writes())
        heartbeats = self.sources.take_write()
        if heartbeats is not None:
            writes[SOURCES_KEY] = heartbeats
        self._meta.clock = ClockState.of(self._clock)
        writes[META_KEY] = msgspec.msgpack.encode(self._meta)
        return writes


def _later(tick: Tick, day: int | None) -> int | None:
    """The greater of a tick's day and ``day``."""
    return day if tick.watermark is None else max(to_ms(tick.watermark) // DAY_MS, day or 0)


def _is_live(day: int, now_ms: int | None) -> bool:
    """Whether ``day`` is at most a day old by the wall clock; in a replay nothing is."""
    return now_ms is not None and day * DAY_MS >= now_ms - DAY_MS
