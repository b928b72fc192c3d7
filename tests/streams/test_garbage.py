"""The core makes no reference cycles, so that a replay can do without Python's garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from ebbtide.streams.garbage import never_collect
from ebbtide.streams.replay import replay
from ebbtide.streams.settings import Settings
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import write

REFUSED = (b"{broken", b"\xff\xfe", b'{"type":"dance"}', b'{"type":"track","event":"x","userId":1.5}', b"[" * 400)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small book with a refused line after every third one."""
    path = tmp_path_factory.mktemp("book") / "book.ndjson"
    write(BookConfig(customers=40, days=60, seed=3, intensity=0.5), path, None, None)
    lines = path.read_bytes().splitlines()
    mixed = (part for n, line in enumerate(lines) for part in (line, *([REFUSED[n % len(REFUSED)]] * (n % 3 == 0))))
    path.write_bytes(b"\n".join(mixed))
    return path


@pytest.fixture
def collector() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
def test_a_replay_leaves_no_cycles_behind_whatever_it_reads(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ebbtide.streams.replay.CHUNK", 1_000)
    replay([str(book)], tmp_path / "warm", Settings())
    gc.collect()
    cyclic: list[int] = []
    # While it runs: what it knows, neighbours that know each other included, is no garbage yet.
    summary = replay([str(book)], tmp_path / "out", Settings(), progress=lambda _read: cyclic.append(gc.collect()))
    assert summary.accepted > 3_000
    assert sum(summary.dead_lettered.values()) > 1_000
    # Some for a replay, in the libraries; none for an event, a customer or a refused line.
    assert len(cyclic) > 1
    assert sum(cyclic) < 500


def test_the_collector_is_as_it_was_afterwards() -> None:
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        with never_collect():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    gc.enable()
