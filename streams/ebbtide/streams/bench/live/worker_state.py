"""How far the worker is, by its own metrics."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from ebbtide.schemas.topics import Topic
from ebbtide.streams.bench.live.patience import Patience
from ebbtide.streams.errors import EbbtideError
from ebbtide.streams.metrics import PREFIX

LOOK_EVERY_S = 0.3
QUIET_LOOKS = 4
"""Looks at which nothing was left to do. Lag is told twice a second, so that two may have seen the same."""
STUCK_S = 180.0
_TIMEOUT_S = 10.0
_LAG, _EVALUATED = f"{PREFIX}consumer_lag_records", f"{PREFIX}partition_evaluated_timestamp_seconds"


@dataclass(frozen=True, slots=True)
class WorkerState:
    """Records that it has still to do, the grid instant through which each partition is evaluated (Unix seconds), and
    the processor time that it took (seconds)."""

    lag: int
    evaluated: tuple[float, ...]
    cpu_seconds: float

    @classmethod
    def parse(cls, text: str) -> WorkerState:
        """Read Prometheus' text format."""
        lag, cpu, evaluated = 0.0, 0.0, []
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == _LAG:
                    lag += sample.value
                elif sample.name == _EVALUATED and sample.labels["topic"] == Topic.PROFILE_STATES.topic_name:
                    evaluated.append(sample.value)
                elif sample.name == "process_cpu_seconds_total":
                    cpu = sample.value
        return cls(int(lag), tuple(sorted(evaluated)), cpu)


async def look(admin_url: str) -> WorkerState | None:
    """One look; None where it does not answer, as when it is busy: whether it lives is judged by its process."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{admin_url}/metrics") as answer:
            return WorkerState.parse(await answer.text())
    except (aiohttp.ClientError, TimeoutError):
        return None


async def wait_until_settled(admin_url: str, partitions: int, through_ms: int) -> None:
    """Until nothing is left to do and all partitions are evaluated through that instant.

    Raises ``EbbtideError`` when nothing has moved for long.
    """
    patience, quiet, moving = Patience(STUCK_S), 0, None
    while quiet < QUIET_LOOKS:
        await asyncio.sleep(LOOK_EVERY_S)
        state = await look(admin_url)
        if state is None:
            quiet = 0
        else:
            done = len(state.evaluated) == partitions and state.evaluated[0] * 1000 >= through_ms and not state.lag
            quiet = quiet + 1 if done else 0
            moving = (state.lag, state.evaluated)
        if patience.is_over(monotonic(), moving):
            raise EbbtideError(f"the worker has not got further for {STUCK_S:.0f} s; it says of itself: {state}")
