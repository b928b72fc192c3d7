"""Fleet statistics on `/metrics`: nothing of segments, and of partitions, that are gone."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from ebbtide.schemas.fleet import FleetStats, SegmentStats
from ebbtide.streams.fleet_gauges import FleetGauges
from ebbtide.streams.metrics import Metrics
from support.raw import at


def stats(day: int, dropping: float | None = None, **customers: int) -> FleetStats:
    def segment(count: int) -> SegmentStats:
        return SegmentStats(
            customers=count, quantiles={}, counters={}, modules={}, share_dropping=dropping, pareto_value=None
        )

    segments = {"": segment(9), **{name: segment(count) for name, count in customers.items()}}
    return FleetStats(tenant="t", as_of=at(day), accuracy=0.01, segments=segments, channels=[])


def shown(metrics: Metrics) -> dict[str, float]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line.startswith("ebbtide_fleet"))
    return {name.removeprefix("ebbtide_fleet_"): float(value) for name, value in samples}


def test_the_newest_statistics_are_shown_and_nothing_that_is_gone() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges = FleetGauges(metrics)
    gauges.show(stats(7, 0.25, small=3, large=5))
    gauges.show(stats(14, None, small=4))
    assert shown(metrics) == {
        'instant_timestamp_seconds{tenant="t"}': at(14).timestamp(),
        'dropping_ratio{tenant="t"}': 0,
        'customers{segment="",tenant="t"}': 9,
        'customers{segment="small",tenant="t"}': 4,
    }
    gauges.forget()
    assert shown(metrics) == {}
    gauges.show(stats(21, 0.25))
    assert shown(metrics)['dropping_ratio{tenant="t"}'] == 0.25
