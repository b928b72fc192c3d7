"""What became of deliveries, read from their ledger; and records to be sent again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from ebbtide.models.delivery.message import STATES, Message, Position, UnreadableError
from ebbtide.schemas.deliveries import Delivery
from ebbtide.schemas.topics import Topic
from ebbtide.streams.deliver.inbox import from_record
from ebbtide.streams.deliver.outbox import requested
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import Progress, read_partition, read_topic, unseen
from ebbtide.streams.transport import Output


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
    return [requested(endpoint, message, now) for endpoint, message in found.values()], lost


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
    for record in read_partition(settings, topic, partition, min(offsets)):
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


def _message(record: Any) -> Message | None:
    try:
        return from_record(record)
    except UnreadableError:
        return None
