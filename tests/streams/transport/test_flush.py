"""The order of a flush is the guarantee; and what happens when a step of it fails."""

from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ebbtide.streams.transport import FencedError, Output, RecordBatch, Stage, StateTable
from ebbtide.streams.transport.counters import Counters

BATCH = RecordBatch("events", 2, [], 10, 20)
OUTPUT = Output("scores", b"k", b"v")
WRITES: Mapping[int, Mapping[bytes, bytes | None]] = {2: {b"k": b"v"}}


class Journal:
    """Plays producer, table and consumer, and writes down who was called; the named step fails."""

    def __init__(self, fails: str = "") -> None:
        self.steps: list[str] = []
        self.fails = fails
        self.ours = True
        self.thrown_out = False
        self.counters = Counters()
        self.changelog_topic_name = "changelog"
        self.recovered: dict[int, int] = {}
        self.values: dict[bytes, bytes | None] = {}
        self.said: list[SimpleNamespace] = []
        """What lies in the changelog since this worker knew its end."""
        self.strange: list[SimpleNamespace] = []
        self.next = 99

    def note(self, step: str) -> None:
        self.steps.append(step)
        if step == self.fails:
            raise ConnectionError(step)

    async def send_all(self, outputs: Iterable[Output]) -> None:
        self.note(f"outputs {len(list(outputs))}")

    async def send_writes(self, topic: str, writes: Any) -> dict[int, int]:
        self.note(f"{topic} {sorted(writes)}")
        offsets = {}
        for partition, items in writes.items():
            self.said += [SimpleNamespace(key=key, value=value) for key, value in items.items()]
            offsets[partition] = self.next + len(self.said) - 1
        return offsets

    def end(self, partition: int) -> int:
        return self.next

    def write(self, partition: int, writes: Any, offset: int) -> None:
        self.note(f"local {partition} up to {offset}")
        self.values.update(writes)
        self.next, self.said = offset + 1, []

    def get(self, partition: int, key: bytes) -> bytes | None:
        return self.values.get(key)

    async def read_back(self, tp: Any, start: int, end: int) -> list[SimpleNamespace]:
        self.note(f"read {tp.topic}-{tp.partition} {start}..{end - 1}")
        return self.strange

    async def hold(self, *, anew: bool) -> None:
        assert anew
        self.note("asked")
        if self.thrown_out:
            raise FencedError

    def acknowledge(self, batch: RecordBatch) -> None:
        self.note(f"acknowledged {batch.start}")

    def still_ours(self, batch: RecordBatch) -> bool:
        return self.ours


def stage_with(journal: Journal, table: bool = True) -> Stage:
    topic: Callable[..., None] = lambda *names, **settings: None  # noqa: E731
    asked = {"hold": journal.hold, "read_back": journal.read_back}
    app = SimpleNamespace(consumer=journal, batch_producer=journal, topic=topic, overtaken=False, **asked)
    return Stage(app, "profiles", ["events"], cast(StateTable, journal) if table else None)


ORDER = ["outputs 1", "changelog [2]", "local 2 up to 99", "acknowledged 10"]


async def test_outputs_then_changelog_then_local_store_then_acknowledgement() -> None:
    journal = Journal()
    await stage_with(journal).flush(BATCH, [OUTPUT], WRITES)
    assert journal.steps == ORDER
    assert journal.counters.flushes == 1


@pytest.mark.parametrize("step", range(3))
async def test_nothing_after_a_step_that_fails(step: int) -> None:
    journal = Journal(fails=ORDER[step])
    with pytest.raises(ConnectionError):
        await stage_with(journal).flush(BATCH, [OUTPUT], WRITES)
    assert journal.steps == ORDER[: step + 1]


@pytest.mark.parametrize(
    ("held", "has"),
    [({("events", 2), ("ticks", 2)}, True), ({("events", 2)}, False), ({("events", 1), ("ticks", 1)}, False)],
)
def test_a_partition_is_ours_when_it_is_of_every_input(held: set[tuple[str, int]], has: bool) -> None:
    consumer = SimpleNamespace(has=lambda tp: (tp.topic, tp.partition) in held)
    app = SimpleNamespace(consumer=consumer, topic=lambda *_names, **_settings: None)
    assert Stage(app, "profiles", ["events", "ticks"], None).has(2) is has


