"""Gets records acknowledged: all requests that wait go to the broker together, and only then is anybody answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

from aiokafka.errors import KafkaError

from ebbtide.schemas.topics import Topic
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.transport import BatchProducer, Output

log = logging.getLogger(__name__)

TOPICS = (Topic.RAW_BEHAVIOR, Topic.RAW_CRM, Topic.FEEDBACK, Topic.IDENTITY_LINKS)
AGAIN_S = 1.0
"""Pause between two attempts to reach the broker."""
START_S = 15.0


class StoreUnavailableError(Exception):
    """The broker did not acknowledge; the message says why. What was sent may still arrive: the same again is safe."""


_Group = dict[asyncio.Future[None], Sequence[Output]]
"""What each of the waiting wants stored."""


class Store:
    """One producer. While a group of records is under way the next one gathers, so a slow broker makes large groups.

    Nothing waits longer than ``patience`` seconds. A group that is under way for longer means that the broker is away:
    until it is through, or given up, nothing further is taken in. So what is held is bounded by what the requests of
    that time may hold, twice.
    """

    def __init__(self, make: Callable[[], BatchProducer], *, patience: float, metrics: Metrics) -> None:
        self._make = make
        self._patience = patience
        self._metrics = metrics
        self._waiting: _Group = {}
        self._wake = asyncio.Event()
        self._producer: BatchProducer | None = None
        self._fault: str | None = "the collector has not met its broker yet"
        self._under_way_since: float | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the broker may still be away."""
        self._metrics.collector_broker_up.set(0)
        self._task = asyncio.create_task(self._run(), name="store")

    async def stop(self) -> None:
        """End. Call it when no request waits any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._fault = "the collector stops"
        self._refuse(self._waiting, self._fault)
        self._waiting = {}
        await self._drop_producer()

    def fault(self) -> str | None:
        """Why nothing can be stored now; None when it can."""
        since = self._under_way_since
        if self._fault is None and since is not None and self._now() - since > self._patience:
            return f"the broker has not acknowledged for {self._now() - since:.0f} s"
        return self._fault

    async def put(self, outputs: Sequence[Output]) -> None:
        """Return once all in-sync replicas have all of it. Raises ``StoreUnavailableError``."""
        if not outputs:
            return
        if (fault := self.fault()) is not None:
            raise StoreUnavailableError(fault)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[stored] = outputs
        self._wake.set()
        try:
            async with asyncio.timeout(self._patience):
                await stored
        except TimeoutError:
            raise StoreUnavailableError(f"the broker has not acknowledged within {self._patience:g} s") from None
        finally:
            # Who gave up before it went out does not want it stored, nor held.
            self._waiting.pop(stored, None)

    async def _run(self) -> None:
        while True:
            if self._producer is None:
                await self._meet()
            await self._wake.wait()
            self._wake.clear()
            group, self._waiting = self._waiting, {}
            if group:
                await self._ship(group)

    async def _meet(self) -> None:
        while self._producer is None:
            producer, asked = self._make(), "the broker"
            try:
                async with asyncio.timeout(START_S):
                    await producer.start()
                    for topic in TOPICS:
                        asked = f"topic {topic.topic_name}; is it there? `ebbtide topics create` makes it"
                        await producer.partitions_of(topic.topic_name)
            except Exception as error:
                self._failed(error if str(error) else TimeoutError(f"no answer within {START_S:g} s about {asked}"))
                await _stopped(producer)
                await asyncio.sleep(AGAIN_S)
            except BaseException:
                await _stopped(producer)
                raise
            else:
                self._producer = producer
                self._fault = None
                self._metrics.collector_broker_up.set(1)

    async def _ship(self, group: _Group) -> None:
        assert self._producer is not None
        self._under_way_since = began = self._now()
        try:
            await self._producer.send_all(_outputs(group))
        except Exception as error:
            # What a producer still holds it would send for ever; nobody was told that it is stored.
            self._failed(error)
            self._refuse(group, str(self._fault))
            await self._drop_producer()
        except BaseException:
            self._refuse(group, "the collector stops")
            raise
        else:
            self._metrics.collector_acknowledge_seconds.observe(self._now() - began)
            for stored in group:
                if not stored.done():
                    stored.set_result(None)
        finally:
            self._under_way_since = None

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, KafkaError | OSError):
            log.error("a bug in what sends", exc_info=error)
        fault = f"the broker takes nothing: {str(error) or type(error).__name__}"
        if fault != self._fault:
            log.warning("%s", fault)
        self._fault = fault
        self._metrics.collector_broker_up.set(0)

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stopped(producer)

    @staticmethod
    def _refuse(group: _Group, why: str) -> None:
        for stored in group:
            if not stored.done():
                stored.set_exception(StoreUnavailableError(why))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def _stopped(producer: BatchProducer) -> None:
    try:
        await producer.stop()
    except (KafkaError, OSError) as error:
        log.info("the old producer did not stop in order: %r", error)


def _outputs(group: _Group) -> Iterable[Output]:
    return (output for outputs in group.values() for output in outputs)
