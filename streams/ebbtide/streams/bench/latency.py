"""From an event to its alert, live, under a share of the greatest load, against a bare round trip by the same broker.

    ebbtide bench latency --seconds 60 --load 0.5

Apache Kafka, a worker of its own process with all agents and the declared settings (`EBBTIDE_WORKER__…` counts), and
nothing simulated between. First the past is fed: a book, and customers that fell asleep, the probes. Then all at once
so many events of now; how fast they are through all stages is the greatest load. Then events of now at a share of it
in an even pace that waits for nobody, and among them the probes' logins, each of which must bring a `warm_return`.

A latency is the time from when a login was sent, which its record on `raw-behavior` says, until a consumer has read the
alert from `alerts`. With each login a record of an alert's size goes to a topic that nobody but this consumer reads, by
the same producer in the same request: that is the baseline.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from time import monotonic, time
from typing import Any

from kafka.admin import NewTopic

from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.raw import RawPunctuation
from ebbtide.schemas.topics import Topic
from ebbtide.streams.bench.live.background import Background
from ebbtide.streams.bench.live.listener import Listener
from ebbtide.streams.bench.live.pace import Pace
from ebbtide.streams.bench.live.patience import Patience
from ebbtide.streams.bench.live.probes import Answers, Probe
from ebbtide.streams.bench.live.report import PATIENCE_S, fault, render, result_of
from ebbtide.streams.bench.live.spread import Spread
from ebbtide.streams.bench.live.worker_state import look, wait_until_settled
from ebbtide.streams.brokers.broker import BrokerError
from ebbtide.streams.brokers.kafka import require_kafka
from ebbtide.streams.demo.interrupts import Interrupts
from ebbtide.streams.demo.stack import Stack, settings_for
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.sender import RAW_TOPICS, address
from ebbtide.streams.settings import PREFIX, Settings
from ebbtide.streams.topic_reader import Progress, unseen
from ebbtide.streams.topics import admin_client
from ebbtide.streams.transport import BatchProducer, Output

__all__ = ["fault", "render", "run"]

SECONDS, LOAD = 60.0, 0.5
BARE = "bench-round-trip"
BARE_BYTES = 1_200
"""An alert's size."""

PROBES_PER_SECOND, MOST_PROBES = 20.0, 6_000
MARKERS = 64
"""Probes behind all at once: with so many, some are behind in every partition of every stage."""
WARM_UP_S = 5.0
TICK_S = 0.01
CHUNK = 2_000
BURST_PATIENCE_S = 300.0
CHECK_EVERY_S = 0.25
WORKER = "WORKER__"


@dataclass(frozen=True)
class Plan:
    """How much is measured. ``burst`` is how many events come all at once; ``load`` a share of what that brings.

    Many customers with few events each: where few customers had many, all that a flush does once for each that changed
    would cost less than it does, and the less the more come at once.
    """

    seconds: float = SECONDS
    load: float = LOAD
    customers: int = 1_500
    past_days: int = 5
    intensity: float = 0.3
    burst: int = 25_000
    seed: int = 1

    @property
    def probes(self) -> int:
        """Probes under load."""
        return min(MOST_PROBES, max(1, int(self.seconds * PROBES_PER_SECOND)))


def run(*, progress: Progress = unseen, **sizes: Any) -> dict[str, Any]:
    """Measure; about three minutes with the sizes of `Plan`. Raises ``EbbtideError`` when a part ends by itself."""
    plan = Plan(**sizes)
    try:
        require_kafka()
    except BrokerError as error:
        raise EbbtideError(f"this bench needs Apache Kafka itself. {error}") from error
    home = Path(tempfile.mkdtemp(prefix="ebbtide-bench-"))
    with Interrupts() as interrupts:
        stack = Stack(home, discard=True, say=lambda _line: None)
        try:
            with progress("starting Apache Kafka and a worker", None):
                url = stack.start_broker()
                settings = settings_for(url)
                stack.create_topics(settings)
                with admin_client(settings) as admin:
                    admin.create_topics([NewTopic(BARE, settings.broker.partitions, 1)])
                stack.start_worker(_worker_settings(url, home))
            return asyncio.run(_run(_Bench(plan, settings, stack, progress).run(), stack, interrupts))
        finally:
            interrupts.closing()
            stack.stop()


def _worker_settings(url: str, home: Path) -> Mapping[str, str]:
    own = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX + WORKER)}
    return own | {"BROKER__URL": url, "WORKER__DATA_DIR": str(home / "worker")}


