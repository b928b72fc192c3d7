"""The sink against the driver alone: the same rows, the same database, the same run.

Bare is a columnar insert of rows that are made already: `clickhouse-driver` into a server, Arrow into chDB. The sink
reads the records from Kafka, makes rows of them, inserts and commits; its time runs from the first batch to the last.

The records are what a day of a customer makes: events, mostly, a score of 24 features, changes of states, some alerts.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from ebbtide.streams.bench.sink_records import PARTITIONS, Records, make_records
from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.garbage import rarely_collect
from ebbtide.streams.metrics import Metrics
from ebbtide.streams.settings import Settings, load_settings
from ebbtide.streams.sinks.clickhouse.choose import server_settings
from ebbtide.streams.sinks.clickhouse.embedded import EmbeddedWriter, installed
from ebbtide.streams.sinks.clickhouse.run import run_sink
from ebbtide.streams.sinks.clickhouse.writer import ClickHouseWriter
from ebbtide.streams.sinks.personal_data import PersonalData, PersonalDataMode
from ebbtide.streams.sinks.pipelines import pipelines
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.settings import SinkSettings
from ebbtide.streams.sinks.table import Row, Table
from ebbtide.streams.topics import create_topics
from ebbtide.streams.transport import BatchProducer, Output

__all__ = ["fault", "render", "run"]

LEAST_RATIO = 0.5
"""The sink's rate is at least this share of the bare insert's."""
ROUNDS = 5
DEFAULT = PersonalData(PersonalDataMode.DROP)
PATIENCE_S = 300.0


def run(*, records: int = 160_000, batch_rows: int = SinkSettings("").batch_rows) -> dict[str, Any]:
    """Measure on every database that there is: the settings' server, and chDB. Raises EbbtideError without any."""
    settings = load_settings()
    writers = _writers(settings)
    if not writers:
        raise EbbtideError(
            "no database to measure on: name a ClickHouse server (EBBTIDE_CLICKHOUSE__HOST), or "
            "pip install 'ebbtide[embedded]'"
        )
    rarely_collect()  # as the sink's own process does
    made = make_records(records, Random(1))
    sides: dict[str, Any] = {}
    with KafkaBroker() as broker:
        url = f"kafka://{broker.bootstrap}"
        create_topics(Settings.model_construct(broker=settings.broker.model_copy(update={"url": url, "partitions": 4})))
        asyncio.run(_fill(broker.bootstrap, made))
        for name in writers:
            with _open(name, settings) as writer:
                sides[name] = _measure(writer, broker.bootstrap, made, batch_rows)
    return {"records": records, "sides": sides, "load_average": os.getloadavg()[0]}


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    lines = [f"{'database':<10} {'bare rows/s':>12} {'sink rows/s':>12} {'ratio':>6}   {result['records']:,} records"]
    for name, side in result["sides"].items():
        lines.append(f"{name:<10} {side['bare']:>12,.0f} {side['sink']:>12,.0f} {side['ratio']:>6.2f}")
    lines.append(f"median of {ROUNDS} rounds; load average {result['load_average']:.1f}")
    return "\n".join(lines)


def fault(result: dict[str, Any]) -> str | None:
    """What is too slow, or None."""
    slow = [f"{name} {side['ratio']:.2f}" for name, side in result["sides"].items() if side["ratio"] < LEAST_RATIO]
    return f"less than {LEAST_RATIO} of the bare insert: {', '.join(slow)}" if slow else None


def _writers(settings: Settings) -> list[str]:
    return [*(["server"] if settings.clickhouse.names_server else []), *(["chdb"] if installed() else [])]


@contextmanager
def _open(name: str, settings: Settings) -> Iterator[ClickHouseWriter | EmbeddedWriter]:
    """A database of our own, gone afterwards."""
    database = f"ebbtide_bench_{os.getpid()}"
    if name == "server":
        server = server_settings(
            settings.model_copy(update={"clickhouse": settings.clickhouse.model_copy(update={"database": database})})
        )
        writer = ClickHouseWriter(server)
        try:
            yield writer
        finally:
            writer.execute(f"DROP DATABASE IF EXISTS {database}")
            writer.close()
        return
    home = Path(tempfile.mkdtemp(prefix="ebbtide-bench-"))
    embedded = EmbeddedWriter(home, database)
    try:
        yield embedded
    finally:
        embedded.close()
        shutil.rmtree(home, ignore_errors=True)


