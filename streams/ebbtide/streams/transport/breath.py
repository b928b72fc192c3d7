"""Long computations on the event loop, in small steps."""

import asyncio
from time import perf_counter

__all__ = ["Breath"]


class Breath:
    """Lets the loop turn in the middle of a computation when it has stood for `seconds`.

    All stages of a worker share one loop. Where one computes for 200 ms, a record waits that long at each of the others
    that it still has to pass (decision 2).
    """

    def __init__(self, seconds: float = 0.005) -> None:
        self._seconds = seconds
        self._due = perf_counter() + seconds

    def is_due(self) -> bool:
        """Whether the loop has stood for so long. Ask between two steps, and take a breath then."""
        return perf_counter() >= self._due

    async def take(self) -> None:
        """Let all that is ready go on, each until it waits."""
        await asyncio.sleep(0)
        self._due = perf_counter() + self._seconds
