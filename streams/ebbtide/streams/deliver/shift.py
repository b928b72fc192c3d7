"""One endpoint's deliveries from joining its consumer group until something fails, or the end.

At least once: an offset is committed when its record was delivered, replaced by a newer one, given up or parked, and
after the ledger says so in Kafka. What a crash repeats carries the same message id.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError

from ebbtide.models.delivery.answer import Outcome
from ebbtide.models.delivery.breaker import Breaker, BreakerState
from ebbtide.models.delivery.dispatch import Dispatch
from ebbtide.models.delivery.lanes import Waiting
from ebbtide.models.delivery.message import Message
from ebbtide.schemas.deliveries import DeliveryStatus
from ebbtide.streams.deliver.exchange import Exchange
from ebbtide.streams.deliver.intake import Intake
from ebbtide.streams.deliver.ledger import Ledger
from ebbtide.streams.deliver.policy import dispatch_policy
from ebbtide.streams.deliver.source import DeliverySource, read_parked
from ebbtide.streams.deliver.standing import told

if TYPE_CHECKING:
    from ebbtide.streams.deliver.courier import Courier

log = logging.getLogger(__name__)

POLL = 500
POLL_S = 0.25
CATCH_UP_S = 10.0
"""How long what was read before a restart is waited for, so that only the newest of it goes out."""
SETTLE_S = 5.0
"""How long answers are waited for when partitions go, or we do."""
BACKLOG = 50_000
WATCH_S = 5.0
SHOW_S = 1.0


class Shift:
    """From joining the group until something fails, or the end. Everything in memory begins and ends with it."""

    def __init__(self, courier: Courier, exchange: Exchange) -> None:
        self._of = courier
        self._exchange = exchange
        self._dispatch = Dispatch(dispatch_policy(courier.endpoint, courier.settings))
        self._ledger = Ledger(courier.name, courier.metrics)
        self._intake = Intake(courier, self._dispatch, self._ledger)
        self._source = DeliverySource(
            courier.connection,
            courier.group,
            courier.endpoint.told,
            courier.endpoint.begin,
            courier.session_s,
            self._revoked,
        )
        self._ready: set[int] = set()
        self._generation = 0
        self._goals: dict[tuple[str, int], int] = {}
        self._goals_until = 0.0
        self._halted = False
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()
        self._committed: dict[tuple[str, int], int] = {}
        self._seen_state: BreakerState | None = None
        self.worked = False
        self._obey()

    async def run(self, stop: asyncio.Event) -> None:
        await self._source.start()
        try:
            self.worked = True
            self._of.health.works(self._of.name)
            parts = [asyncio.create_task(part(stop)) for part in (self._reads, self._sends, self._flushes)]
            try:
                await asyncio.gather(*parts)
                await self._settled()
                await self._flush()
            finally:
                for task in (*parts, *self._under_way):
                    task.cancel()
                await asyncio.gather(*parts, *self._under_way, return_exceptions=True)
        finally:
            self._source.owned.clear()  # a goodbye is no revocation: everything was settled, or is to be read again
            await self._source.stop()

    # What comes in

    async def _reads(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._prepare(self._source.owned - self._ready)
            self._balance()
            records = await self._source.poll(POLL, POLL_S)
            generation = self._generation
            for record in records:
                if record.partition not in self._ready:
                    await self._prepare({record.partition})
                if generation != self._generation:
                    break  # read under an ownership that ended; whoever owns it now reads it again
                self._intake.take(record, _now_ms())
            await self._look_at_goals()
            if records:
                self._wake.set()

    async def _prepare(self, partitions: set[int]) -> None:
        """Before anything new of a partition: what was parked of it."""
        if not partitions:
            return
        generation, at_ms = self._generation, _now_ms()
        parked = await read_parked(self._of.connection, partitions, self._of.name)
        ends = await self._source.ends(partitions)
        if generation != self._generation:
            return
        self._intake.restore(parked, at_ms)
        self._goals |= ends
        self._goals_until = time.monotonic() + CATCH_UP_S
        self._ready |= partitions

    def _full(self, share: float) -> bool:
        lanes, settings = self._dispatch.lanes, self._of.settings
        return (
            lanes.count >= settings.max_waiting * share
            or lanes.bytes >= settings.max_waiting_bytes * share
            or self._ledger.backlog >= BACKLOG * share
        )

    def _balance(self) -> None:
        """Read on only as long as there is room."""
        if self._full(1.0):
            self._source.hold()
            self._goals.clear()
        elif self._source.held and not self._full(0.5):
            self._source.resume()

    async def _look_at_goals(self) -> None:
        """Whether all is read that was there when we came: only then is the newest of each customer known."""
        for (topic, partition), end in list(self._goals.items()):
            if time.monotonic() > self._goals_until or await self._source.reached(topic, partition, end):
                self._goals.pop((topic, partition), None)
        if not self._goals:
            self._wake.set()

    # What goes out

    async def _sends(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(self._wakes_at(stop))
        try:
            while not stop.is_set():
                self._wake.clear()
                wait_s = SHOW_S
                if not (self._goals or self._halted or self._ledger.backlog >= 2 * BACKLOG):
                    now_ms = _now_ms()
                    while self._starts_one(now_ms):
                        pass
                    wake_ms = self._dispatch.wake_ms(now_ms)
                    wait_s = SHOW_S if wake_ms is None else min(SHOW_S, max(0.001, (wake_ms - now_ms) / 1000))
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
        finally:
            stopping.cancel()

    async def _wakes_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    def _starts_one(self, now_ms: int) -> bool:
        """Whether there was anything to do now."""
        turn = self._dispatch.take(now_ms)
        for settled in turn.expired:
            self._ledger.settle(settled, now_ms)
        if turn.group:
            task = asyncio.create_task(self._attempt(turn.group))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return bool(turn.group or turn.expired)

    # What an answer means

    async def _attempt(self, group: list[Waiting]) -> None:
        exchanged = await self._exchange.send([waiting.message for waiting in group], self._of.target)
        if exchanged.request is not None:
            self._of.metrics.delivery_request_seconds.labels(self._of.name).observe(exchanged.seconds)
        now_ms = _now_ms()
        for verdict in exchanged.verdicts:
            if verdict.outcome is Outcome.GONE and not self._of.disabled:
                self._of.disable(verdict.detail or "")
        for settled in self._dispatch.settle(group, exchanged.verdicts, now_ms, random.random()):
            self._ledger.settle(settled, now_ms, exchanged.answer.status, exchanged.seconds)
            if settled.status is DeliveryStatus.DELIVERED:
                self._delay(settled.waiting.message, now_ms)
        self._wake.set()
        if self._dispatch.breaker.disabled:
            with suppress(KafkaError):  # the next flush tries again
                await self._of.write_standing()

    def _obey(self) -> None:
        """Send nothing to an endpoint that was disabled, by whomever; send again once it is enabled."""
        disabled = self._of.disabled is not None
        if disabled != self._dispatch.breaker.disabled:
            self._dispatch.breaker = self._dispatch.breaker.disable() if disabled else Breaker()
            self._wake.set()

    def _delay(self, message: Message, now_ms: int) -> None:
        began_ms = max(message.appended_ms, message.not_before_ms)
        delay = self._of.metrics.delivery_delay_seconds.labels(self._of.name, message.kind)
        delay.observe(max(0, now_ms - began_ms) / 1000)

    # What is written down

    async def _flushes(self, stop: asyncio.Event) -> None:
        shown = watched = 0.0
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._of.settings.flush_seconds)
            self._obey()
            await self._flush()
            now = time.monotonic()
            if now - shown >= SHOW_S:
                shown = now
                self._show()
            if now - watched >= WATCH_S:
                watched = now
                self._of.refresh()

    async def _flush(self) -> None:
        """The ledger first, then the offsets: what is committed was written down."""
        async with self._flushing:
            await self._of.write_standing()
            now_ms = _now_ms()
            for settled in self._dispatch.park(now_ms):
                self._ledger.settle(settled, now_ms)
            offsets = {
                partition: offset
                for partition, offset in self._ledger.offsets().items()
                if offset != self._committed.get(partition)
            }
            outputs = self._ledger.pending()
            try:
                await self._of.producer.send_all(outputs)
            except BaseException:
                self._ledger.unsent(outputs)
                raise
            if offsets and await self._source.commit(offsets):
                self._committed |= offsets

    async def _settled(self) -> None:
        """Wait for answers that are still out, for a while."""
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=min(SETTLE_S, self._of.endpoint.timeout_seconds))

    async def _revoked(self, partitions: set[int]) -> None:
        """Other members take these over, from what is committed now."""
        self._halted = True
        try:
            await self._settled()
            await self._flush()
        except KafkaError as error:
            log.warning("%s: not all is written down before partitions go: %s", self._of.name, error)
        finally:
            self._halted = False
            self._generation += 1
            self._ready -= partitions
            self._ledger.forget(partitions)
            for partition in partitions:
                self._dispatch.forget(partition)
            self._goals = {place: end for place, end in self._goals.items() if place[1] not in partitions}
            self._committed = {place: offset for place, offset in self._committed.items() if place[1] not in partitions}

    def _show(self) -> None:
        metrics, name = self._of.metrics, self._of.name
        metrics.delivery_waiting_records.labels(name).set(self._dispatch.lanes.count)
        metrics.delivery_parked_records.labels(name).set(self._dispatch.parked)
        for topic, lag in self._source.lags(self._ledger.passed).items():
            metrics.delivery_lag_records.labels(name, topic).set(lag)
        state = self._dispatch.breaker.state(_now_ms())
        for each in BreakerState:
            metrics.delivery_endpoint_state.labels(name, each).set(each is state)
        if state is not self._seen_state:
            self._tell(state)

    def _tell(self, state: BreakerState) -> None:
        before, self._seen_state = self._seen_state, state
        if (disabled := self._of.disabled) is not None:
            log.error("%s", told(disabled))
        elif before is not None and state is BreakerState.OPEN:
            log.warning("%s does not work and is left alone for a while; its records wait in Kafka", self._of.name)
        elif before is not None and state is BreakerState.CLOSED:
            log.info("%s works again", self._of.name)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
