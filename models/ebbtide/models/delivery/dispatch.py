"""What an endpoint is sent next, and what becomes of it: lanes, breaker and pace together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ebbtide.models.delivery.answer import Blame, Outcome, Verdict
from ebbtide.models.delivery.breaker import Breaker, BreakerState
from ebbtide.models.delivery.lanes import Lanes, Waiting
from ebbtide.models.delivery.pace import Pace
from ebbtide.models.delivery.schedule import GAPS_S, gap_ms
from ebbtide.schemas.deliveries import DeliveryKind, DeliveryReason, DeliveryStatus

PAUSE_S: Final = 30.0
"""How long an endpoint is left alone that asks for a pause and does not say for how long."""


@dataclass(frozen=True, slots=True)
class DispatchPolicy:
    """``batch`` records a request; with ``merges`` that many only where the pace does not allow each one of its own.

    ``concurrency`` requests at a time, ``per_second`` on average with ``burst`` at once. An alert that is older than
    ``max_age_ms`` when its turn comes is not told any more. ``gaps_s`` lie between the attempts at a record. What waits
    longer than ``park_ms`` is parked: kept apart, so that it does not hold back the offset of all that came after it;
    ``most_parked`` bounds that.
    """

    batch: int = 1
    merges: bool = False
    concurrency: int = 16
    per_second: float = 100.0
    burst: int = 100
    max_age_ms: int | None = None
    gaps_s: tuple[float, ...] = GAPS_S
    park_ms: int = 60_000
    most_parked: int = 10_000


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one record: for the ledger, and for whoever keeps the offsets."""

    waiting: Waiting
    status: DeliveryStatus
    reason: DeliveryReason | None = None
    detail: str | None = None
    attempt: int = 0

    @property
    def final(self) -> bool:
        """Nothing more will be done about it."""
        return self.status in FINAL


FINAL: Final = frozenset((DeliveryStatus.DELIVERED, DeliveryStatus.COALESCED, DeliveryStatus.DEAD))


@dataclass(slots=True)
class Turn:
    """What to send now, and what must not be sent any more."""

    group: list[Waiting] = field(default_factory=list)
    expired: list[Settled] = field(default_factory=list)


