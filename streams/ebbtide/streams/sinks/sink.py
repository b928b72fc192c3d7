"""From Kafka into a database: gather a batch, write it, commit its offsets.

At least once: the commit comes after the database's acknowledgement, so a crash between the two writes rows again, and
the table shows them once. While the database is away nothing is read: records wait in Kafka, memory stays flat.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ebbtide.streams.metrics import Metrics
from ebbtide.streams.sinks.batch import Batch
from ebbtide.streams.sinks.health import SinkHealth
from ebbtide.streams.sinks.pipelines import PIPELINES
from ebbtide.streams.sinks.settings import SinkSettings
from ebbtide.streams.sinks.source import Source, SourceUnavailableError
from ebbtide.streams.sinks.table import Pipeline
from ebbtide.streams.sinks.writer import Writer, WriterUnavailableError

log = logging.getLogger(__name__)

STOP_SLICE_S = 0.25
"""A stop is seen within this time, whatever is awaited."""

Result = TypeVar("Result")


class Sink:
    """One consumer group member with one writer."""

    def __init__(
        self,
        settings: SinkSettings,
        source: Source,
        writer: Writer,
        metrics: Metrics,
        *,
        health: SinkHealth | None = None,
        pipelines: Mapping[str, Pipeline] = PIPELINES,
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._metrics = metrics
        self._health = health or SinkHealth()
        self._pipelines = pipelines
        self._source = source
        # One thread for everything that the writer does: it blocks, and it is not made for two threads.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"sink-{writer.name}")
        self.prepared = asyncio.Event()
        """Set when the schema is up to date for the first time."""
        self._writing: tuple[Batch, asyncio.Future[None]] | None = None

    @property
    def writing(self) -> bool:
        """Whether a batch is under way that is not committed yet."""
        return self._writing is not None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; what was read by then is still written, if the database takes it at once.

        A batch is gathered while the one before is written: the database and we work at the same time.
        """
        try:
            if not (await self._prepared(stop) and await self._joined(stop)):
                return
            self._health.works("start")
            while not stop.is_set():
                batch = await self._gathered(stop)
                if not await self._settled(stop) and stop.is_set():
                    return  # a commit of what comes after it would skip what was not written
                if batch.taken and batch.generation == self._source.generation:
                    self._begin(batch)
            await self._settled(stop)
        finally:
            self._health.failed("start", "the sink has stopped")
            await self._source.stop()
            await self.in_writers_thread(self._writer.close)
            self._thread.shutdown(wait=False)

    async def _prepared(self, stop: asyncio.Event) -> bool:
        failures = 0
        while not stop.is_set():
            try:
                await self.in_writers_thread(self._writer.prepare)
                self._database_works()
                self.prepared.set()
                return True
            except WriterUnavailableError as error:
                failures += 1
                self._database_failed(error)
                await _pause(self._settings.backoff.seconds(failures), stop)
        return False

    async def _joined(self, stop: asyncio.Event) -> bool:
        failures = 0
        while not stop.is_set():
            try:
                await self._source.start()
                self._health.works("broker")
                return True
            except SourceUnavailableError as error:
                failures += 1
                self._health.failed("broker", str(error))
                log.warning("%s", error)
                await _pause(self._settings.backoff.seconds(failures), stop)
        return False

    async def _gathered(self, stop: asyncio.Event) -> Batch:
        """The next batch that is due, or what there is when `stop` is set."""
        settings, clock = self._settings, asyncio.get_running_loop().time
        batch, due = Batch(self._source.generation), float("inf")
        while batch.taken < settings.batch_rows and batch.bytes < settings.batch_bytes and clock() < due:
            timeout = max(0.0, min(STOP_SLICE_S, due - clock()))
            polled = await self._source.poll(most=settings.batch_rows - batch.taken, timeout=timeout)
            if self._source.generation != batch.generation:
                # Partitions were taken away: what was gathered before is read again from the last commit.
                batch, due = Batch(self._source.generation), float("inf")
            for partition, records in polled.items():
                batch.add(self._pipelines[partition[0]], partition, records)
            if polled:
                due = min(due, clock() + settings.flush_s)
            if self._writing is not None and self._writing[1].done() and not await self._settled(stop):
                break
            if stop.is_set():
                break
        self._report_bad(batch)
        return batch

    def _begin(self, batch: Batch) -> None:
        written = asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch)
        self._writing = batch, written

    async def _settled(self, stop: asyncio.Event) -> bool:
        """Whether no batch is under way any more that was not committed: the last one is, or there was none."""
        if self._writing is None:
            return True
        batch, written = self._writing
        self._writing = None
        if not await self._delivered(batch, written, stop):
            return False
        await self._source.commit(batch.offsets)
        return True

    async def _delivered(self, batch: Batch, written: asyncio.Future[None], stop: asyncio.Event) -> bool:
        """Whether the batch is in the database and still ours to commit."""
        failures = 0
        while True:
            try:
                if failures:
                    # The server may have come back empty, or as another one behind the same address.
                    await self.in_writers_thread(self._writer.prepare)
                    await self.in_writers_thread(lambda: self._write(batch))
                else:
                    await written
            except WriterUnavailableError as error:
                failures += 1
                self._database_failed(error)
                if not await self._held(batch, self._settings.backoff.seconds(failures), stop):
                    return False
                continue
            self._database_works()
            if batch.oldest_ms is not None:
                age = max(0.0, time.time() - batch.oldest_ms / 1000)
                self._metrics.sink_record_age_seconds.labels(self._writer.name).observe(age)
            if failures:
                self._source.resume()
            return self._source.generation == batch.generation

    async def _held(self, batch: Batch, seconds: float, stop: asyncio.Event) -> bool:
        """Wait as a member of the group. False when the batch is not ours any more, or it is time to stop."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while not stop.is_set() and (left := until - clock()) > 0:
            await self._source.hold(min(left, STOP_SLICE_S))
            if self._source.generation != batch.generation:
                self._source.resume()
                return False
        return not stop.is_set()

    def _write(self, batch: Batch) -> None:
        for table, rows in list(batch.rows.items()):
            began = time.perf_counter()
            self._writer.write(table, rows)
            batch.written(table)
            labels = (self._writer.name, table.name)
            self._metrics.sink_insert_seconds.labels(*labels).observe(time.perf_counter() - began)
            self._metrics.sink_rows.labels(*labels).inc(len(rows))
            self._metrics.sink_batches.labels(*labels).inc()

    def _report_bad(self, batch: Batch) -> None:
        if not batch.bad:
            return
        for (topic, reason), count in Counter((meta.topic, reason) for meta, reason, _ in batch.bad).items():
            self._metrics.sink_bad_records.labels(self._writer.name, topic, reason).inc(count)
        meta, reason, detail = batch.bad[0]
        log.warning(
            "left out %d records that cannot become rows, the first at %s/%d offset %d: %s (%s)",
            len(batch.bad), meta.topic, meta.partition, meta.offset, reason, detail,
        )  # fmt: skip

    def _database_works(self) -> None:
        self._metrics.sink_up.labels(self._writer.name).set(1)
        self._health.works("database")

    def _database_failed(self, error: WriterUnavailableError) -> None:
        self._metrics.sink_up.labels(self._writer.name).set(0)
        self._metrics.sink_errors.labels(self._writer.name, error.reason).inc()
        reason = f"{self._writer.name} takes no rows: {error}"
        self._health.failed("database", reason)
        log.warning("%s", reason)

    async def in_writers_thread(self, call: Callable[[], Result]) -> Result:
        """What `call` returns, called between two writes: a writer is not made for two threads."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)


async def _pause(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
