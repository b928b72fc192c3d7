"""Ends a worker that has work and does not do it. Faust only logs that."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from time import monotonic

from .exit import die
from .health import Health

__all__ = ["Observation", "Verdict", "Watch", "Watchdog", "judge"]


class Verdict(Enum):
    """Why the worker may live, or must not."""

    PROGRESSING = "progressing"
    IDLE = "idle"
    WAITING = "waiting"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Observation:
    """`progress` is any number that changes when something moved on."""

    ready: bool
    lag: int
    progress: int


@dataclass(frozen=True, slots=True)
class Watch:
    """What was last seen to move, and since when there has been something to wait for."""

    progress: int
    since: float


def judge(watch: Watch | None, seen: Observation, now: float, limit: float) -> tuple[Watch, Verdict]:
    """Stalled: there is lag, or the worker is not ready, and nothing has moved for `limit` seconds."""
    if watch is None or watch.progress != seen.progress:
        return Watch(seen.progress, now), Verdict.PROGRESSING
    if seen.ready and not seen.lag:
        # The clock starts with the first record that waits, not with the last one that was done.
        return Watch(seen.progress, now), Verdict.IDLE
    return watch, Verdict.STALLED if now - watch.since >= limit else Verdict.WAITING


class Watchdog:
    """Looks in a thread of its own, so that a blocked event loop is seen too."""

    def __init__(
        self, health: Health, *, limit: float, interval: float = 1.0, end: Callable[[str], None] = die
    ) -> None:
        self._health, self._limit, self._interval, self._end = health, limit, interval, end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        watch: Watch | None = None
        while not self._stop.wait(self._interval):
            health = self._health
            seen = Observation(health.ready() or health.spare(), health.lag(), health.progress())
            watch, verdict = judge(watch, seen, monotonic(), self._limit)
            if verdict is Verdict.STALLED:
                state = f"lag {seen.lag}" if seen.ready else f"not ready, {health.recovery_remaining()} to recover"
                self._end(f"no progress for {self._limit:.0f} s ({state})")
                return
