"""`ebbtide send`: raw records from a file to Kafka, bytes unchanged, each subject's in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Any

import orjson
from aiokafka.errors import KafkaError

from ebbtide.schemas.raw import RawPunctuation
from ebbtide.schemas.topics import Topic
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.reach import ANSWER_S, require_broker, unanswered
from ebbtide.streams.settings import Settings
from ebbtide.streams.transport import BatchProducer, Output

CHUNK = 2_000
_KEYS = ("userId", "anonymousId", "groupId")
RAW_TOPICS = (Topic.RAW_BEHAVIOR.topic_name, Topic.RAW_CRM.topic_name)


def address(line: bytes, topic: str | None) -> tuple[str, bytes | None]:
    """Topic and key of a raw record. What cannot be read goes to ``raw-behavior``: intake says what is wrong."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        return topic or RAW_TOPICS[0], None
    return address_of(record, topic)


def address_of(record: Mapping[str, Any], topic: str | None) -> tuple[str, bytes | None]:
    """The same of a record that was read."""
    kind = record.get("type")
    fact = isinstance(kind, str) and "." in kind
    key = _fact_key(record) if fact else next((record[k] for k in _KEYS if record.get(k) is not None), None)
    return topic or RAW_TOPICS[fact], None if key is None else str(key).encode()


def _fact_key(record: Mapping[str, Any]) -> Any:
    ids = record.get("ids")
    return next(iter(ids.values()), None) if isinstance(ids, dict) else None


async def send(
    lines: Iterable[bytes],
    settings: Settings,
    *,
    topic: str | None = None,
    rate: float | None = None,
    until: datetime | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Send all lines; return their number. Returns only when the broker has acknowledged every one.

    ``rate`` bounds records per second. ``until`` closes the backfill: it tells every raw partition that nothing older
    follows, so that time comes to stand there.
    """
    producer = await started_producer(settings)
    try:
        sent = 0
        began = monotonic()
        chunk_size = CHUNK if rate is None else max(1, min(CHUNK, int(rate / 10)))
        remaining = iter(lines)
        while chunk := list(islice(remaining, chunk_size)):
            outputs = [Output(name, key, line) for line in chunk for name, key in (address(line, topic),)]
            await producer.send_all(outputs)
            sent += len(chunk)
            if progress is not None:
                progress(len(chunk))
            if rate is not None:
                await asyncio.sleep(max(0.0, began + sent / rate - monotonic()))
        if until is not None:
            await producer.send_all([output async for output in _punctuation(producer, until)])
        return sent
    finally:
        await producer.stop()


def send_one(settings: Settings, output: Output, *, what: str, then: str) -> None:
    """Send one record that somebody made by hand. Returns once all in-sync replicas have it.

    Raises ``EbbtideError`` where they do not take it; ``what`` it was, and what to do ``then``.
    """
    asyncio.run(_send_one(settings, output, what, then))


async def _send_one(settings: Settings, output: Output, what: str, then: str) -> None:
    producer = await started_producer(settings)
    try:
        await producer.send_all([output])
    except KafkaError as error:
        raise EbbtideError(
            f"{settings.broker.bootstrap} did not take {what} for {output.topic}: {error}; "
            f"see `ebbtide topics check`, then {then}"
        ) from None
    finally:
        await producer.stop()


async def started_producer(settings: Settings) -> BatchProducer:
    """A producer that has met its broker. Raises ``EbbtideError`` where there is none."""
    await asyncio.to_thread(require_broker, settings)
    producer = BatchProducer(client_settings(settings), idempotent=settings.broker.idempotent)
    try:
        async with asyncio.timeout(ANSWER_S):
            await producer.start()
    except TimeoutError:
        raise unanswered(settings, f"no answer within {ANSWER_S:g} s") from None
    except (KafkaError, OSError) as error:
        raise unanswered(settings, error) from None
    return producer


async def _punctuation(producer: BatchProducer, until: datetime) -> Any:
    record = RawPunctuation(type="watermark.advanced", to=until).model_dump_json().encode()
    for name in RAW_TOPICS:
        for partition in range(await producer.partitions_of(name)):
            yield Output(name, None, record, partition)
