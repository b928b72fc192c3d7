"""Runs a demo from start to end: parts up, book in, view on, everything down again."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console
from rich.live import Live

from ebbtide.streams.demo.interrupts import Interrupts
from ebbtide.streams.demo.plan import Plan
from ebbtide.streams.demo.stack import Stack, settings_for
from ebbtide.streams.demo.state import DemoState
from ebbtide.streams.demo.summary import print_summary, progress_line
from ebbtide.streams.demo.view import render
from ebbtide.streams.settings import Settings

VIEW_EVERY_S = 0.33
LINE_EVERY_S = 3.0
CHECK_EVERY_S = 0.25
FAREWELL_S = 3.0
KEPT = Path(".ebbtide/demo")


def run_demo(plan: Plan, console: Console, *, keep: bool) -> bool:
    """Run it; tell whether it came to its own end (False: it was interrupted). Raises ``EbbtideError`` on a crash."""
    # What the clients log when a part dies is an echo; `Stack.check` says what happened, and the view stays whole.
    logging.getLogger().addHandler(logging.NullHandler())
    began = monotonic()

    def clock() -> float:
        return monotonic() - began

    home = (
        (KEPT / f"{datetime.now(UTC):%Y%m%d-%H%M%S}").resolve()
        if keep
        else Path(tempfile.mkdtemp(prefix="ebbtide-demo-"))
    )
    state = DemoState()
    finished = False
    with Interrupts() as interrupts:
        stack = Stack(
            home, discard=not keep, say=lambda line: console.print(f"[dim]{clock():5.1f} s[/] {line}", highlight=False)
        )
        try:
            url = stack.start_broker()
            settings = settings_for(url, idempotent=not stack.limited)
            stack.create_topics(settings)
            stack.start_worker(_worker_settings(url, home, plan, limited=stack.limited))
            if stack.limited:
                console.print("[dim]no history is written: the sink needs Apache Kafka[/]", highlight=False)
            else:
                stack.start_sink({"BROKER__URL": url, "CLICKHOUSE__FLUSH_SECONDS": "2"}, settings.clickhouse)
            state.broker, state.lag_known = stack.name, not stack.limited
            finished = asyncio.run(_run(plan, settings, stack, state, console, clock, interrupts))
        except KeyboardInterrupt:
            pass
        finally:
            interrupts.closing()
            stack.stop()
    if state.sent and (finished or plan.duration is None):
        print_summary(state, console, str(home) if keep else None)
        return True
    return finished


def _worker_settings(url: str, home: Path, plan: Plan, *, limited: bool) -> dict[str, str]:
    # On a broker whose changelogs cannot be read back there is nothing to keep on disk either.
    others = {"BROKER__IDEMPOTENT": "false", "WORKER__STORE": "memory"} if limited else {}
    return others | {
        "BROKER__URL": url,
        "WORKER__DATA_DIR": str(home / "worker"),
        "LABEL__KIND": plan.label_kind,
        "LABEL__HORIZON_DAYS": str(plan.horizon_days),
    }


async def _run(
    plan: Plan,
    settings: Settings,
    stack: Stack,
    state: DemoState,
    console: Console,
    clock: Callable[[], float],
    interrupts: Interrupts,
) -> bool:
    from ebbtide.streams.demo.feeder import Feeder  # noqa: PLC0415  (Faust is slow to import)
    from ebbtide.streams.demo.listener import listen, measure  # noqa: PLC0415

    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)

    interrupts.deliver_to(end)
    feeder = Feeder(plan, plan.book(datetime.now(UTC)), settings, state)
    fed = asyncio.create_task(_feed(feeder, clock, plan), name="feed")
    works: list[Coroutine[Any, Any, None]] = [
        listen(settings, state),
        measure(stack.worker.admin_url, state, clock),
        _show(state, console),
        _watch(stack),
    ]
    tasks = [asyncio.create_task(work) for work in works]
    interrupted = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([fed, interrupted, *tasks], return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            return False
        for task in done:
            if task.exception() is not None:
                # What broke may be the echo of a part that ended: that part's word comes first.
                await asyncio.sleep(CHECK_EVERY_S)
                stack.check()
            task.result()
        return True
    finally:
        interrupts.deliver_to(None)
        for task in (fed, interrupted, *tasks):
            task.cancel()
        # Without a broker its clients would wait for it; what has not ended by then is cancelled once more.
        await asyncio.wait([fed, interrupted, *tasks], timeout=FAREWELL_S)


async def _feed(feeder: Any, clock: Callable[[], float], plan: Plan) -> None:
    await feeder.run(clock)
    if plan.duration is None:
        await asyncio.Event().wait()  # the book has ended; the view stays until it is closed


async def _watch(stack: Stack) -> None:
    while True:
        stack.check()
        await asyncio.sleep(CHECK_EVERY_S)


async def _show(state: DemoState, console: Console) -> None:
    if not console.is_terminal:
        while True:
            await asyncio.sleep(LINE_EVERY_S)
            console.print(progress_line(state), soft_wrap=True, highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(render(state, width=console.width, height=console.height), refresh=True)
            await asyncio.sleep(VIEW_EVERY_S)
