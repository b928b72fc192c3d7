"""The view reads the worker's own `/metrics`."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ebbtide.streams.demo.scrape import Reading, parse, quantile
from ebbtide.streams.metrics import Metrics


def exposed(metrics: Metrics) -> str:
    return generate_latest(metrics.registry).decode()


def test_every_number_is_read_from_the_exposition() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.accepted.labels("raw-behavior").inc(40)
    metrics.accepted.labels("raw-crm").inc(2)
    metrics.duplicates.labels("events").inc(3)
    metrics.late_events.inc(4)
    metrics.ignored.labels("source.heartbeat").inc(5)
    metrics.dead_lettered.labels("not_json").inc(6)
    metrics.scores_published.inc(7)
    for partition, lag in enumerate((10, 20)):
        metrics.consumer_lag_records.labels("events", str(partition)).set(lag)
        metrics.partition_watermark_timestamp_seconds.labels("profile-states", str(partition)).set(1_000 + lag)
    metrics.event_to_score_seconds.observe(0.2)
    reading = parse(exposed(metrics))
    assert (reading.accepted, reading.duplicates, reading.late, reading.scores) == (42, 3, 4, 7)
    assert (reading.ignored, reading.dead_lettered) == ({"source.heartbeat": 5}, {"not_json": 6})
    assert (reading.lag, reading.event_time) == (30, 1_010.0)
    assert reading.score_latency[0.25] == 1.0
    assert reading.score_latency[0.1] == 0.0


def test_a_worker_that_has_done_nothing_reads_as_zeros() -> None:
    reading = parse(exposed(Metrics(CollectorRegistry())))
    assert (reading.accepted, reading.lag, reading.event_time, reading.ignored) == (0, 0, None, {})
    assert quantile(0.5, reading.score_latency, {}) is None
    assert parse("") == Reading()


@pytest.mark.parametrize(("share", "expected"), [(0.25, 0.5), (0.5, 1.0), (0.75, 1.5), (1.0, 2.0)])
def test_a_quantile_is_linear_within_its_bucket(share: float, expected: float) -> None:
    endless = float("inf")
    before = {1.0: 10.0, 2.0: 10.0, endless: 10.0}
    assert quantile(share, {1.0: 60.0, 2.0: 110.0, endless: 110.0}, before) == expected


def test_beyond_the_last_bound_a_quantile_is_that_bound() -> None:
    assert quantile(0.9, {1.0: 0.0, float("inf"): 10.0}, {}) == 1.0