async def test_a_worker_that_may_have_lost_the_partition_writes_nothing() -> None:
    journal = Journal()
    journal.ours = False
    with pytest.raises(FencedError):
        await stage_with(journal).flush(BATCH, [OUTPUT], WRITES)
    assert journal.steps == []


async def test_what_goes_before_the_flush_goes_only_while_the_partition_is_ours() -> None:
    journal = Journal()
    await stage_with(journal).send([BATCH], [OUTPUT])
    assert journal.steps == ["outputs 1"]
    journal.ours = False
    with pytest.raises(FencedError):
        await stage_with(journal).send([BATCH], [OUTPUT])
    assert journal.steps == ["outputs 1"]


async def test_a_worker_that_loses_the_partition_while_it_sends_writes_no_state() -> None:
    journal = Journal()
    stage = stage_with(journal)

    async def lose(outputs: Iterable[Output]) -> None:
        journal.ours = False

    journal.send_all = lose  # type: ignore[method-assign]
    with pytest.raises(FencedError):
        await stage.flush(BATCH, [OUTPUT], WRITES)
    assert journal.steps == []


def interfere(journal: Journal, **values: bytes | None) -> None:
    """Another worker writes to the changelog."""
    journal.said += [SimpleNamespace(key=key.encode(), value=value) for key, value in values.items()]
    journal.strange = [*journal.said, SimpleNamespace(key=b"k", value=b"v")]


async def test_what_a_late_worker_wrote_to_the_changelog_is_written_over() -> None:
    journal = Journal()
    journal.values = {b"stale": b"right", b"same": b"same"}
    interfere(journal, stale=b"old", same=b"same", gone=b"old", k=b"old")
    await stage_with(journal).flush(BATCH, [OUTPUT], WRITES)
    again = ["asked", "local 2 up to 103", "read changelog-2 99..103", "changelog [2]", "local 2 up to 105"]
    assert journal.steps == [*ORDER[:2], *again, "acknowledged 10"]
    assert journal.values == {b"stale": b"right", b"same": b"same", b"gone": None, b"k": b"v"}
    assert journal.counters.foreign_records == 2


async def test_a_late_worker_stores_nothing_of_its_own() -> None:
    journal = Journal()
    interfere(journal, other=b"newer")
    journal.thrown_out = True
    with pytest.raises(FencedError):
        await stage_with(journal).flush(BATCH, [OUTPUT], WRITES)
    assert journal.steps == [*ORDER[:2], "asked"]


async def test_a_write_must_belong_to_a_partition_of_the_batches() -> None:
    with pytest.raises(ValueError, match=r"partitions \[3\] that are not among the batches"):
        await stage_with(Journal()).flush(BATCH, writes={3: {b"k": b"v"}})


async def test_a_stage_without_table_writes_nothing() -> None:
    with pytest.raises(TypeError, match="has no table"):
        await stage_with(Journal(), table=False).flush(BATCH, writes=WRITES)


async def test_shards_that_stay_are_not_built_again_unless_another_worker_wrote_them() -> None:
    journal = Journal()
    stage = stage_with(journal)
    story: list[tuple[str, list[int]]] = []
    stage.on_assigned(lambda partitions: story.append(("built", sorted(partitions))))
    stage.on_revoked(lambda partitions: story.append(("dropped", sorted(partitions))))
    await stage.assign(frozenset({0, 1}))
    await stage.assign(frozenset({0, 2}))
    journal.recovered = {0: 7}
    await stage.assign(frozenset({0, 2}))
    await stage.assign(frozenset({0, 2}))
    assert story == [
        ("built", [0]),
        ("built", [1]),
        ("dropped", [1]),
        ("built", [2]),
        ("dropped", [0]),
        ("built", [0]),
    ]
