"""Sends the simulator's book to Kafka in order of arrival: quickly to begin with, then at the plan's pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.raw import RawPunctuation
from ebbtide.schemas.topics import Topic
from ebbtide.streams.demo.bad_input import bad_record
from ebbtide.streams.demo.plan import Plan
from ebbtide.streams.demo.state import DemoState
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.sender import RAW_TOPICS, address
from ebbtide.streams.settings import Settings
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.delivery import Arrival
from ebbtide.streams.simulator.simulate import arrivals
from ebbtide.streams.transport import BatchProducer, Output

CHUNK = 500
MOST_LAG_WARMING, MOST_LAG = 4_000, 1_500
"""Records in the worker's inputs at which the feeder waits. Once it is live, a machine that is too slow for the pace
then plays slower instead of showing the latency of a queue."""
BLIND_RATE = 1_500.0
"""Events per second of the warm-up where the broker cannot tell the lag: only what is at the door is known there."""
TICK_S = 0.1
SETTLE_S = 15.0
QUIET, BLIND_QUIET = 4, 15
"""Looks, two ticks apart, at which nothing moved: then everybody has settled. More where the lag does not say so."""
BAD_EVERY = 1_500
WARMING = "warming up"


class Feeder:
    """One run through the book."""

    def __init__(self, plan: Plan, book: BookConfig, settings: Settings, state: DemoState) -> None:
        self._plan, self._book, self._state = plan, book, state
        self._lateness_ms = settings.time.lateness_seconds * 1000
        self._producer = BatchProducer(client_settings(settings), idempotent=settings.broker.idempotent)
        self._bad = 0

    async def run(self, clock: Callable[[], float]) -> None:
        """Feed for the plan's duration, or to the end of the book; then let time come to stand and everybody settle."""
        state = self._state
        state.book_start, state.book_days = self._book.first_day, self._book.days
        await self._producer.start()
        try:
            reached_ms = await self._feed(clock)
            state.phase = "settling"
            await self._tell_time(reached_ms, observe=True)
            await self._settle(clock)
            state.phase = "done"
        finally:
            await self._producer.stop()

    async def _feed(self, clock: Callable[[], float]) -> int:
        plan, state = self._plan, self._state
        warm_ms = plan.warm_until_ms(self._book)
        began = clock()
        deadline = float("inf") if plan.duration is None else began + plan.duration
        pace_from: tuple[float, int] | None = None
        reached_ms = self._book.start_ms
        chunk: list[Arrival] = []
        for arrival in arrivals(self._book):
            chunk.append(arrival)
            if pace_from is None:
                due = len(chunk) >= CHUNK
            else:
                due = (arrival.received_ms - reached_ms) >= TICK_S * plan.speed * DAY_MS
            if not due:
                continue
            await self._send(chunk)
            reached_ms, chunk = arrival.received_ms, []
            if clock() >= deadline:
                break
            if reached_ms < warm_ms:
                state.phase = WARMING
                await self._wait_for_the_worker(clock, began)
                continue
            if pace_from is None:
                state.phase, pace_from = "live", (clock(), reached_ms)
            wait = pace_from[0] + (reached_ms - pace_from[1]) / DAY_MS / plan.speed - clock()
            await asyncio.sleep(max(0.0, min(wait, deadline - clock())))
            await self._wait_for_the_worker(clock, began)
            if wait < -1.0:  # the machine is too slow for this pace: do not hurry to catch up
                pace_from = (clock(), reached_ms)
        else:
            await self._send(chunk)
            state.phase = "the book ends here"
            await self._tell_time(reached_ms, observe=True)
            await asyncio.sleep(max(0.0, min(deadline - clock(), 1e9)))
        return reached_ms

    async def _send(self, chunk: list[Arrival]) -> None:
        if not chunk:
            return
        outputs = [Output(topic, key, line) for _, line in chunk for topic, key in (address(line, None),)]
        sent = self._state.sent
        if (sent + len(chunk)) // BAD_EVERY > sent // BAD_EVERY:
            _, line = bad_record(self._bad, chunk[-1].received_ms)
            self._bad += 1
            outputs.append(Output(Topic.RAW_BEHAVIOR.topic_name, None, line))
        await self._producer.send_all(outputs)
        self._state.sent += len(outputs)
        await self._tell_time(chunk[-1].received_ms - self._lateness_ms)
        self._state.reached = datetime.fromtimestamp(chunk[-1].received_ms / 1000, UTC)

    async def _tell_time(self, to_ms: int, *, observe: bool = False) -> None:
        """What every producer with a clock does: tell each raw partition how far time is, also the silent ones."""
        told = RawPunctuation(type="watermark.advanced", to=datetime.fromtimestamp(to_ms / 1000, UTC), observe=observe)
        line = told.model_dump_json().encode()
        await self._producer.send_all(
            [
                Output(topic, None, line, partition)
                for topic in RAW_TOPICS
                for partition in range(await self._producer.partitions_of(topic))
            ]
        )

    async def _wait_for_the_worker(self, clock: Callable[[], float], began: float) -> None:
        state = self._state
        if not state.lag_known:
            await asyncio.sleep(max(0.0, began + state.sent / BLIND_RATE - clock()))
        most = MOST_LAG_WARMING if state.phase == WARMING else MOST_LAG
        while self._ahead() > most:  # noqa: ASYNC110 - the readings come from another process
            await asyncio.sleep(TICK_S)

    def _ahead(self) -> int:
        """Records that the worker has still to take: those at the door by our own count, or the lag inside."""
        reading = self._state.reading
        seen = reading.accepted + sum(reading.ignored.values()) + sum(reading.dead_lettered.values())
        return max(self._state.sent - seen, reading.lag if self._state.lag_known else 0)

    async def _settle(self, clock: Callable[[], float]) -> None:
        """Until everything is taken and nothing moves any more, within bounds."""
        state, deadline = self._state, clock() + SETTLE_S
        quiet, enough = 0, QUIET if state.lag_known else BLIND_QUIET
        scores = -1
        while clock() < deadline and quiet < enough:
            await asyncio.sleep(2 * TICK_S)
            idle = self._ahead() <= 0 and state.scores == scores
            quiet, scores = quiet + 1 if idle else 0, state.scores
