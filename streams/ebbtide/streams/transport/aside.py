"""Long computations beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from .counters import Counters

__all__ = ["Aside"]

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Aside:
    """A thread for what would stop the loop for long: admin port, commits and the other agents go on meanwhile.

    Python code gives the interpreter's lock away every 5 ms, so the loop turns slower and does not stand. What a
    function works on must be touched by nobody else until it ends: a rebalance and a shutdown wait for that.
    """

    def __init__(self, counters: Counters) -> None:
        #: Functions that have not ended, also those that nobody waits for any more.
        self.running = 0
        self._counters = counters
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aside")

    async def run(self, function: Callable[[*Args], T], *args: *Args) -> T:
        """Call the function and wait for its answer. To be cancelled does not end it: a thread cannot be stopped."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, function, *args)
        self.running += 1
        future.add_done_callback(self._ended)
        return await asyncio.shield(future)

    def _ended(self, future: "asyncio.Future[T]") -> None:
        self.running -= 1
        self._counters.computations += 1
        if not future.cancelled():
            future.exception()  # Somebody waits for it, or nobody will.
