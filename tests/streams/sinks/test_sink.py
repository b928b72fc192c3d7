"""The loop, with trouble as values in a script: rebalances, a database that goes away, bad records, a stop."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sinks.backoff import Backoff
from ebbtide.streams.sinks.batch import Partition
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.sinks.settings import SinkSettings
from ebbtide.streams.sinks.sink import Sink
from ebbtide.streams.sinks.source import Polled, SourceUnavailableError
from ebbtide.streams.sinks.table import Row, Table
from ebbtide.streams.sinks.writer import WriterUnavailableError
from support.history import Consumed, alert, score

Act = Callable[["Stage"], None]
Read = tuple[Partition, Consumed]


def scores(first: int, last: int) -> list[Read]:
    """Records of partition 0 of `scores`, from offset `first` through `last`."""
    return [(("scores", 0), Consumed(at, score(version=at).to_json())) for at in range(first, last + 1)]


def rebalance(stage: "Stage") -> None:
    stage.source.generation += 1


@dataclass
class ScriptedSource:
    """Gives what the script says, poll by poll; a function in the script happens before the next records.

    After the script, what is being written may end, and then the sink is stopped.
    """

    script: list[list[Read] | Act]
    stage: "Stage"
    generation: int = 0
    refusals: int = 0
    while_held: list[Act] = field(default_factory=list)
    committed: list[dict[Partition, int]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    async def start(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise SourceUnavailableError("Kafka at nowhere:1 does not answer")

    async def stop(self) -> None:
        self.log.append("left")

    async def poll(self, *, most: int, timeout: float) -> Polled:
        while self.script and callable(act := self.script[0]):
            self.script.pop(0)
            act(self.stage)
        if not self.script:
            if self.stage.sink.writing:
                await asyncio.sleep(0.001)
            else:
                self.stage.stop.set()
            return {}
        records = self.script[0]
        assert isinstance(records, list)
        given, rest = records[:most], records[most:]
        if rest:
            self.script[0] = rest
        else:
            self.script.pop(0)
        polled: dict[Partition, list[Consumed]] = {}
        for partition, record in given:
            polled.setdefault(partition, []).append(record)
        return polled

    async def hold(self, seconds: float) -> None:
        self.log.append("held")
        if self.while_held:
            self.while_held.pop(0)(self.stage)
        await asyncio.sleep(0)

    def resume(self) -> None:
        self.log.append("resumed")

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        self.committed.append(dict(offsets))
        self.log.append("committed")
        return True


@dataclass
class ScriptedWriter:
    """Keeps what it is given; fails as often as it is told, per table."""

    failures: dict[str, int] = field(default_factory=dict)
    inserts: list[tuple[str, int]] = field(default_factory=list)
    closed: bool = False
    name: str = "scripted"

    def prepare(self) -> None:
        self._fail("prepare")

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        self._fail(table.name)
        self.inserts.append((table.name, len(rows)))

    def close(self) -> None:
        self.closed = True

    def _fail(self, what: str) -> None:
        if self.failures.get(what, 0):
            self.failures[what] -= 1
            raise WriterUnavailableError("network", "connection refused")


class Stage:
    """A sink between a scripted source and a scripted writer; the run ends with the script."""

    def __init__(self, *script: list[Read] | Act, **settings: float) -> None:
        self.stop = asyncio.Event()
        self.source = ScriptedSource(list(script), self)
        self.writer = ScriptedWriter()
        self.metrics = Metrics(CollectorRegistry())
        self.health = SinkHealth()
        self.settings = SinkSettings(
            bootstrap="nowhere:1",
            batch_rows=int(settings.get("batch_rows", 1000)),
            batch_bytes=int(settings.get("batch_bytes", 10_000_000)),
            flush_s=settings.get("flush_s", 60.0),
            backoff=Backoff(first_s=0.002, most_s=0.002),
        )

    async def run(self) -> None:
        self.sink = Sink(self.settings, self.source, self.writer, self.metrics, health=self.health)
        await asyncio.wait_for(self.sink.run(self.stop), 10)

    def counted(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"ebbtide_{name}", labels)


async def test_writes_then_commits_and_says_goodbye() -> None:
    stage = Stage(scores(0, 4), [(("alerts", 1), Consumed(9, alert().to_json()))])
    await stage.run()
    assert stage.writer.inserts == [("scores", 5), ("alerts", 1)]
    assert stage.source.committed == [{("scores", 0): 5, ("alerts", 1): 10}]
    assert stage.source.log == ["committed", "left"]
    assert stage.writer.closed
    assert stage.counted("sink_rows_total", sink="scripted", table="scores") == 5
    assert stage.counted("sink_batches_total", sink="scripted", table="alerts") == 1


async def test_a_batch_is_due_by_rows() -> None:
    stage = Stage(scores(0, 24), batch_rows=10)
    await stage.run()
    assert stage.writer.inserts == [("scores", 10), ("scores", 10), ("scores", 5)]
    assert [commit["scores", 0] for commit in stage.source.committed] == [10, 20, 25]


async def test_a_batch_is_due_by_bytes() -> None:
    stage = Stage(*(scores(at, at) for at in range(4)), batch_bytes=len(score().to_json()) + 20)
    await stage.run()
    assert stage.writer.inserts == [("scores", 2), ("scores", 2)]


async def test_a_batch_is_due_by_time() -> None:
    stage = Stage(scores(0, 0), scores(1, 1), flush_s=0.0)
    await stage.run()
    assert stage.writer.inserts == [("scores", 1), ("scores", 1)]


async def test_a_database_that_is_away_holds_the_reading_and_loses_nothing() -> None:
    stage = Stage(scores(0, 4), scores(5, 9), batch_rows=5)
    stage.writer.failures["scores"] = 3
    seen: list[list[str]] = []
    stage.source.while_held.append(lambda stage: seen.append(stage.health.reasons()))
    await stage.run()
    assert stage.source.log[0] == "held"
    assert stage.source.log[-4:] == ["resumed", "committed", "committed", "left"]
    assert stage.writer.inserts == [("scores", 5), ("scores", 5)]
    assert seen == [["scripted takes no rows: connection refused"]]
    assert stage.counted("sink_errors_total", sink="scripted", reason="network") == 3
    assert stage.counted("sink_up", sink="scripted") == 1


async def test_only_the_table_that_failed_is_tried_again() -> None:
    stage = Stage([*scores(0, 1), (("alerts", 0), Consumed(0, alert().to_json()))])
    stage.writer.failures["alerts"] = 2

    def not_yet_committed(stage: Stage) -> None:
        assert stage.source.committed == []

    stage.source.while_held = [not_yet_committed]
    stage.source.script.append([])
    stage.settings = SinkSettings("nowhere:1", batch_rows=3, backoff=Backoff(0.002, 0.002))
    await stage.run()
    assert stage.writer.inserts == [("scores", 2), ("alerts", 1)]
    assert len(stage.source.committed) == 1


async def test_a_rebalance_while_gathering_forgets_what_somebody_else_reads_now() -> None:
    stage = Stage(scores(0, 4), rebalance, scores(2, 3))
    await stage.run()
    assert stage.writer.inserts == [("scores", 2)]
    assert stage.source.committed == [{("scores", 0): 4}]


async def test_a_rebalance_while_the_database_is_away_gives_the_batch_up() -> None:
    def moved_and_read_again(stage: Stage) -> None:
        rebalance(stage)
        stage.source.script.append(scores(0, 4))

    stage = Stage(scores(0, 4), batch_rows=5)
    stage.writer.failures["scores"] = 1
    stage.source.while_held.append(moved_and_read_again)
    await stage.run()
    assert stage.source.log == ["held", "resumed", "committed", "left"]
    assert stage.writer.inserts == [("scores", 5)]


async def test_a_stop_while_the_database_is_away_commits_nothing() -> None:
    stage = Stage(scores(0, 4), batch_rows=5)
    stage.writer.failures["scores"] = 1_000_000
    stage.source.while_held.append(lambda stage: stage.stop.set())
    await stage.run()
    assert stage.source.committed == []
    assert stage.source.log[-1] == "left"
    assert stage.writer.closed


async def test_bad_records_are_counted_and_committed(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage([(("scores", 0), Consumed(7, b"{}")), (("scores", 0), Consumed(8, None, b"c")), *scores(9, 9)])
    await stage.run()
    assert stage.writer.inserts == [("scores", 1)]
    assert stage.source.committed == [{("scores", 0): 10}]
    for reason in ("invalid", "tombstone"):
        assert stage.counted("sink_bad_records_total", sink="scripted", topic="scores", reason=reason) == 1
    assert "left out 2 records that cannot become rows, the first at scores/0 offset 7: invalid" in caplog.text


async def test_waits_for_both_ends_at_the_start() -> None:
    stage = Stage(scores(0, 0))
    stage.writer.failures["prepare"] = 2
    stage.source.refusals = 2
    assert stage.health.reasons() == ["the sink has not started"]
    await stage.run()
    assert stage.writer.inserts == [("scores", 1)]
    assert stage.health.reasons() == ["the sink has stopped"]


async def test_a_bug_in_the_writer_ends_the_sink_uncommitted() -> None:
    stage = Stage(scores(0, 0))

    def broken(table: Table, rows: Sequence[Row]) -> None:
        raise TypeError("a row has the wrong shape")

    stage.writer.write = broken  # type: ignore[method-assign]
    with pytest.raises(TypeError, match="wrong shape"):
        await stage.run()
    assert stage.source.committed == []
    assert stage.source.log == ["left"]


async def test_what_was_read_after_a_rebalance_is_not_lost_with_what_was_read_before() -> None:
    """The batch before is given up while the next one, read under the new generation, is whole."""
    stage = Stage(scores(0, 4), rebalance, scores(0, 4), scores(5, 6), batch_rows=5)
    writes = threading.Event()

    def slow(table: Table, rows: Sequence[Row]) -> None:
        assert writes.wait(5)
        stage.writer.inserts.append((table.name, len(rows)))

    stage.writer.write = slow  # type: ignore[method-assign]
    stage.source.script.insert(2, lambda _stage: writes.set())
    await stage.run()
    assert stage.writer.inserts == [("scores", 5), ("scores", 5), ("scores", 2)]
    assert [commit["scores", 0] for commit in stage.source.committed] == [5, 7]


async def test_a_batch_is_gathered_while_the_one_before_is_written() -> None:
    stage = Stage(scores(0, 4), scores(5, 9), lambda stage: reading.set(), batch_rows=5)
    reading = threading.Event()

    def waits_for_the_reader(table: Table, rows: Sequence[Row]) -> None:
        assert stage.writer.inserts or reading.wait(5), "the next batch was not read meanwhile"
        stage.writer.inserts.append((table.name, len(rows)))

    stage.writer.write = waits_for_the_reader  # type: ignore[method-assign]
    stage.source.script.insert(2, scores(10, 10))
    stage.source.script.insert(1, lambda stage: reading.set())
    await stage.run()
    assert sum(count for _, count in stage.writer.inserts) == 11
    assert stage.source.committed[-1]["scores", 0] == 11


async def test_a_stop_does_not_commit_past_what_was_not_written() -> None:
    stage = Stage(scores(0, 4), scores(5, 9), batch_rows=5)
    stage.writer.failures["scores"] = 1_000_000
    stage.source.while_held.append(lambda stage: stage.stop.set())
    await stage.run()
    assert stage.source.committed == []
    assert stage.writer.inserts == []
