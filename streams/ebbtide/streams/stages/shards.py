"""What the stages with a table have in common: a shard for each partition, flushed together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from ebbtide.models.outputs import Flush, Output
from ebbtide.streams.transport import RecordBatch, Stage


class Flushes(Protocol):
    """A shard of the core."""

    def flush(self) -> Flush:
        """Everything since the last flush."""
        ...


S = TypeVar("S", bound=Flushes)


def keep_shards(
    stage: Stage, build: Callable[[int], S], forget: Callable[[int], None] = lambda _partition: None
) -> dict[int, S]:
    """The shards of the assigned partitions: built when one is assigned, dropped (and forgotten) when it is revoked."""
    shards: dict[int, S] = {}

    @stage.on_assigned
    def assigned(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards[partition] = build(partition)

    @stage.on_revoked
    def revoked(partitions: frozenset[int]) -> None:
        for partition in partitions:
            shards.pop(partition, None)
            forget(partition)

    return shards


def flush_shards(
    shards: Mapping[int, Flushes], batches: Iterable[RecordBatch]
) -> tuple[list[Output], dict[int, dict[bytes, bytes | None]]]:
    """Outputs and table values, by partition, of the shards that the batches went to; each is flushed once."""
    outputs: list[Output] = []
    writes: dict[int, dict[bytes, bytes | None]] = {}
    for partition in {batch.partition for batch in batches}:
        flush = shards[partition].flush()
        outputs += flush.outputs
        writes[partition] = flush.writes
    return outputs, writes
