"""One look at the worker's `/metrics`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from ebbtide.schemas.topics import Topic
from ebbtide.streams.metrics import PREFIX

Buckets = dict[float, float]
"""Cumulative counts by upper bound in seconds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the worker said of itself at one moment."""

    accepted: int = 0
    duplicates: int = 0
    late: int = 0
    scores: int = 0
    lag: int = 0
    event_time: float | None = None  # Unix seconds through which every partition of `customers` is settled
    ignored: dict[str, int] = field(default_factory=dict)
    dead_lettered: dict[str, int] = field(default_factory=dict)
    score_latency: Buckets = field(default_factory=dict)
    alert_latency: Buckets = field(default_factory=dict)


def parse(text: str) -> Reading:
    """Read Prometheus' text format."""
    totals: Counter[str] = Counter()
    ignored: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    buckets: dict[str, Buckets] = {"event_to_score_seconds": {}, "event_to_alert_seconds": {}}
    watermarks: list[float] = []
    for family in text_string_to_metric_families(text):
        if not family.name.startswith(PREFIX):
            continue
        name = family.name.removeprefix(PREFIX)
        for sample in family.samples:
            labels, value = sample.labels, sample.value
            if name in buckets:
                if sample.name.endswith("_bucket"):
                    buckets[name][float(labels["le"])] = value
            elif sample.name.endswith("_created"):
                continue
            elif name == "ignored":
                ignored[labels["reason"]] += int(value)
            elif name == "dead_lettered":
                refused[labels["reason"]] += int(value)
            elif name == "partition_watermark_timestamp_seconds":
                if labels["topic"] == Topic.PROFILE_STATES.topic_name:
                    watermarks.append(value)
            elif family.type in {"counter", "gauge"}:
                totals[name] += int(value)
    return Reading(
        accepted=totals["accepted"],
        duplicates=totals["duplicates"],
        late=totals["late_events"],
        scores=totals["scores_published"],
        lag=totals["consumer_lag_records"],
        event_time=min(watermarks, default=None),
        ignored=dict(ignored),
        dead_lettered=dict(refused),
        score_latency=buckets["event_to_score_seconds"],
        alert_latency=buckets["event_to_alert_seconds"],
    )


def quantile(share: float, now: Buckets, before: Buckets) -> float | None:
    """The latency that ``share`` of the observations between two readings stayed within, in seconds.

    Linear within a bucket, as Prometheus does it; None without an observation.
    """
    bounds = sorted(now)
    counts = [now[bound] - before.get(bound, 0.0) for bound in bounds]
    if not counts or counts[-1] <= 0:
        return None
    rank = share * counts[-1]
    low_bound = low_count = 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if count >= rank:
            if bound == float("inf"):
                return low_bound
            within = (rank - low_count) / (count - low_count) if count > low_count else 1.0
            return low_bound + (bound - low_bound) * within
        low_bound, low_count = bound, count
    return low_bound
