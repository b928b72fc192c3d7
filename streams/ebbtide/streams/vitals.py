"""Copies the transport's plain numbers into the metrics, twice a second."""

from __future__ import annotations

import asyncio
from collections import Counter

from ebbtide.streams.metrics import Metrics
from ebbtide.streams.transport import App, TopicPartition

EVERY_SECONDS = 0.5


async def export_vitals(app: App, metrics: Metrics) -> None:
    """Run until the app stops: lag, gaps, recovery."""
    known: set[TopicPartition] = set()
    gaps: Counter[str] = Counter()
    recovering_since: float | None = None
    loop = asyncio.get_running_loop()
    while not app.should_stop:
        partitions = app.health.partitions()
        for tp, state in partitions.items():
            metrics.consumer_lag_records.labels(tp.topic, str(tp.partition)).set(state.lag)
            # Shown from 0 on: Prometheus sees no increase in a series that begins at 1.
            metrics.offset_gaps.labels(tp.topic).inc(app.counters.gaps_of[tp.topic] - gaps[tp.topic])
            gaps[tp.topic] = app.counters.gaps_of[tp.topic]
        for tp in known - partitions.keys():
            metrics.forget_lag(tp.topic, tp.partition)
        known = set(partitions)
        recovering = not app.health.ready()
        if recovering and recovering_since is None:
            recovering_since = loop.time()
        elif not recovering and recovering_since is not None:
            metrics.recovery_seconds.set(loop.time() - recovering_since)
            recovering_since = None
        metrics.recovering.set(recovering)
        metrics.recovery_remaining_records.set(app.health.recovery_remaining())
        await asyncio.sleep(EVERY_SECONDS)
