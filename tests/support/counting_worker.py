"""A worker for the transport's tests: counts records per key and echoes each. Run as a subprocess.

A count is stored with the last offset it contains, so a record that comes twice is counted once. Every record is
echoed with its partition and offset, so a record that never came is missed.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import struct
import threading
import time
from pathlib import Path
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.protocol.produce import ProduceRequest

from ebbtide.streams.transport import Output, Stage, TopicPartition, TransportConfig, build_app, run_worker
from ebbtide.streams.transport.driver import Consumer
from ebbtide.streams.transport.producer import BatchProducer

STATE = struct.Struct("<Qq")
EMPTY = STATE.pack(0, -1)


def counting_stage(app: Any, source: str, echo: str, fail_at: int = -1) -> Stage:
    stage: Stage = app.stage("counting", [source], app.state_table("counts"))
    table = stage.table
    assert table is not None

    @stage.agent
    async def count(stream: Any) -> None:
        async for batches in stage.batches(stream):
            outputs: list[Output] = []
            writes: dict[int, dict[bytes, bytes | None]] = {}
            counted: dict[int, dict[bytes, tuple[int, int]]] = {}
            for batch in batches:
                states = counted.setdefault(batch.partition, {})
                for record in batch:
                    if record.offset == fail_at:
                        raise RuntimeError(f"a bug at offset {fail_at}")
                    key = record.key or b""
                    total, last = states.get(key) or STATE.unpack(table.get(batch.partition, key) or EMPTY)
                    outputs.append(Output(echo, key, b"%d:%d" % (batch.partition, record.offset)))
                    if record.offset > last:
                        states[key] = (total + 1, record.offset)
                writes[batch.partition] = {key: STATE.pack(*state) for key, state in states.items()}
            await stage.flush(batches, outputs, writes)

    return stage


def stretch() -> None:
    """Make the moment in which Faust loses records (#596) long enough to be met each time."""
    seek, flush = Consumer.perform_seek, Stage.flush

    async def seek_slowly(self: Consumer) -> None:
        await seek(self)
        await asyncio.sleep(0.5)

    async def flush_slowly(self: Stage, *args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(0.1)
        await flush(self, *args, **kwargs)

    Consumer.perform_seek = seek_slowly  # type: ignore[method-assign]
    Stage.flush = flush_slowly  # type: ignore[method-assign]


def freeze_before(step: str, changelog: str) -> None:
    """Stop this process, once, as if its machine stood still, right before it sends state of a flush in full work.

    `writes`: after the flush looked whether the partitions are still ours. `request`: when the records go to the
    connection, after all that could be looked at.
    """
    flushes = 0

    def freeze() -> None:
        nonlocal flushes
        flushes += 1
        if flushes == 20:
            os.kill(os.getpid(), signal.SIGSTOP)

    send_writes, send = BatchProducer.send_writes, AIOKafkaConnection.send

    async def freeze_and_write(self: BatchProducer, *args: Any) -> Any:
        freeze()
        return await send_writes(self, *args)

    def freeze_and_send(self: AIOKafkaConnection, request: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(request, ProduceRequest) and any(topic == changelog for topic, _ in request._topics):
            freeze()
        return send(self, request, *args, **kwargs)

    if step == "writes":
        BatchProducer.send_writes = freeze_and_write  # type: ignore[method-assign, assignment]
    else:
        AIOKafkaConnection.send = freeze_and_send


def uncover(app: Any) -> None:
    """Let records flow while a rebalance ends, as Faust does by itself."""
    app.on_rebalance_complete.disconnect(app._recovered)

    def wanted(self: Consumer) -> frozenset[TopicPartition]:
        return frozenset(self._active_partitions) if self.flow_active else frozenset()

    Consumer._wanted = wanted  # type: ignore[method-assign]


def report(app: Any, path: Path) -> None:
    """Write what the test wants to know, twenty times a second, in a thread so that it goes on whatever the loop
    does.
    """
    while True:
        facts = {
            "pid": os.getpid(),
            "ready": app.health.ready(),
            "lag": app.health.lag(),
            "log_level": logging.getLogger().getEffectiveLevel(),
            "partitions": sorted({tp.partition for tp in app.health.partitions()}),
            "counters": {name: getattr(app.counters, name) for name in app.counters.__slots__},
        }
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(facts))
        draft.replace(path)
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--app-id", required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--echo", required=True)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--store", default="rocksdb")
    parser.add_argument("--fail-at", type=int, default=-1, help="offset at which the agent raises")
    parser.add_argument("--stretched", action="store_true", help="take long between seek and resume, and to flush")
    parser.add_argument("--freeze-before", choices=["writes", "request"], help="stop the process there, once")
    parser.add_argument("--uncovered", action="store_true", help="remove the cover against lost records (#596)")
    options = parser.parse_args()
    app = build_app(
        TransportConfig(
            app_id=options.app_id,
            bootstrap=options.bootstrap,
            data_dir=options.data_dir,
            store=options.store,
            partitions=options.partitions,
            session_timeout=6.0,
            heartbeat_interval=0.5,
            commit_interval=0.3,
            max_poll_records=500,
        )
    )
    stage = counting_stage(app, options.source, options.echo, options.fail_at)
    if options.stretched:
        stretch()
    if options.uncovered:
        uncover(app)
    if options.freeze_before:
        assert stage.table is not None
        freeze_before(options.freeze_before, stage.table.changelog_topic_name)
    threading.Thread(target=report, args=(app, options.data_dir / "facts.json"), daemon=True).start()
    run_worker(app)


if __name__ == "__main__":
    main()
