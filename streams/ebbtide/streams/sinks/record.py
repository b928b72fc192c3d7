"""A Kafka record as it is read, and where it stood: what identifies its row for ever."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ebbtide.streams.codec import HEARTBEAT_KEY, TICK_KEY

CONTROL_KEYS = frozenset({TICK_KEY, HEARTBEAT_KEY})
"""Keys of records between two stages, a tick or a heartbeat of a source: nothing that history is about."""


class ConsumedRecord(Protocol):
    """A record of a known partition; its time is the broker's, or its producer's, in Unix milliseconds."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class RecordMeta(NamedTuple):
    """Position of a record on the bus, and when the broker (or producer) stamped it, in Unix milliseconds."""

    topic: str
    partition: int
    offset: int
    appended_at_ms: int


class Tombstone(NamedTuple):
    """A record without a value: there is nothing under the key any more. Headers say what the value would."""

    key: bytes
    headers: Mapping[str, bytes]


class BadRecordError(ValueError):
    """A record that cannot become a row. `reason` is counted, so it comes from a small closed set."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
