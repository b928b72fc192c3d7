"""Record batches against a plain Faust agent: the same topic, the same broker, the same work, one worker each.

    python -m ebbtide.streams.bench.transport

Work: decode a JSON record of about 100 bytes and count it under its key; once in a dict, once in a table that
survives the worker. The plain agent writes `table[key] += 1`, as Faust's guide shows it, into memory; the batch
agent keeps an offset guard, writes every touched key once per flush, to Kafka and RocksDB, and is only counted when
the broker has acknowledged.
"""

import argparse
import asyncio
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

import faust
import orjson
import uvloop
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from ebbtide.streams.brokers.kafka import KafkaBroker
from ebbtide.streams.transport import BatchProducer, Output, TransportConfig, build_app, run_worker

__all__ = ["render", "run"]

TOPIC = "bench-transport"
PARTITIONS = 4
KEYS = 1000
SIDES = ("plain-dict", "batch-dict", "plain-table", "batch-table")
_STATE = struct.Struct("<Qq")
_EMPTY = _STATE.pack(0, -1)


def run(*, records: int = 1_200_000, plain_records: int = 60_000, table_records: int = 25_000) -> dict[str, Any]:
    """Measure all four sides on a broker of their own; under two minutes on two cores.

    The plain sides read only so many records: they are slow, and the rate does not depend on it.
    """
    counts = dict(zip(SIDES, (plain_records, records, table_records, records), strict=True))
    with KafkaBroker() as broker, tempfile.TemporaryDirectory(prefix="ebbtide-bench-") as directory:
        asyncio.run(_fill(broker.bootstrap, records))
        sides = {
            side: _measure(side, broker.bootstrap, Path(directory) / side, count) for side, count in counts.items()
        }
    return {
        "sides": sides,
        "ratio_dict": sides["batch-dict"]["records_per_second"] / sides["plain-dict"]["records_per_second"],
        "ratio_table": sides["batch-table"]["records_per_second"] / sides["plain-table"]["records_per_second"],
        "load_average": os.getloadavg()[0],
    }


def render(result: dict[str, Any]) -> str:
    """The result as a table."""
    lines = [f"{'side':<12} {'records':>9} {'seconds':>8} {'records/s':>10} {'load':>5}"]
    for side, figures in result["sides"].items():
        lines.append(
            f"{side:<12} {figures['records']:>9,} {figures['seconds']:>8.2f} "
            f"{figures['records_per_second']:>10,.0f} {figures['load_average']:>5.1f}"
        )
    lines.append(f"ratio: {result['ratio_table']:.1f} with table writes, {result['ratio_dict']:.1f} with a dict only")
    return "\n".join(lines)


async def _fill(bootstrap: str, records: int) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
        admin.wait_for_topics([TOPIC])
    finally:
        admin.close()
    producer = BatchProducer({"bootstrap_servers": bootstrap})
    await producer.start()
    try:
        for first in range(0, records, 20_000):
            await producer.send_all(_record(number) for number in range(first, min(first + 20_000, records)))
    finally:
        await producer.stop()


def _record(number: int) -> Output:
    user = f"user-{number % KEYS:04d}"
    value = {"user": user, "event": "report_opened", "at": 1_750_000_000 + number, "seat": number % 97, "ok": True}
    return Output(TOPIC, user.encode(), orjson.dumps(value))


def _measure(side: str, bootstrap: str, directory: Path, records: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "ebbtide.streams.bench.transport", "--side", side, "--bootstrap", bootstrap]
    command += ["--directory", str(directory), "--records", str(records)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    seconds = float(done.stdout.splitlines()[-1])
    return {
        "records": records,
        "seconds": seconds,
        "records_per_second": records / seconds,
        "load_average": os.getloadavg()[0],
    }


_decode: Any = orjson.loads


class _Clock:
    """Runs from the first record to the last; then the process is over."""

    def __init__(self, records: int) -> None:
        self._left, self._began = records, 0.0

    def count(self, records: int) -> None:
        self._left -= records
        if self._left <= 0:
            self._finish()

    def begin(self) -> None:
        self._began = self._began or time.perf_counter()

    def _finish(self) -> NoReturn:
        # Faust's worker has turned standard output into a log.
        os.write(1, b"%.6f\n" % (time.perf_counter() - self._began))
        os._exit(0)


def _plain(side: str, bootstrap: str, directory: Path, clock: _Clock) -> None:
    """Faust as its guide shows it, with what any user finds out: uvloop, orjson (its JSON codec takes it), a producer
    that lingers and a buffer that does not stall, tables in memory.
    """
    directory.mkdir(parents=True)
    app = faust.App(
        f"bench-{side}",
        broker=f"kafka://{bootstrap}",
        datadir=directory,
        store="memory://",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        stream_recovery_delay=0.0,
        producer_linger=0.05,
        producer_max_batch_size=131_072,
        web_enabled=False,
    )
    table = app.Table("counts", default=int, key_type=str, value_type=int) if side == "plain-table" else Counter()

    @app.task  # type: ignore[untyped-decorator]
    async def widen() -> None:
        app.producer.buffer.max_messages = 20_000

    @app.agent(app.topic(TOPIC, value_serializer="json"), name="counting")  # type: ignore[untyped-decorator]
    async def count(stream: Any) -> None:
        async for event in stream:
            clock.begin()
            table[event["user"]] += 1
            clock.count(1)

    uvloop.install()
    app.Worker(loglevel="error", loop=None).execute_from_commandline()


def _batched(side: str, bootstrap: str, directory: Path, clock: _Clock) -> None:
    app = build_app(
        TransportConfig(app_id=f"bench-{side}", bootstrap=bootstrap, data_dir=directory, partitions=PARTITIONS)
    )
    with_table = side == "batch-table"
    stage = app.stage("counting", [TOPIC], app.state_table("counts") if with_table else None)
    table, in_memory = stage.table, {partition: Counter[str]() for partition in range(PARTITIONS)}

    @stage.agent
    async def count(stream: Any) -> None:
        async for batches in stage.batches(stream):
            clock.begin()
            touched: dict[int, dict[str, list[int]]] = {}
            for batch in batches:
                partition = batch.partition
                if table is None:
                    in_memory[partition].update([_decode(record.value)["user"] for record in batch])
                    continue
                fresh = touched.setdefault(partition, {})
                for record in batch:
                    user = _decode(record.value)["user"]
                    state = fresh.get(user)
                    if state is None:
                        state = fresh[user] = list(_STATE.unpack(table.get(partition, user.encode()) or _EMPTY))
                    if record.offset > state[1]:
                        state[0] += 1
                        state[1] = record.offset
            await stage.flush(
                batches,
                writes={
                    partition: {user.encode(): _STATE.pack(*state) for user, state in fresh.items()}
                    for partition, fresh in touched.items()
                },
            )
            clock.count(sum(map(len, batches)))

    run_worker(app, loglevel="error")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--bootstrap")
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--records", type=int, default=1_200_000)
    options = parser.parse_args()
    if options.side is None:
        sys.stdout.write(render(run(records=options.records)) + "\n")
        return
    side = _plain if options.side.startswith("plain") else _batched
    side(options.side, options.bootstrap, options.directory, _Clock(options.records))


if __name__ == "__main__":
    main()