async def _run(measuring: Coroutine[Any, Any, dict[str, Any]], stack: Stack, interrupts: Interrupts) -> dict[str, Any]:
    """Measure until it is done, somebody interrupts, or a part ends."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)

    interrupts.deliver_to(end)
    measured = asyncio.create_task(measuring)
    interrupted = asyncio.create_task(stop.wait())
    try:
        while not measured.done():
            await asyncio.wait([measured, interrupted], timeout=CHECK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                raise KeyboardInterrupt
            stack.check()
        return measured.result()
    finally:
        interrupts.deliver_to(None)
        for task in (measured, interrupted):
            task.cancel()
        await asyncio.wait([measured, interrupted], timeout=5.0)


class _Bench:
    """One run on a stack that is up."""

    def __init__(self, plan: Plan, settings: Settings, stack: Stack, progress: Progress) -> None:
        self._plan, self._settings, self._stack, self._progress = plan, settings, stack, progress
        # The day of the first event is that of all: at midnight time would stand until an hour later.
        self._today_ms = int(datetime.now(UTC).timestamp() * 1000) // DAY_MS * DAY_MS
        self._markers = [Probe(number) for number in range(MARKERS)]
        self._probes = [Probe(number) for number in range(MARKERS, MARKERS + plan.probes)]
        self._background = Background(
            plan.customers,
            plan.past_days,
            self._today_ms,
            intensity=plan.intensity,
            distinct=plan.burst,
            seed=plan.seed,
        )
        self._producer = BatchProducer(client_settings(settings))

    async def run(self) -> dict[str, Any]:
        """Past, greatest load, latency."""
        await self._producer.start()
        try:
            await self._feed_past()
            marked, timed = Answers(self._markers), Answers(self._probes)
            async with Listener(self._settings, self._markers, marked, BARE) as listener:
                maximum = await self._burst(marked, listener)
            await self._settle()
            async with Listener(self._settings, self._probes, timed, BARE) as listener:
                load = await self._probe(maximum["events_per_second"] * self._plan.load, timed, listener)
                round_trip = Spread.of(listener.round_trips_ms)
        finally:
            await self._producer.stop()
        return result_of(maximum, {"share": self._plan.load, **load}, marked, timed, round_trip)

    async def _feed_past(self) -> None:
        with self._progress("feeding the past", None) as advance:
            lines = self._past()
            while chunk := list(islice(lines, CHUNK)):
                await self._producer.send_all(
                    [Output(topic, key, line) for line in chunk for topic, key in (address(line, None),)]
                )
                advance(len(chunk))
            told = RawPunctuation(type="watermark.advanced", to=datetime.fromtimestamp(self._today_ms / 1000, UTC))
            line = told.model_dump_json().encode()
            await self._producer.send_all(
                [
                    Output(topic, None, line, partition)
                    for topic in RAW_TOPICS
                    for partition in range(self._settings.broker.partitions)
                ]
            )
        await self._settle()

    def _past(self) -> Iterator[bytes]:
        """The probes fell asleep before the book begins."""
        own = [sorted(probe.past(self._today_ms)) for probe in (*self._markers, *self._probes)]
        yield from (line for _, line in merge(*own))
        yield from self._background.past()

    async def _settle(self) -> None:
        with self._progress("letting the worker settle", None):
            await wait_until_settled(self._stack.worker.admin_url, self._settings.broker.partitions, self._today_ms)

    def _now_ms(self) -> float:
        """Event time: now, but of the day on which it began."""
        return min(time() * 1000, self._today_ms + DAY_MS - 1)

    def _login(self, probe: Probe, answers: Answers) -> list[Output]:
        """What a probe sends, the bare record with it."""
        at_ms = time() * 1000
        answers.send(probe, at_ms)
        line = probe.login(int(self._now_ms()), "back")
        topic, key = address(line, None)
        return [
            Output(topic, key, line, timestamp=int(at_ms)),
            Output(BARE, key, (b"%.3f" % at_ms).ljust(BARE_BYTES)),
        ]

    async def _burst(self, answers: Answers, listener: Listener) -> dict[str, Any]:
        """All at once, then the markers; the last alert of theirs tells when all was through."""
        events = self._plan.burst
        with self._progress("measuring the greatest load", events) as advance:
            began_ms, left = time() * 1000, events
            while left:
                count = min(CHUNK, left)
                await self._producer.send_all(self._background.live(count, self._now_ms()))
                left -= count
                advance(count)
            await self._producer.send_all([output for probe in self._markers for output in self._login(probe, answers)])
            await _answered(answers, listener, BURST_PATIENCE_S)
        if answers.lost:
            raise EbbtideError(
                f"{answers.lost} of {len(answers.sent)} logins behind {events:,} events had no alert after "
                f"{BURST_PATIENCE_S:.0f} s"
            )
        seconds = (max(answer.legs_ms[Topic.ALERTS.topic_name] for answer in answers.answered) - began_ms) / 1000
        return {"events": events + MARKERS, "seconds": seconds, "events_per_second": (events + MARKERS) / seconds}

    async def _probe(self, rate: float, answers: Answers, listener: Listener) -> dict[str, Any]:
        """Events at this rate, the probes among them evenly, then wait for what is still under way."""
        plan, total = self._plan, int(rate * (WARM_UP_S + self._plan.seconds))
        events = Pace(rate, most=total)
        logins = Pace(len(self._probes) / plan.seconds, begins=WARM_UP_S, most=len(self._probes))
        before = await look(self._stack.worker.admin_url)
        late_s = 0.0
        with self._progress("measuring the latency", len(self._probes)) as advance:
            began = monotonic()
            while not (events.is_over and logins.is_over):
                elapsed = monotonic() - began
                # What came due since the last look waited for it.
                count = len(events.take(elapsed))
                late_s = max(late_s, count / rate)
                due = [self._probes[number] for number in logins.take(elapsed)]
                outputs = self._background.live(count, self._now_ms())
                for probe in due:
                    outputs += self._login(probe, answers)
                await self._producer.send_all(outputs)
                listener.check()
                advance(len(due))
                await asyncio.sleep(max(0.0, TICK_S - (monotonic() - began - elapsed)))
            seconds = monotonic() - began
            after = await look(self._stack.worker.admin_url)
            await _answered(answers, listener, PATIENCE_S)
        cores = 0.0 if before is None or after is None else (after.cpu_seconds - before.cpu_seconds) / seconds
        return {
            "events_per_second": events.taken / seconds,
            "events": events.taken,
            "seconds": seconds,
            "worker_cores": cores,
            "late_ms": late_s * 1000,
        }


async def _answered(answers: Answers, listener: Listener, patience_s: float) -> None:
    """Until every probe that was sent has its alert, and the bare records are back, or none came for so long."""
    patience, sent = Patience(patience_s), len(answers.sent)
    while answers.lost or len(listener.round_trips_ms) < sent:
        if patience.is_over(monotonic(), (answers.lost, len(listener.round_trips_ms))):
            return
        listener.check()
        await asyncio.sleep(0.05)
