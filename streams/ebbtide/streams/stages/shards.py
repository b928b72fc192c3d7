"""What the stages with a table have in common: a shard for each partition, flushed together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from ebbtide.models.outputs import Flush, Output
from ebbtide.streams.transport import Breath, RecordBatch, Stage


class Flushes(Protocol):
    """A shard of the core."""

    def flush(self) -> Flush:
        """Everything since the last flush."""
        ...


class FlushesByParts(Protocol):
    """A shard of the core whose flush takes long."""

    def flush_by_parts(self, now_ms: int | None = None) -> Iterator[Flush]:
        """Everything since the last flush, little by little; nothing is applied meanwhile."""
        ...


S = TypeVar("S", bound=Flushes | FlushesByParts)
Flushed = tuple[list[Output], dict[int, dict[bytes, bytes | None]]]
"""Outputs, and table values by partition."""


def keep_shards(
    stage: Stage, build: Callable[[int], S], forget: Callable[[int, S], None] = lambda _partition, _shard: None
) -> dict[int, S]:
    """The shards of the assigned partitions: built when one is assigned, dropped (and forgotten) when it is revoked.

    Both happen beside the event loop: a great shard takes long.
    """
    shards: dict[int, S] = {}

    @stage.on_assigned
    async def assigned(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards[partition] = await stage.aside(build, partition)

    @stage.on_revoked
    async def revoked(partitions: frozenset[int]) -> None:
        gone = [(partition, shards.pop(partition)) for partition in partitions]
        while gone:
            await stage.aside(forget, *gone.pop())

    return shards


def flush_shards(shards: Mapping[int, Flushes], batches: Iterable[RecordBatch]) -> Flushed:
    """Outputs and table values, by partition, of the shards that the batches went to; each is flushed once."""
    outputs: list[Output] = []
    writes: dict[int, dict[bytes, bytes | None]] = {}
    for partition in {batch.partition for batch in batches}:
        flush = shards[partition].flush()
        outputs += flush.outputs
        writes[partition] = flush.writes
    return outputs, writes


async def flush_by_parts(shards: Mapping[int, FlushesByParts], now_ms: int) -> Flushed:
    """Like ``flush_shards``, of all these; the other stages go on meanwhile."""
    outputs: list[Output] = []
    writes: dict[int, dict[bytes, bytes | None]] = {}
    breath = Breath()
    for partition, shard in shards.items():
        own = writes[partition] = {}
        for part in shard.flush_by_parts(now_ms):
            outputs += part.outputs
            own.update(part.writes)
            if breath.is_due():
                await breath.take()
    return outputs, writes
