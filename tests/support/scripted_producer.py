"""A producer whose broker is at the mercy of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ebbtide.streams.transport import BatchProducer, Output


class ScriptedProducer(BatchProducer):
    """Acknowledges while ``answers`` is set, fails with ``fault`` where there is one. Keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__({})
        self.answers = asyncio.Event()
        self.answers.set()
        self.fault: Exception | None = None
        self.groups: list[list[Output]] = []
        self.acknowledged: list[Output] = []
        self.started = self.stopped = 0

    async def start(self) -> None:
        if self.fault is not None:
            raise self.fault
        self.started += 1

    async def stop(self) -> None:
        self.stopped += 1

    async def partitions_of(self, topic: str) -> int:
        return 4

    async def send_all(self, outputs: Iterable[Output]) -> None:
        group = list(outputs)
        self.groups.append(group)
        await self.answers.wait()
        if self.fault is not None:
            raise self.fault
        self.acknowledged += group


async def until(condition: Callable[[], object]) -> None:
    """Wait, some seconds at most, until it holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the conditions are of code that knows nothing of tests
            await asyncio.sleep(0.005)
