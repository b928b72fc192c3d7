"""Reading a stretch of a topic again, beside the consumer group."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Key

from .records import ConsumerRecord, TopicPartition

__all__ = ["read_back"]

_POLL_MS = 500


async def read_back(
    settings: Mapping[str, Any], tp: TopicPartition, start: int, end: int, *, timeout: float
) -> list[ConsumerRecord]:
    """The records in `[start, end)` that the broker still has; raises `TimeoutError` after `timeout` seconds."""
    key, found = Key(*tp), []
    async with asyncio.timeout(timeout):
        async with AIOKafkaConsumer(**settings, auto_offset_reset="earliest", enable_auto_commit=False) as consumer:
            consumer.assign([key])
            consumer.seek(key, start)
            while await consumer.position(key) < end:
                for records in (await consumer.getmany(key, timeout_ms=_POLL_MS)).values():
                    found += records
    return [record for record in found if record.offset < end]