class Dispatch:
    """One endpoint's. Times are Unix milliseconds; ``draw`` are random numbers in [0, 1)."""

    def __init__(self, policy: DispatchPolicy) -> None:
        self._policy = policy
        self._pace = Pace(policy.per_second, policy.burst)
        self.lanes = Lanes()
        self.breaker = Breaker()
        self.out = 0
        """Requests under way."""
        self.parked = 0

    def offer(self, waiting: Waiting) -> list[Settled]:
        """Let a record wait its turn; what needs no more to be sent."""
        if waiting.parked:
            self.parked += 1
        return [self._coalesced(needless) for needless in self.lanes.offer(waiting)]

    def take(self, now_ms: int) -> Turn:
        """The records of the next request, if one may go out now. Every group must be settled."""
        turn = Turn()
        if self.out >= self._limit(now_ms):
            return turn
        tokens = self._pace.available(now_ms)
        if tokens < 1:
            return turn
        policy = self._policy
        most = 1 if policy.merges and self.lanes.due(now_ms) <= tokens else policy.batch
        for waiting in self.lanes.take(now_ms, most):
            if self._expired(waiting, now_ms):
                turn.expired.append(self._end(waiting, DeliveryStatus.DEAD, DeliveryReason.EXPIRED, waiting.detail))
                continue
            if waiting.first_ms is None:
                waiting.first_ms = now_ms
            turn.group.append(waiting)
        if turn.group:
            self._pace.spend(now_ms)
            self.breaker = self.breaker.asked()
            self.out += 1
        return turn

    def wake_ms(self, now_ms: int) -> int | None:
        """When `take` may have something; None: not before something is offered or settled."""
        if self.breaker.disabled or self.out >= max(1, self._limit(now_ms)):
            return None
        due_ms = self.lanes.next_due_ms()
        return None if due_ms is None else max(due_ms, self._pace.wake_ms(now_ms), self.breaker.wake_ms())

    def settle(self, group: Sequence[Waiting], verdicts: Sequence[Verdict], now_ms: int, draw: float) -> list[Settled]:
        """What an answer means for each record of a group. Those of a partition that was taken away are left out."""
        self.out -= 1
        probe, shared = self.breaker.state(now_ms) is not BreakerState.CLOSED, len(group) > 1
        self._tell_breaker(verdicts, now_ms, draw)
        return [
            self._settle(waiting, verdict, now_ms, draw, shared, counts=not (probe and verdict.blame is Blame.ENDPOINT))
            for waiting, verdict in zip(group, verdicts, strict=True)
            if waiting in self.lanes
        ]

    def park(self, now_ms: int) -> list[Settled]:
        """What waits so long that it is to be kept apart from now on.

        While the endpoint is disabled nothing is: what is parked has an end, what waits on its topic has none.
        """
        if self.breaker.disabled:
            return []
        settled = []
        for waiting in list(self.lanes.slow(now_ms + self._policy.park_ms)):
            quiet = waiting.failures == 0 and waiting.message.not_before_ms > now_ms
            reason = waiting.reason or (DeliveryReason.QUIET_HOURS if quiet else DeliveryReason.RECORD_FAILED)
            if self.parked >= self._policy.most_parked:
                settled.append(self._end(waiting, DeliveryStatus.DEAD, DeliveryReason.NO_ROOM, waiting.detail))
                continue
            waiting.parked, waiting.reason = True, reason
            self.parked += 1
            settled.append(Settled(waiting, DeliveryStatus.PARKED, reason, waiting.detail, waiting.failures))
        return settled

    def forget(self, partition: int) -> None:
        """A partition was taken away."""
        self.parked -= sum(waiting.parked for waiting in self.lanes.forget(partition))

    def _limit(self, now_ms: int) -> int:
        allowed = self.breaker.allows(now_ms)
        return self._policy.concurrency if allowed is None else min(allowed, self._policy.concurrency)

    def _tell_breaker(self, verdicts: Sequence[Verdict], now_ms: int, draw: float) -> None:
        gravest = min(verdicts, key=_gravity)
        match gravest.outcome:
            case Outcome.GONE:
                self.breaker = self.breaker.disable()
            case Outcome.THROTTLED:
                pause_s = PAUSE_S if gravest.retry_after_s is None else max(1.0, gravest.retry_after_s)
                self.breaker = self.breaker.held(now_ms, round(pause_s * 1000))
            case Outcome.FAILED if gravest.blame is Blame.ENDPOINT:
                wait_ms = round((gravest.retry_after_s or 0) * 1000)
                self.breaker = self.breaker.failed(now_ms, draw, wait_ms)
            case _:
                self.breaker = self.breaker.worked()

    def _settle(
        self, waiting: Waiting, verdict: Verdict, now_ms: int, draw: float, shared: bool, *, counts: bool
    ) -> Settled:
        waiting.reason, waiting.detail = verdict.reason, verdict.detail
        attempt = waiting.failures + 1
        due_ms: int | None = now_ms
        match verdict.outcome:
            case Outcome.DELIVERED:
                return self._end(waiting, DeliveryStatus.DELIVERED, None, None, attempt)
            case Outcome.REJECTED:
                return self._end(waiting, DeliveryStatus.DEAD, verdict.reason, verdict.detail, attempt)
            case Outcome.FAILED if verdict.blame is Blame.REQUEST and shared:
                waiting.alone = True
            case Outcome.FAILED if counts:
                waiting.failures += 1
                gap = gap_ms(waiting.failures, draw, self._policy.gaps_s)
                due_ms = None if gap is None else now_ms + gap
        if due_ms is None:
            return self._end(waiting, DeliveryStatus.DEAD, DeliveryReason.EXHAUSTED, _last(waiting), attempt)
        if not self.lanes.again(waiting, due_ms):
            return self._coalesced(waiting)
        return Settled(waiting, DeliveryStatus.RETRYING, verdict.reason, verdict.detail, attempt)

    def _coalesced(self, waiting: Waiting) -> Settled:
        return self._end(waiting, DeliveryStatus.COALESCED, DeliveryReason.SUPERSEDED, None, waiting.failures)

    def _end(
        self,
        waiting: Waiting,
        status: DeliveryStatus,
        reason: DeliveryReason | None,
        detail: str | None,
        attempt: int | None = None,
    ) -> Settled:
        self.lanes.finish(waiting)
        if waiting.parked:
            self.parked -= 1
        return Settled(waiting, status, reason, detail, waiting.failures if attempt is None else attempt)

    def _expired(self, waiting: Waiting, now_ms: int) -> bool:
        age, message = self._policy.max_age_ms, waiting.message
        began_ms = max(message.appended_ms, message.not_before_ms)
        return age is not None and message.kind is DeliveryKind.ALERT and now_ms - began_ms > age


_GRAVITY: Final = (Outcome.GONE, Outcome.THROTTLED, Outcome.FAILED, Outcome.REJECTED, Outcome.DELIVERED)


def _gravity(verdict: Verdict) -> tuple[int, bool]:
    """The endpoint's own failure counts before that of a record; whoever took one record works."""
    return _GRAVITY.index(verdict.outcome), verdict.blame is not Blame.ENDPOINT


def _last(waiting: Waiting) -> str:
    return f"{waiting.reason}: {waiting.detail or ''}".rstrip(": ")
