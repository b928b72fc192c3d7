"""Customers as the worker stored them, read from the changelog of its table: while workers run and when none do."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.news import NEWS_KEY, catch_up
from ebbtide.models.customer.packed import decode
from ebbtide.models.customer.partition_state import PartitionState
from ebbtide.models.customer.shard import META_KEY
from ebbtide.models.customer.shelf import STATS_KEY, StatsShelf
from ebbtide.models.customer.sources import SOURCES_KEY
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.reader import Fleet
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.settings import Settings
from ebbtide.streams.topic_reader import NoTopicError, Progress, read_topic, unseen

TABLE = "customers"


@dataclass(frozen=True, slots=True)
class StoredCustomer:
    """A customer with where it lies, and the grid instant that its partition had settled last (None: none yet).

    ``fleet`` are the statistics of all customers that the partition had then, ``heartbeats`` the table's value of those
    of its sources.
    """

    customer: Customer
    settled_day: int | None
    topic: str
    partition: int
    offset: int
    fleet: Fleet | None = None
    heartbeats: bytes | None = None

    @property
    def is_live(self) -> bool:
        """Whether anything still counts for it: not all went to another owner."""
        return not all(share.detached for share in self.customer.shares.values())


def changelog(settings: Settings) -> str:
    """Name of the table's changelog topic."""
    return f"{settings.worker.app_id}-{TABLE}-changelog"


def read_customers(
    settings: Settings, customer_ids: Iterable[str], progress: Progress = unseen
) -> dict[str, StoredCustomer]:
    """Those of the customers that are stored, by id. Reads the partitions of these ids, to the end that they have now.

    Raises ``EbbtideError`` where the broker cannot be reached, no worker stored anything there, or another version did.
    """
    topic = changelog(settings)
    wanted = {customer_id.encode() for customer_id in customer_ids}
    if not wanted:
        return {}
    table = _Table(wanted)
    try:
        for record in read_topic(settings, topic, wanted, progress=progress):
            table.take(record)
    except NoTopicError:
        raise EbbtideError(
            f"no worker has stored customers on {settings.broker.bootstrap}: there is no topic {topic}. "
            "Start `ebbtide worker`, and see that EBBTIDE_WORKER__APP_ID is that of the worker"
        ) from None
    settled = {
        partition: msgspec.msgpack.decode(state, type=PartitionState).settled_day
        for partition, state in table.states[META_KEY].items()
    }
    fleets: dict[int, StatsShelf] = {}
    for (partition, _), value in table.stats.items():
        if value is not None:
            fleets.setdefault(partition, StatsShelf()).restore(value)
    found = {}
    for key, (value, partition, offset) in table.values.items():
        try:
            customer = _read(value, table.news.get(key), settings)
        except ValueError as error:
            raise EbbtideError(f"{topic} partition {partition} offset {offset}: {error}") from None
        day = settled.get(partition)
        fleet = fleets[partition].stats(customer.tenant, day or 0) if partition in fleets else None
        found[key.decode()] = StoredCustomer(
            customer, day, topic, partition, offset, fleet, table.states[SOURCES_KEY].get(partition)
        )
    return found


class _Table:
    """The last value of each key that is ``wanted`` with where it lies, its news, and what is of the partition."""

    def __init__(self, wanted: Collection[bytes]) -> None:
        self._wanted = wanted
        self.values: dict[bytes, tuple[bytes, int, int]] = {}
        self.news: dict[bytes, bytes | None] = {}
        self.states: dict[bytes, dict[int, bytes]] = {META_KEY: {}, SOURCES_KEY: {}}
        self.stats: dict[tuple[int, bytes], bytes | None] = {}

    def take(self, record: Any) -> None:
        """The next record of the changelog."""
        key: bytes = record.key or b""
        if key in self.states:
            self.states[key][record.partition] = record.value
        elif key.startswith(STATS_KEY):
            self.stats[record.partition, key] = record.value
        elif key.startswith(NEWS_KEY):
            self.news[key.removeprefix(NEWS_KEY)] = record.value
        elif key in self._wanted and record.value is None:
            self.values.pop(key, None)
        elif key in self._wanted:
            self.values[key] = record.value, record.partition, record.offset


def _read(value: bytes, news: bytes | None, settings: Settings) -> Customer:
    customer = decode(value)
    if news is not None:
        catch_up(customer, View(customer, kept(settings.core)), value, news)
    return customer