def _measure(
    writer: ClickHouseWriter | EmbeddedWriter, bootstrap: str, made: Records, batch_rows: int
) -> dict[str, float]:
    """Bare and sink in turn, the median of some rounds each: what else the machine does meets both."""
    bare, sink = [], []
    writer.prepare()
    batches = _rows(made, batch_rows)
    for number in range(ROUNDS):
        bare.append(_bare(writer, batches))
        sink.append(
            uvloop.run(
                _sink(writer, made, SinkSettings(bootstrap, f"bench-{writer.name}-{number}", batch_rows=batch_rows))
            )
        )
    rates = {"bare": statistics.median(bare), "sink": statistics.median(sink)}
    return {**rates, "ratio": rates["sink"] / rates["bare"]}


def _rows(made: Records, batch_rows: int) -> list[dict[Table, list[Row]]]:
    """The rows as the sink's own batches have them."""
    of = pipelines(DEFAULT)
    batches: list[dict[Table, list[Row]]] = []
    for number, (topic, record) in enumerate(made):
        if number % batch_rows == 0:
            batches.append({})
        meta = RecordMeta(topic, number % PARTITIONS, number, 1_750_000_000_000)
        batches[-1].setdefault(of[topic].table, []).append(of[topic].row(record, meta))
    return batches


def _bare(writer: ClickHouseWriter | EmbeddedWriter, batches: list[dict[Table, list[Row]]]) -> float:
    began = time.perf_counter()
    for batch in batches:
        for table, rows in batch.items():
            writer.write(table, rows)
    return sum(len(rows) for batch in batches for rows in batch.values()) / (time.perf_counter() - began)


async def _sink(writer: ClickHouseWriter | EmbeddedWriter, made: Records, settings: SinkSettings) -> float:
    """Rows a second from the first whole batch to the last: to join a group is no throughput."""
    stop, held = asyncio.Event(), _Held(writer)
    metrics, of = Metrics(CollectorRegistry()), pipelines(DEFAULT)
    running = asyncio.create_task(run_sink(settings, held, metrics=metrics, stop=stop, pipelines=of))  # type: ignore[arg-type]
    deadline = time.perf_counter() + PATIENCE_S
    while held.rows < len(made):
        if running.done() or time.perf_counter() > deadline:
            stop.set()
            await running
            raise EbbtideError("the sink did not write all records")
        await asyncio.sleep(0.05)
    stop.set()
    await running
    (began, before) = next(each for each in held.acknowledged if each[1] >= settings.batch_rows)
    (ended, rows) = held.acknowledged[-1]
    return (rows - before) / (ended - began)


class _Held:
    """A writer that notes what was acknowledged when, and that survives the sink."""

    def __init__(self, writer: ClickHouseWriter | EmbeddedWriter) -> None:
        self._writer, self.rows, self.name = writer, 0, writer.name
        self.acknowledged: list[tuple[float, int]] = []

    def prepare(self) -> None:
        self._writer.prepare()

    def write(self, table: Table, rows: list[Row]) -> None:
        self._writer.write(table, rows)
        self.rows += len(rows)
        self.acknowledged.append((time.perf_counter(), self.rows))

    def close(self) -> None:
        """Not yet: another round comes."""


async def _fill(bootstrap: str, made: Records) -> None:
    producer = BatchProducer({"bootstrap_servers": bootstrap})
    await producer.start()
    try:
        for first in range(0, len(made), 20_000):
            await producer.send_all(
                Output(topic, str(number % 997).encode(), record)
                for number, (topic, record) in enumerate(made[first : first + 20_000], first)
            )
    finally:
        await producer.stop()
