"""The whole topology in one process: the shards of one partition each, wired by function calls (design §3).

It is what ``replay`` drives and what the Kafka path is compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import count

from ebbtide.models.churn.stage import LearnerStage
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.fleet.stage import FleetStage
from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.intake.shard import IntakeRecord, IntakeShard, addressed
from ebbtide.models.outputs import Output
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.models.triage.stage import TriageStage
from ebbtide.schemas.alert import AlertCandidate, DayActivity
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.feedback import AlertFeedback
from ebbtide.schemas.fleet import ChannelSpend, FleetStats, GridSummary, SourceHeartbeat
from ebbtide.schemas.identity import AccountName, IdentityAssignment, IdentityLink, IdentityOperation
from ebbtide.schemas.learning import InputCounts, Model, TrainingExample
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic

RAW = Topic.RAW_BEHAVIOR.topic_name
STATES = Topic.PROFILE_STATES.topic_name
MODELS = Topic.MODELS.topic_name
FLEET = Topic.FLEET_STATS.topic_name
FEEDBACK = Topic.FEEDBACK.topic_name

# To ask an enumeration for a member takes as long as a call.
_LINKS, _CANDIDATES = Topic.IDENTITY_LINKS, Topic.ALERT_CANDIDATES
_SUMMARIES, _EXAMPLES = Topic.GRID_SUMMARIES, Topic.TRAINING_EXAMPLES

# What most often comes stands first; and a union written where it is asked for would be made anew each time.
_FOR_PROFILES = (Event, Tick, SourceHeartbeat)
_FOR_CUSTOMERS = (ProfileState, Tick, SourceHeartbeat)
_FOR_IDENTITY = (IdentityLink, AccountName, Tick)
_FOR_FLEET = (GridSummary, ChannelSpend, DayActivity, Tick)
_FOR_LEARNER = (TrainingExample, InputCounts, Tick)
_FOR_TRIAGE = (AlertCandidate, AlertFeedback, DayActivity, Tick)
_OF_LEARNER = (Model, Tick)
_BETWEEN_STAGES = (InputCounts, Tick)
_OF_IDENTITY = (IdentityAssignment, Tick)


class Pipeline:
    """One intake, one profiles, one customers partition, the learner, the fleet and triage.

    With ``until`` nothing from that time on is taken in, and time does not pass it.
    """

    def __init__(self, policy: CorePolicy, *, default_tenant: str = "default", until: datetime | None = None) -> None:
        self._until = until
        self.intake = IntakeShard(RAW, 0, policy, default_tenant)
        self.profiles = ProfileShard(0, frozenset({f"{RAW}/0"}), frozenset({"identity/0"}), policy, lambda _key: None)
        self.identity = IdentityShard(0, frozenset({"profiles/0"}), policy.identity, ())
        self.customers = CustomerShard(0, frozenset({"profiles/0"}), policy, ())
        self.learner = LearnerStage(frozenset({"customers/0"}), policy, ())
        self.fleet = FleetStage(frozenset({"customers/0"}), policy, ())
        self.triage = TriageStage(frozenset({"customers/0"}), policy, ())
        self.read = self.spends = 0
        self._events, self._links, self._owners = count(), count(), count()
        self._states, self._models, self._examples = count(), count(), count()
        self._summaries, self._stats, self._feedback = count(), count(), count()
        self._candidates = count()

    def feed(self, messages: Iterable[RawMessage], *, now: datetime, more: bool = False) -> Iterator[Output]:
        """Take in raw records, in their order; give everything that leaves the topology.

        ``more`` follow at once: what changed on the day that runs waits until it is over, or for the last of them.
        """
        apply, waiting, now_ms = self.intake.apply, self.intake.waiting, to_ms(now)
        profiles, events, endless = self.profiles.apply, self._events, self._until is None
        for message in messages:
            self.read += 1
            apply(message, now_ms, now_ms)
            # One by one: what was read of a record still lies in the processor's caches when it is folded.
            for record in waiting:
                if type(record) is Event and endless:
                    profiles(next(events), record)
                else:
                    yield from self._take_in(record)
            waiting.clear()
        yield from self._pump(more=more)

    def decide(self, operations: Iterable[IdentityOperation]) -> Iterator[Output]:
        """Take in what was decided by hand; it holds at once."""
        for operation in operations:
            self.identity.apply(next(self._links), operation, now_ms=None)
        yield from self._pump()

    def hear(self, messages: Iterable[RawMessage]) -> Iterator[Output]:
        """Take in what people tell of customers. It counts from the next grid instant on."""
        for message in messages:
            self.customers.apply(FEEDBACK, next(self._feedback), message, now_ms=None)
        yield from self._echo()

    def close(self, until: datetime) -> Iterator[Output]:
        """Let time stand at ``until``: timers up to it fire, and everybody is scored as of it."""
        tick = Tick(source=self.intake.source, watermark=until, observe=True, arrived_ms=0)
        self.profiles.apply(next(self._events), tick)
        yield from self._pump()

    @property
    def end_of_newest_day(self) -> datetime | None:
        """The end of the UTC day of the newest accepted event."""
        newest = self.intake.greatest_event_ms
        return None if newest is None else from_ms((newest // DAY_MS + 1) * DAY_MS)

    def _take_in(self, record: IntakeRecord) -> Iterator[Output]:
        if isinstance(record, _FOR_PROFILES):
            if not self._beyond(record):
                self.profiles.apply(next(self._events), record)
        elif isinstance(record, ChannelSpend):
            if not self._beyond(record):
                self.spends += 1
                self.fleet.apply(next(self._summaries), record)
        else:
            yield addressed(record)

    def _pump(self, *, more: bool = False) -> Iterator[Output]:
        customers, states = self.customers, self._states
        for record in self.intake.take():
            yield from self._take_in(record)
        for output in self._stitch(more=more):
            _, _, told, _, _ = output
            if isinstance(told, _FOR_CUSTOMERS):
                customers.apply(STATES, next(states), told, now_ms=None)
                if customers.has_outputs:
                    yield from self._echo()
            else:
                yield output

    def _stitch(self, *, more: bool) -> Iterator[Output]:
        """Profile states and time for the customers, and the audit: identity is asked until it has nothing to say.

        With ``more`` only those that time, where it passed, told of itself.
        """
        identity, profiles, links, owners = self.identity, self.profiles, self._links, self._owners
        told = True
        while told:
            outputs = profiles.take_outputs() if more else profiles.flush(store=False).outputs
            # Taken out of the list one by one: each is forgotten while it lies in the processor's caches.
            outputs.reverse()
            while outputs:
                output = outputs.pop()
                topic, _, record, _, _ = output
                if topic is _LINKS:
                    assert isinstance(record, _FOR_IDENTITY)
                    identity.apply(next(links), record, now_ms=None)
                else:
                    yield output
            decided = identity.flush(store=False).outputs
            told = bool(decided)
            decided.reverse()
            while decided:
                output = decided.pop()
                _, _, record, _, _ = output
                if isinstance(record, _OF_IDENTITY):
                    profiles.assign(next(owners), record)
                else:
                    yield output

    def _beyond(self, record: Event | Tick | SourceHeartbeat | ChannelSpend) -> bool:
        if self._until is None:
            return False
        if isinstance(record, Tick):
            return record.watermark is not None and record.watermark > self._until
        if record.occurred_at < self._until:
            return False
        self.intake.ignored["after_until"] += 1
        return True

    def _echo(self) -> Iterator[Output]:
        """Hand what the customers say to learner, fleet and triage, and the answers back, until all is said."""
        while outputs := self.customers.take_outputs():
            for output in outputs:
                topic, _, record, _, _ = output
                if topic is _CANDIDATES:
                    assert isinstance(record, _FOR_TRIAGE)
                    self.triage.apply(next(self._candidates), record)
                    continue
                if topic is _SUMMARIES:
                    assert isinstance(record, _FOR_FLEET)
                    self.fleet.apply(next(self._summaries), record)
                    continue
                if topic is _EXAMPLES and isinstance(record, _FOR_LEARNER):
                    self.learner.apply(next(self._examples), record)
                if not isinstance(record, _BETWEEN_STAGES):
                    yield output
            yield from self.triage.take_outputs()
            for output in self.learner.take_outputs():
                if isinstance(output.record, _OF_LEARNER):
                    yield from self._answer(MODELS, next(self._models), output, output.record)
                else:
                    yield output
            for output in self.fleet.take_outputs():
                assert isinstance(output.record, FleetStats | Tick)
                yield from self._answer(FLEET, next(self._stats), output, output.record)

    def _answer(self, topic: str, offset: int, output: Output, record: Model | FleetStats | Tick) -> Iterator[Output]:
        if not isinstance(record, Tick):
            yield output
        self.customers.apply(topic, offset, record, now_ms=None)
