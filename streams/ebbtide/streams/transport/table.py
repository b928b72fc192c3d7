"""The table of a stage: Faust assigns and recovers it, we write it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn

import faust
from faust.stores.base import Store as FaustStore

from .records import ConsumerRecord
from .store import MemoryStore, RocksStore, Store

__all__ = ["StateTable"]

#: Small segments and a low dirty ratio keep the changelog near the size of the state: a worker that takes over a
#: partition without a local copy reads all of it.
_CHANGELOG_CONFIG = {
    "segment.bytes": str(64 << 20),
    "min.cleanable.dirty.ratio": "0.2",
    "message.timestamp.type": "CreateTime",
}


class StateTable(faust.Table):  # type: ignore[misc]
    """Bytes to bytes, per partition. Read with `get` and `items`; written by a stage's flush alone.

    Faust's own writes cost about 75 µs each and are acknowledged late or never (a failed send is only logged). Here
    the stage sends the changelog records, waits for the broker, and then writes the local store together with the
    changelog offset.
    """

    def __init__(self, app: Any, name: str, *, partitions: int | None = None, **kwargs: Any) -> None:
        super().__init__(
            app,
            name=name,
            partitions=partitions,
            key_type=bytes,
            value_type=bytes,
            extra_topic_configs={**_CHANGELOG_CONFIG, **kwargs.pop("changelog_config", {})},
            **kwargs,
        )
        self.local = self._open_local()
        #: Changelog records that recovery applied, by partition, until the stage has rebuilt the shard: one in
        #: memory is stale then.
        self.recovered: dict[int, int] = {}

    def _open_local(self) -> Store:
        if self.app.conf.store.scheme == "memory":
            return MemoryStore()
        return RocksStore(self.app.conf.tabledir, self.name, cache_bytes=self.app.config.cache_bytes)

    def get(self, partition: int, key: bytes) -> bytes | None:
        """The value of the key in this partition, or None."""
        return self.local.get(partition, key)

    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        """Every key and value of this partition, to rebuild what a stage keeps in memory."""
        return self.local.items(partition)

    def write(self, partition: int, writes: Mapping[bytes, bytes | None], offset: int | None) -> None:
        """Apply writes that the broker has acknowledged up to this changelog offset. For a stage's flush only."""
        self.local.write(partition, writes, offset)

    def end(self, partition: int) -> int | None:
        """The changelog offset that the next record of this worker gets if nobody else writes; None if not known."""
        offset = self.local.offset(partition)
        return None if offset is None else offset + 1

    def apply_records(self, partition: int, records: Iterable[ConsumerRecord]) -> None:
        """Apply changelog records in order. For recovery only."""
        writes: dict[bytes, bytes | None] = {}
        offset, known = None, self.local.offset(partition)
        for record in records:
            if record.key is not None and (known is None or record.offset > known):
                writes[record.key] = record.value
                offset = record.offset
                self.recovered[partition] = self.recovered.get(partition, 0) + 1
        if offset is not None:
            self.local.write(partition, writes, offset)

    def _new_store(self) -> "_FaustView":
        return _FaustView(self.app.conf.store, self.app, self, loop=self.loop)

    def on_key_get(self, key: Any) -> NoReturn:
        raise TypeError("read a StateTable with get(partition, key)")

    def on_key_set(self, key: Any, value: Any) -> NoReturn:
        raise TypeError("a StateTable is written by its stage's flush only")

    def on_key_del(self, key: Any) -> NoReturn:
        raise TypeError("a StateTable is written by its stage's flush only")


class _FaustView(FaustStore):  # type: ignore[misc]
    """What Faust's recovery sees of the local store."""

    def persisted_offset(self, tp: Any) -> int | None:
        offset: int | None = self.table.local.offset(tp.partition)
        return offset

    def set_persisted_offset(self, tp: Any, offset: int) -> None:
        self.table.local.write(tp.partition, {}, offset)

    async def need_active_standby_for(self, tp: Any) -> bool:
        return False

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        for event in batch:
            self.table.apply_records(event.message.partition, [event.message])

    async def on_rebalance(self, assigned: Any, revoked: Any, newly_assigned: Any, generation_id: int = 0) -> None:
        mine = {tp.partition for tp in assigned if tp.topic == self.table.changelog_topic_name}
        for partition in self.table.local.partitions():
            if partition not in mine:
                self.table.local.close(partition)

    async def on_stop(self) -> None:
        for partition in self.table.local.partitions():
            self.table.local.close(partition)

    def reset_state(self) -> None:
        self.table.local.erase()

    async def backup_partition(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("the changelog topic is the backup")

    def restore_backup(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("the changelog topic is the backup")

    def _clear(self) -> None:
        raise TypeError("a StateTable is written by its stage's flush only")

    def __len__(self) -> int:
        return sum(1 for partition in self.table.local.partitions() for _ in self.table.local.items(partition))
