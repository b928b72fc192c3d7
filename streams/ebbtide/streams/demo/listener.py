"""Reads what the worker publishes, from the first record on, without a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from ebbtide.schemas.alert import Alert
from ebbtide.schemas.learning import Model
from ebbtide.schemas.topics import Topic
from ebbtide.streams.app import partition_counts
from ebbtide.streams.codec import TICK_KEY
from ebbtide.streams.demo.scrape import parse
from ebbtide.streams.demo.state import DemoState
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.settings import Settings

SCRAPE_EVERY_S = 0.5
SCRAPE_TIMEOUT_S = 5.0
POLL_MS = 300
MOST_RECORDS = 2_000
TOPICS = (Topic.SCORES, Topic.ALERTS, Topic.CUSTOMER_RECORDS)


async def listen(settings: Settings, state: DemoState) -> None:
    """Fold scores, alerts, records and models into ``state`` until cancelled."""
    counts = partition_counts(settings)
    consumer = AIOKafkaConsumer(**client_settings(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic.topic_name, partition)
            for topic in TOPICS
            for partition in range(counts[topic.topic_name])
        ]
        # Every partition of `models` has the same records.
        consumer.assign([*partitions, TopicPartition(Topic.MODELS.topic_name, 0)])
        while True:
            polled = await consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_RECORDS)
            for partition, records in polled.items():
                take = TAKERS[partition.topic]
                for record in records:
                    take(state, record)
    finally:
        await consumer.stop()


def _take_score(state: DemoState, record: Any) -> None:
    score = orjson.loads(record.value)
    state.score(score["customer_id"], score["tier"])


def _take_alert(state: DemoState, record: Any) -> None:
    state.alert(Alert.from_json(record.value))


def _take_customer(state: DemoState, record: Any) -> None:
    if record.value is None:
        state.customers.discard(record.key)
    else:
        state.customers.add(record.key)


def _take_model(state: DemoState, record: Any) -> None:
    if record.key != TICK_KEY and record.value is not None:
        state.learned(Model.from_json(record.value))


TAKERS: dict[str, Callable[[DemoState, Any], None]] = {
    Topic.SCORES.topic_name: _take_score,
    Topic.ALERTS.topic_name: _take_alert,
    Topic.CUSTOMER_RECORDS.topic_name: _take_customer,
    Topic.MODELS.topic_name: _take_model,
}


async def measure(admin_url: str, state: DemoState, clock: Callable[[], float]) -> None:
    """Read the worker's metrics into ``state`` until cancelled. One that does not answer is asked again: whether it
    lives is judged by its process."""
    timeout = aiohttp.ClientTimeout(total=SCRAPE_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            try:
                async with session.get(f"{admin_url}/metrics") as answer:
                    text = await answer.text()
            except (aiohttp.ClientError, TimeoutError):
                text = ""
            state.seconds = clock()
            if text:
                state.measure(parse(text))
            await asyncio.sleep(SCRAPE_EVERY_S)
