"""What a step hands to the shell: records to send and table values to store. Data only; sending is not its job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ebbtide.schemas.base import AnyContract
from ebbtide.schemas.topics import Topic

EVERY_PARTITION = -1
HEARTBEAT_KEY = "@heartbeat"
"""Key of the heartbeats among other records; no identifier or customer is called so."""

ACTIVITY_KEY = "@activity"
"""Key of what customers did by day, among candidates for alerts."""

ASKED_KEY, DECISION_KEY = "@asked", "@decision"
"""Keys of what the model was asked, and of what was decided by hand, among training examples."""


class Tombstone(NamedTuple):
    """No record any more: a null value under the key, on a compacted topic.

    It has a version as the key's records have one: whoever hears several keeps the greatest.
    """

    tenant: str
    version: int


class Output(NamedTuple):
    """One record to send. ``partition`` None: by key; ``EVERY_PARTITION``: one copy to each.

    ``caused_ms`` is when the input that caused it was appended to Kafka, for the latency histograms.
    """

    topic: Topic
    key: str
    record: AnyContract | Tombstone
    partition: int | None = None
    caused_ms: int | None = None


@dataclass(slots=True)
class Flush:
    """Outputs in order, and the table values that go with them (None deletes)."""

    outputs: list[Output] = field(default_factory=list)
    writes: dict[bytes, bytes | None] = field(default_factory=dict)
