"""Reads what comes of the probes, by topics alone: alerts, the bare records beside them, and the topics between."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack
from time import time
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from ebbtide.schemas.topics import Topic
from ebbtide.streams.bench.live.probes import Answers, Probe
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.settings import Settings

_POLL_MS = 200
_ALERTS, _EVENTS, _STATES = (topic.topic_name for topic in (Topic.ALERTS, Topic.EVENTS, Topic.PROFILE_STATES))


class Listener:
    """Listens while entered. ``bare`` is the topic of the records that go to the broker and back and nowhere else."""

    def __init__(self, settings: Settings, probes: Collection[Probe], answers: Answers, bare: str) -> None:
        self._settings, self._answers, self._bare = settings, answers, bare
        self._numbers = {probe.event_key.encode(): probe.number for probe in probes}
        self._numbers |= {probe.customer_id.encode(): probe.number for probe in probes}
        self._open = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self.round_trips_ms: list[float] = []

    async def __aenter__(self) -> Listener:
        # What lies between has many records: reading them must not delay the reading of alerts.
        for topics, take in (((_ALERTS, self._bare), self._take), ((_EVENTS, _STATES), self._pass)):
            consumer = await self._consumer(topics)
            self._tasks.append(asyncio.create_task(self._listen(consumer, take)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._open.aclose()

    def check(self) -> None:
        """Raise what ended the listening, if anything did."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _consumer(self, topics: Iterable[str]) -> Any:
        consumer = AIOKafkaConsumer(
            **client_settings(self._settings), enable_auto_commit=False, auto_offset_reset="latest"
        )
        await consumer.start()
        self._open.push_async_callback(consumer.stop)
        count = self._settings.broker.partitions
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(count)]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        return consumer

    async def _listen(self, consumer: Any, take: Any) -> None:
        while True:
            polled = await consumer.getmany(timeout_ms=_POLL_MS)
            now_ms = time() * 1000
            for partition, records in polled.items():
                for record in records:
                    take(partition.topic, record, now_ms)

    def _take(self, topic: str, record: Any, now_ms: float) -> None:
        if topic == self._bare:
            self.round_trips_ms.append(now_ms - float(record.value))
        else:
            self._answers.read(orjson.loads(record.value), told_ms=record.timestamp, read_ms=now_ms)

    def _pass(self, topic: str, record: Any, _now_ms: float) -> None:
        number = self._numbers.get(record.key)
        if number is not None:
            self._answers.pass_by(number, topic, record.timestamp)
