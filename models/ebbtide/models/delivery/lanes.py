"""What waits for one endpoint: a lane per customer.

Of one customer one thing is under way at a time. Of each kind the lane is first in, first out, and a failed one is
tried again before what came after it; kinds do not wait for each other. Of scores and records only the newest waits.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ebbtide.models.delivery.message import STATES, Message, Position
from ebbtide.schemas.deliveries import DeliveryKind, DeliveryReason

SUCCESSOR_WAIT_MS: Final = 5_000
"""A newer version may be what the endpoint takes: it does not wait as long as the one that failed would have."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A message with what befell it. ``cursor`` is the offset that it holds back; None once it is parked.

    ``failures`` are attempts that count, ``alone`` one that must not share a request: it may be what made one fail.
    """

    message: Message
    cursor: Position | None
    due_ms: int = 0
    failures: int = 0
    first_ms: int | None = None
    reason: DeliveryReason | None = None
    detail: str | None = None
    alone: bool = False
    parked: bool = False
    order: int = 0

    @property
    def coalesces(self) -> bool:
        """Whether a newer one makes it needless."""
        return self.message.kind in STATES


@dataclass(slots=True, eq=False)
class _Lane:
    queues: dict[DeliveryKind, deque[Waiting]] = field(default_factory=dict)
    under_way: Waiting | None = None
    woken_ms: int | None = None
    """When it is looked at next. An older note of another time is passed over."""

    def first(self) -> Waiting | None:
        """The next in turn: of the heads of all kinds the one that is due first."""
        heads = [queue[0] for queue in self.queues.values() if queue]
        return min(heads, key=lambda head: (head.due_ms, head.order), default=None)


Key = tuple[str, str]
"""Tenant and the record's key."""


