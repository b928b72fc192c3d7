"""A long computation lets the others go on."""

import asyncio
from time import perf_counter

from ebbtide.streams.transport import Breath


async def turns_while(seconds: float, breath: Breath) -> int:
    """How often another task had its turn while one computed for so long."""
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    began = perf_counter()
    while perf_counter() - began < seconds:
        if breath.is_due():
            await breath.take()
    task.cancel()
    return turns


async def test_the_loop_turns_in_the_middle_of_a_computation() -> None:
    assert await turns_while(0.3, Breath(0.01)) >= 2


async def test_not_between_any_two_steps() -> None:
    assert await turns_while(0.1, Breath(60.0)) == 0
