"""One raw partition: judges its records, counts the reasons, and keeps its watermark."""

from __future__ import annotations

from collections import Counter

from ebbtide.models.clock.watermark import SourceWatermark, from_ms
from ebbtide.models.intake.accept import Door, Ignored, Punctuated, RawMessage, Refused
from ebbtide.models.outputs import EVERY_PARTITION, HEARTBEAT_KEY, Output
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.dead_letter import DeadLetter
from ebbtide.schemas.events import Event
from ebbtide.schemas.fleet import ChannelSpend, SourceHeartbeat
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic

_BEFORE_ALL = -(10**18)

IntakeRecord = Event | SourceHeartbeat | ChannelSpend | DeadLetter | Tick
"""What leaves a raw partition."""


class IntakeShard:
    """Turns raw records into events, heartbeats, dead letters and ticks. Keeps no state that a restart could miss.

    ``waiting`` is what nobody has taken yet; who is quick may take it from there after each record, and empty it.
    """

    def __init__(self, topic: str, partition: int, policy: CorePolicy, default_tenant: str) -> None:
        self.source = f"{topic}/{partition}"
        self.accepted = 0
        self.late = 0
        self.ignored: Counter[str] = Counter()
        self.dead_lettered: Counter[str] = Counter()
        self._accept = Door(policy.intake, default_tenant).accept
        self._watermark = SourceWatermark(policy.time.lateness_seconds * 1000)
        self.waiting: list[IntakeRecord] = []
        self._ticked_ms: int | None = None
        self._next_midnight_ms = _BEFORE_ALL
        self._told_idle = False
        self._idle = False
        self._appended_ms = 0

    @property
    def greatest_event_ms(self) -> int | None:
        """The newest event time accepted so far, epoch ms."""
        return self._watermark.greatest_ms

    def apply(self, message: RawMessage, now_ms: int, heard_ms: int) -> None:
        """Judge one record, heard at ``heard_ms``. ``now_ms`` is the wall clock. Both are epoch milliseconds."""
        verdict = self._accept(message, now_ms)
        self._appended_ms = message.appended_ms
        self._idle = False
        if type(verdict) is Event:
            occurred_ms = verdict.occurred_ms
        else:
            match verdict:
                case SourceHeartbeat() | ChannelSpend():
                    occurred_ms = to_ms(verdict.occurred_at)
                case Refused(letter):
                    self.dead_lettered[letter.reason] += 1
                    self.waiting.append(letter)
                    return
                case Ignored(reason):
                    self.ignored[reason] += 1
                    return
                case Punctuated(to, observe):  # pragma: no branch - the last of the four
                    self._tell()
                    self._watermark.punctuate(to_ms(to), now_ms=heard_ms)
                    # The instant is told by itself: time may be further already, and everybody must hear of it.
                    self._tick(to_ms(to), observe=observe)
                    return
        self.accepted += 1
        watermark = self._watermark
        if watermark.event(occurred_ms, heard_ms):
            self.late += 1
        self.waiting.append(verdict)
        watermark_ms = watermark.watermark_ms
        if watermark_ms is not None and watermark_ms >= self._next_midnight_ms:
            # Told where it passed, so that grid instants do not depend on how records were batched.
            self._tick(watermark_ms)

    def flush(self) -> list[Output]:
        """What ``take`` gives, each with where it goes."""
        return [addressed(record) for record in self.take()]

    def take(self) -> list[IntakeRecord]:
        """What was taken in or refused since the last time, then the watermark if it moved."""
        self._tell()
        return self._take_waiting()

    def idle(self, *, now_ms: int) -> list[Output]:
        """Say that the source is silent: it holds nobody back, and wall time carries its watermark on."""
        self._idle = True
        self._tick(self._watermark.carry(now_ms=now_ms), idle=True)
        return [addressed(record) for record in self._take_waiting()]

    def _take_waiting(self) -> list[IntakeRecord]:
        taken = self.waiting.copy()
        self.waiting.clear()
        return taken

    def _tell(self) -> None:
        watermark = self._watermark.watermark_ms
        woke = self._told_idle and not self._idle
        if watermark is not None and (self._ticked_ms is None or watermark > self._ticked_ms or woke):
            self._tick(watermark)

    def _tick(self, watermark_ms: int | None, *, observe: bool = False, idle: bool = False) -> None:
        tick = Tick(
            source=self.source,
            watermark=None if watermark_ms is None else from_ms(watermark_ms),
            idle=idle,
            observe=observe,
            arrived_ms=self._appended_ms,
        )
        self.waiting.append(tick)
        self._ticked_ms, self._told_idle = watermark_ms, idle
        self._next_midnight_ms = _BEFORE_ALL if watermark_ms is None else (watermark_ms // DAY_MS + 1) * DAY_MS


def addressed(record: IntakeRecord) -> Output:
    """The record with where it goes."""
    if isinstance(record, Event):
        return Output(Topic.EVENTS, record.key, record)
    if isinstance(record, Tick):
        return Output(Topic.EVENTS, "@tick", record, EVERY_PARTITION)
    if isinstance(record, SourceHeartbeat):
        # One partition of profiles passes it on to all customers: none of their clocks passes a time before that one.
        return Output(Topic.EVENTS, HEARTBEAT_KEY, record, 0)
    if isinstance(record, ChannelSpend):
        return Output(Topic.GRID_SUMMARIES, record.tenant, record, 0)
    return Output(Topic.DEAD_LETTERS, record.dead_letter_id, record)