class Lanes:
    """All lanes of an endpoint."""

    def __init__(self) -> None:
        self._lanes: dict[Key, _Lane] = {}
        self._due: list[tuple[int, int, Key]] = []
        self._order = 0
        self._slow: set[Key] = set()
        self.count = 0
        self.bytes = 0

    def offer(self, waiting: Waiting) -> list[Waiting]:
        """Let it wait its turn; what needs no more to be sent because of it, or it itself because of a newer one."""
        key = _key(waiting)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
        self._order += 1
        waiting.order = self._order
        queue = lane.queues.setdefault(waiting.message.kind, deque())
        needless = self._needless(queue, waiting, lane.under_way)
        if waiting not in needless:
            queue.append(waiting)
            self.count += 1
            self.bytes += waiting.message.size
            self._slow.add(key)
            self._wake(key, lane)
        return needless

    def _needless(self, queue: deque[Waiting], newer: Waiting, under_way: Waiting | None) -> list[Waiting]:
        if not queue:
            return []
        if not newer.coalesces:
            # Parked and read again, because the commit did not come to pass.
            return [newer] if any(one.message.source == newer.message.source for one in queue) else []
        last = queue[-1]
        if newer.message.version <= last.message.version:
            return [newer]
        if last is under_way:
            return []
        queue.pop()
        self._left(last)
        if last.failures or last.parked:
            newer.due_ms = max(newer.due_ms, min(last.due_ms, newer.due_ms + SUCCESSOR_WAIT_MS))
        return [last]

    def take(self, now_ms: int, most: int) -> list[Waiting]:
        """Up to ``most`` that are due, of as many customers, longest due first; they are under way from now on.

        One that must go alone comes alone.
        """
        taken: list[Waiting] = []
        while self._due and len(taken) < most and self._due[0][0] <= now_ms:
            key, lane, first = self._pop()
            if lane is None or first is None:
                continue
            if first.due_ms > now_ms:
                self._wake(key, lane)
                continue
            if taken and first.alone:
                self._wake(key, lane)
                break
            lane.under_way = first
            taken.append(first)
            if first.alone:
                break
        return taken

    def finish(self, waiting: Waiting) -> None:
        """It is delivered, or never will be."""
        key = _key(waiting)
        lane = self._lanes.get(key)
        if lane is None:
            return
        queue = lane.queues.get(waiting.message.kind)
        if queue is not None and waiting in queue:
            queue.remove(waiting)
            self._left(waiting)
        self._free(key, lane, waiting)

    def again(self, waiting: Waiting, due_ms: int) -> bool:
        """It waits for another attempt; False where a newer one waits already, and it is not to be tried again."""
        key = _key(waiting)
        lane = self._lanes.get(key)
        queue = None if lane is None else lane.queues.get(waiting.message.kind)
        if lane is None or queue is None or waiting not in queue:
            return False
        if waiting.coalesces and len(queue) > 1:
            successor = queue[1]
            successor.due_ms = max(successor.due_ms, min(due_ms, waiting.due_ms + SUCCESSOR_WAIT_MS))
            self.finish(waiting)
            return False
        waiting.due_ms = due_ms
        self._slow.add(key)
        self._free(key, lane, waiting)
        return True

    def slow(self, beyond_ms: int) -> Iterator[Waiting]:
        """What is not due until then, or stands behind such a one, and is not parked yet."""
        for key in list(self._slow):
            lane = self._lanes.get(key)
            if lane is None:
                self._slow.discard(key)
                continue
            waits = False
            for queue in lane.queues.values():
                if queue and queue[0].due_ms > beyond_ms and queue[0] is not lane.under_way:
                    waits = True
                    yield from [waiting for waiting in queue if not waiting.parked]
            if not waits:
                self._slow.discard(key)

    def forget(self, partition: int) -> list[Waiting]:
        """Let go of what came from a partition; what is under way is among it, and may end as it will."""
        gone = [waiting for waiting in self.waiting() if waiting.message.source.partition == partition]
        for waiting in gone:
            self.finish(waiting)
        return gone

    def waiting(self) -> Iterator[Waiting]:
        """All, in no order between customers."""
        for lane in list(self._lanes.values()):
            for queue in list(lane.queues.values()):
                yield from list(queue)

    def next_due_ms(self) -> int | None:
        """When the next one may be due; None when nothing waits that is not under way."""
        while self._due:
            noted_ms = self._due[0][0]
            key, lane, first = self._pop()
            if lane is None or first is None:
                continue
            self._wake(key, lane)
            if first.due_ms <= noted_ms:
                return first.due_ms
        return None

    def due(self, now_ms: int) -> int:
        """How many customers have something due, roughly: one whose turn was put off may count twice."""
        return sum(1 for due_ms, _, _ in self._due if due_ms <= now_ms)

    def __contains__(self, waiting: Waiting) -> bool:
        lane = self._lanes.get(_key(waiting))
        return lane is not None and waiting in lane.queues.get(waiting.message.kind, ())

    def _wake(self, key: Key, lane: _Lane) -> None:
        first = None if lane.under_way is not None else lane.first()
        # One note a lane, or many updates of one customer would fill the memory; a second where it is due sooner.
        if first is not None and (lane.woken_ms is None or first.due_ms < lane.woken_ms):
            lane.woken_ms = first.due_ms
            heapq.heappush(self._due, (first.due_ms, first.order, key))

    def _pop(self) -> tuple[Key, _Lane | None, Waiting | None]:
        """The next note, and who is first in its lane, if the note is the newest and nobody is under way."""
        due_ms, _, key = heapq.heappop(self._due)
        lane = self._lanes.get(key)
        if lane is None or lane.woken_ms != due_ms:
            return key, None, None
        lane.woken_ms = None
        return key, lane, None if lane.under_way is not None else lane.first()

    def _free(self, key: Key, lane: _Lane, waiting: Waiting) -> None:
        if lane.under_way is waiting:
            lane.under_way = None
        if any(lane.queues.values()):
            self._wake(key, lane)
        else:
            del self._lanes[key]

    def _left(self, waiting: Waiting) -> None:
        self.count -= 1
        self.bytes -= waiting.message.size


def _key(waiting: Waiting) -> Key:
    return waiting.message.tenant, waiting.message.key
