"""One suite for every store."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ebbtide.streams.transport.store import MemoryStore, RocksStore, Store

Open = Callable[[], Store]


@pytest.fixture(params=["memory", "rocksdb"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    return MemoryStore if request.param == "memory" else lambda: RocksStore(tmp_path, "counts")


def test_partitions_are_apart(open_store: Open) -> None:
    store = open_store()
    store.write(0, {b"k": b"zero"}, 4)
    store.write(1, {b"k": b"one", b"l": b"more"}, 9)
    assert (store.get(0, b"k"), store.get(1, b"k"), store.get(2, b"k")) == (b"zero", b"one", None)
    assert sorted(store.items(1)) == [(b"k", b"one"), (b"l", b"more")]
    assert (store.offset(0), store.offset(1), store.offset(2)) == (4, 9, None)


def test_none_deletes(open_store: Open) -> None:
    store = open_store()
    store.write(0, {b"k": b"v", b"l": b"w"}, 1)
    store.write(0, {b"k": None, b"never": None}, 3)
    assert store.get(0, b"k") is None
    assert list(store.items(0)) == [(b"l", b"w")]


def test_an_unknown_offset_leaves_the_last_one(open_store: Open) -> None:
    store = open_store()
    store.write(0, {b"k": b"v"}, 5)
    store.write(0, {b"k": b"w"}, None)
    assert store.offset(0) == 5
    assert store.get(0, b"k") == b"w"


def test_a_partition_that_went_away_leaves_no_keys_in_memory(open_store: Open) -> None:
    store = open_store()
    store.write(0, {b"k": b"v"}, 5)
    store.write(1, {b"l": b"w"}, 5)
    store.close(0)
    assert list(store.partitions()) == [1]


def test_erase_forgets_all(open_store: Open) -> None:
    store = open_store()
    store.write(0, {b"k": b"v"}, 5)
    store.erase()
    assert store.get(0, b"k") is None
    assert store.offset(0) is None


def test_files_outlive_the_process(tmp_path: Path) -> None:
    before = RocksStore(tmp_path, "counts")
    before.write(3, {b"k": b"v"}, 17)
    before.close(3)
    after = RocksStore(tmp_path, "counts")
    assert after.get(3, b"k") == b"v"
    assert after.offset(3) == 17
    assert list(after.items(3)) == [(b"k", b"v")]
