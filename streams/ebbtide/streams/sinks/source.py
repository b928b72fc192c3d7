"""Where a sink's records come from."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ebbtide.streams.sinks.batch import Partition
from ebbtide.streams.sinks.record import ConsumedRecord

Polled = Mapping[Partition, Sequence[ConsumedRecord]]
"""Records by partition, one at least of each that is there."""


class SourceUnavailableError(Exception):
    """The source cannot be read now; the message names it."""


class Source(Protocol):
    """One member of a consumer group.

    `generation` grows when partitions are taken away: records polled under an older one belong to whoever has the
    partitions now, who reads them again from the last commit.
    """

    @property
    def generation(self) -> int: ...

    async def start(self) -> None:
        """Join the group. Raises SourceUnavailableError; may then be called again."""

    async def stop(self) -> None:
        """Leave the group, so that the partitions go on at once elsewhere."""

    async def poll(self, *, most: int, timeout: float) -> Polled:
        """Up to `most` records, in order within each partition; none after `timeout` seconds."""

    async def hold(self, seconds: float) -> None:
        """Stay in the group for that long without reading."""

    def resume(self) -> None:
        """Read on after `hold`."""

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether the group has the offsets now. When not, the records come again, here or elsewhere."""
