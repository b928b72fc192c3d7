"""A stage in the test's own process and loop, on the test's broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ebbtide.streams.transport import App, BatchProducer, Output, RecordBatch, Stage, TransportConfig, build_app

Work = Callable[[Stage, list[RecordBatch]], Awaitable[None]]


async def reached(condition: Callable[[], bool], what: str, timeout: float = 20.0) -> None:
    """Like `eventually`, letting the loop run meanwhile."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 - any condition, not only one that can signal
            await asyncio.sleep(0.01)
    assert condition(), what


def app_on(bootstrap: str, directory: Path, app_id: str, **settings: Any) -> App:
    """Never ends the test's process by itself."""
    config = {"partitions": 1, "store": "memory", "commit_interval": 0.1, "exit_grace": None, "stall_seconds": 3600.0}
    return build_app(TransportConfig(app_id=app_id, bootstrap=bootstrap, data_dir=directory, **{**config, **settings}))


class SeenStage:
    """Keeps what it was given, flushes it, and can be held."""

    def __init__(
        self, app: App, topics: Sequence[str], name: str = "seen", work: Work | None = None, *, echoes: bool = False
    ) -> None:
        self.stage = app.stage(name, topics, app.state_table(name), echoes=echoes)
        self.batches: list[RecordBatch] = []
        self.may_flush = asyncio.Event()
        self.may_flush.set()

        @self.stage.agent
        async def keep(stream: Any) -> None:
            async for batches in self.stage.batches(stream):
                self.batches += batches
                await self.may_flush.wait()
                if work is None:
                    await self.stage.flush(batches)
                else:
                    await work(self.stage, batches)

    @property
    def offsets(self) -> list[int]:
        return [record.offset for batch in self.batches for record in batch]


@asynccontextmanager
async def running(app: App) -> AsyncIterator[App]:
    await app.start()
    try:
        yield app
    finally:
        await app.stop()


@asynccontextmanager
async def producing(bootstrap: str, **settings: Any) -> AsyncIterator[BatchProducer]:
    producer = BatchProducer({"bootstrap_servers": bootstrap}, **settings)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def numbered(topic: str, count: int) -> list[Output]:
    return [Output(topic, b"k%d" % number, b"v%d" % number, partition=0) for number in range(count)]
