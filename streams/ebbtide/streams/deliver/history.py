"""What became of deliveries, read from their ledger; and records to be sent again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from pydantic import ValidationError

from ebbtide.models.delivery.message import STATES, Message, Position, UnreadableError
from ebbtide.schemas.deliveries import Delivery, DeliveryRequest
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.inbox import REQUESTS, from_record
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.kafka_client import client_settings
from ebbtide.streams.reach import ANSWER_S, no_kafka, require_broker
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import Progress, read_topic, unseen
from ebbtide.streams.transport import Output

_POLL_MS, _PATIENCE = 1_000, 15


def last_lines(
    settings: Settings,
    *,
    endpoints: Collection[str] = (),
    customers: Collection[str] = (),
    statuses: Collection[str] = (),
    since: datetime | None = None,
    progress: Progress = unseen,
) -> list[Delivery]:
    """What is known last of each delivery, oldest first. ``statuses`` are those that they have now."""
    keys = [customer.encode() for customer in customers] or None
    newest: dict[tuple[str, str, int, int], Delivery] = {}
    for record in read_topic(settings, Topic.DELIVERIES.topic_name, keys, progress=progress):
        try:
            line = Delivery.from_json(record.value)
        except ValidationError as error:
            raise EbbtideError(f"{record.topic}/{record.partition} offset {record.offset}: {error}") from None
        if endpoints and line.endpoint not in endpoints:
            continue
        if customers and line.customer_id not in customers:
            continue
        newest[line.endpoint, line.source_topic, line.source_partition, line.source_offset] = line
    chosen = (line for line in newest.values() if not statuses or line.status in statuses)
    return sorted(
        (line for line in chosen if since is None or line.occurred_at >= since), key=lambda line: line.occurred_at
    )


def requests(settings: Settings, lines: Collection[Delivery]) -> tuple[list[Output], list[Delivery]]:
    """Requests to send the records of these lines again, and the lines whose record its topic no longer has.

    Of a score or a customer's record the newest is sent: an older one must not go over a newer one.
    """
    wanted: dict[tuple[str, int], list[Delivery]] = defaultdict(list)
    for line in lines:
        wanted[line.source_topic, line.source_partition].append(line)
    found: dict[tuple[str, Position], tuple[str, Message]] = {}
    lost = []
    for (topic, partition), here in wanted.items():
        offsets = {line.source_offset for line in here}
        exact, newest = _read(settings, topic, partition, offsets, {line.customer_id for line in here})
        for line in here:
            message = newest.get(line.customer_id or "") if line.kind in STATES else exact.get(line.source_offset)
            if message is None:
                lost.append(line)
            else:
                found[line.endpoint, message.source] = line.endpoint, message
    now = datetime.now(UTC)
    return [_request(endpoint, message, now) for endpoint, message in found.values()], lost


def newest_of(settings: Settings, customer: str, topic: str) -> Message | None:
    """The newest record of a customer on a topic."""
    newest = None
    for record in read_topic(settings, topic, [customer.encode()]):
        if record.key == customer.encode():
            newest = _message(record) or newest
    return newest


def _read(
    settings: Settings, topic: str, partition: int, offsets: Collection[int], customers: Collection[str | None]
) -> tuple[dict[int, Message], dict[str, Message]]:
    exact: dict[int, Message] = {}
    newest: dict[str, Message] = {}
    for record in _from(settings, topic, partition, min(offsets)):
        key = (record.key or b"").decode("utf-8", "replace")
        if record.offset not in offsets and key not in customers:
            continue
        message = _message(record)
        if message is None:
            continue
        if record.offset in offsets:
            exact[record.offset] = message
        if key not in newest or newest[key].version <= message.version:
            newest[key] = message
    return exact, newest


def _from(settings: Settings, topic: str, number: int, offset: int) -> Iterator[Any]:
    """All records of a partition from an offset, or the first that is left, to its end as it is now."""
    require_broker(settings)
    try:
        consumer = KafkaConsumer(
            **client_settings(settings), bootstrap_timeout_ms=int(ANSWER_S * 1000), enable_auto_commit=False
        )
    except KafkaError as error:
        raise EbbtideError(no_kafka(f"{settings.broker.bootstrap}: {error}")) from None
    partition, silent = TopicPartition(topic, number), 0
    try:
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        consumer.seek(partition, max(offset, consumer.beginning_offsets([partition])[partition]))
        while consumer.position(partition) < end:
            records = consumer.poll(timeout_ms=_POLL_MS).get(partition, [])
            silent = 0 if records else silent + 1
            if silent >= _PATIENCE:
                raise EbbtideError(f"{topic} partition {number} does not answer")
            yield from (record for record in records if record.offset < end)
    finally:
        consumer.close()


def _message(record: Any) -> Message | None:
    try:
        return from_record(record)
    except UnreadableError:
        return None


def _request(endpoint: str, message: Message, now: datetime) -> Output:
    request = DeliveryRequest(
        endpoint=endpoint,
        tenant=message.tenant,
        key=message.key,
        kind=message.kind,
        source_topic=message.source.topic,
        source_partition=message.source.partition,
        source_offset=message.source.offset,
        version=message.version,
        record=None if message.value is None else message.value.decode(),
        requested_at=now,
    )
    return Output(REQUESTS, message.key.encode(), request.to_json())
