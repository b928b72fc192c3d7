"""Where a table's partitions live on this worker: bytes to bytes, with the changelog offset they are up to."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import rocksdict

__all__ = ["MemoryStore", "RocksStore", "Store"]

Writes = Mapping[bytes, bytes | None]

#: Faust's own key for the same thing, so that its tools can read the files.
_OFFSET = b"__faust\0offset__"


class Store(Protocol):
    """One per table; every call names the partition. Deleting is writing None."""

    def get(self, partition: int, key: bytes) -> bytes | None: ...
    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]: ...
    def write(self, partition: int, writes: Writes, offset: int | None) -> None:
        """Apply the writes and the changelog offset of the last of them, together or not at all."""

    def offset(self, partition: int) -> int | None: ...
    def close(self, partition: int) -> None:
        """The partition belongs to another worker now."""

    def partitions(self) -> Iterable[int]: ...
    def erase(self) -> None: ...


class MemoryStore:
    """A dict per partition. Unlike Faust's it forgets the partitions that it lost, and knows its offset, so that a
    rebalance re-reads only the tail of the changelogs of partitions that stayed.
    """

    def __init__(self) -> None:
        self._partitions: dict[int, dict[bytes, bytes]] = {}
        self._offsets: dict[int, int] = {}

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self._partitions.get(partition, {}).get(key)

    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        return iter(self._partitions.get(partition, {}).items())

    def write(self, partition: int, writes: Writes, offset: int | None) -> None:
        data = self._partitions.setdefault(partition, {})
        for key, value in writes.items():
            if value is None:
                data.pop(key, None)
            else:
                data[key] = value
        if offset is not None:
            self._offsets[partition] = offset

    def offset(self, partition: int) -> int | None:
        return self._offsets.get(partition)

    def close(self, partition: int) -> None:
        self._partitions.pop(partition, None)
        self._offsets.pop(partition, None)

    def partitions(self) -> Iterable[int]:
        return list(self._partitions)

    def erase(self) -> None:
        self._partitions.clear()
        self._offsets.clear()


class RocksStore:
    """A RocksDB database per partition under `directory`, one small block cache for all of them.

    Faust's defaults reserve a 2 GiB cache and 64 MB write buffers for each partition of each table.
    """

    def __init__(
        self, directory: Path, name: str, *, cache_bytes: int = 64 << 20, write_buffer_bytes: int = 8 << 20
    ) -> None:
        self._directory, self._name = directory, name
        self._cache_bytes, self._write_buffer_bytes = cache_bytes, write_buffer_bytes
        self._cache: Any = None
        self._databases: dict[int, Any] = {}

    def path(self, partition: int) -> Path:
        return self._directory / f"{self._name}-{partition}.db"

    def get(self, partition: int, key: bytes) -> bytes | None:
        value: bytes | None = self._database(partition).get(key)
        return value

    def items(self, partition: int) -> Iterator[tuple[bytes, bytes]]:
        for key, value in self._database(partition).items():
            if key != _OFFSET:
                yield key, value

    def write(self, partition: int, writes: Writes, offset: int | None) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, value in writes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        if offset is not None:
            batch.put(_OFFSET, b"%d" % offset)
        self._database(partition).write(batch)

    def offset(self, partition: int) -> int | None:
        value = self._database(partition).get(_OFFSET)
        return None if value is None else int(value)

    def close(self, partition: int) -> None:
        database = self._databases.pop(partition, None)
        if database is not None:
            database.close()

    def partitions(self) -> Iterable[int]:
        return list(self._databases)

    def erase(self) -> None:
        for partition in self.partitions():
            self.close(partition)
        for path in self._directory.glob(f"{self._name}-*.db"):
            rocksdict.Rdict.destroy(str(path))

    def _database(self, partition: int) -> Any:
        database = self._databases.get(partition)
        if database is None:
            database = self._databases[partition] = rocksdict.Rdict(str(self.path(partition)), self._options())
        return database

    def _options(self) -> Any:
        if self._cache is None:
            self._cache = rocksdict.Cache(self._cache_bytes)
        blocks = rocksdict.BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_bloom_filter(10, False)
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(self._write_buffer_bytes)
        options.set_max_write_buffer_number(2)
        options.set_max_open_files(256)
        options.set_block_based_table_factory(blocks)
        return options
