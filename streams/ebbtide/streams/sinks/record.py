"""Where a Kafka record stood: what identifies a row for ever."""

from collections.abc import Mapping
from typing import NamedTuple


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


class Control(NamedTuple):
    """A record between two stages, a tick or a heartbeat of a source: nothing that history is about."""

    key: bytes


class BadRecordError(ValueError):
    """A record that cannot become a row. `reason` is counted, so it comes from a small closed set."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
