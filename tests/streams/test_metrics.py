"""Metrics: declared once, exposed under their names, documented by the declaration."""

import re

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ebbtide.streams.metrics import PREFIX, Metrics, declared, exposed_names, metrics_reference


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families for s in f.samples}


def test_every_field_is_declared_and_built(metrics: Metrics) -> None:
    names = [name for name, _ in declared()]
    assert {*names, "registry"} == set(Metrics.__dataclass_fields__)
    for name, spec in declared():
        assert type(getattr(metrics, name)) is spec.type


def test_a_label_set_counts_apart(metrics: Metrics) -> None:
    metrics.records_in.labels("raw-behavior").inc(2000)
    metrics.records_in.labels("raw-crm").inc()
    metrics.alerts_published.labels("sudden_drop", "open").inc()
    seen = samples(metrics)
    assert seen["ebbtide_records_in_total", (("topic", "raw-behavior"),)] == 2000
    assert seen["ebbtide_records_in_total", (("topic", "raw-crm"),)] == 1
    assert seen["ebbtide_alerts_published_total", (("state", "open"), ("type", "sudden_drop"))] == 1


def test_latency_falls_into_buckets(metrics: Metrics) -> None:
    metrics.event_to_alert_seconds.observe(0.3)
    seen = samples(metrics)
    assert seen["ebbtide_event_to_alert_seconds_bucket", (("le", "0.25"),)] == 0
    assert seen["ebbtide_event_to_alert_seconds_bucket", (("le", "0.5"),)] == 1


def test_a_revoked_partition_shows_no_stale_gauge(metrics: Metrics) -> None:
    for partition in (0, 1):
        metrics.consumer_lag_records.labels("events", partition).set(7)
    metrics.partition_watermark_timestamp_seconds.labels("events", 0).set(1_736_152_200)
    metrics.forget_partition("events", 0)
    metrics.forget_partition("events", 5)  # never seen: nothing to drop
    shown = [labels for name, labels in samples(metrics) if name.startswith(PREFIX) and ("topic", "events") in labels]
    assert shown == [(("partition", "1"), ("topic", "events"))]


def test_two_processes_in_one_test_do_not_share_a_registry() -> None:
    first, second = Metrics(), Metrics()
    first.late_events.inc()
    assert samples(second)["ebbtide_late_events_total", ()] == 0
    assert any(name.startswith("process_") for name, _ in samples(first))


def test_exposed_names_are_those_on_the_wire(metrics: Metrics) -> None:
    for name, spec in declared():
        metric = getattr(metrics, name)
        child = metric.labels(*spec.labels) if spec.labels else metric
        (child.observe if hasattr(child, "observe") else child.inc)(1)
    on_the_wire = {name for name, _ in samples(metrics) if not name.endswith("_created")}
    assert on_the_wire == set(exposed_names())


def test_the_page_documents_every_metric() -> None:
    rows = re.findall(r"^\| `(ebbtide_\w+)` \| (\w+) \| (.+?) \| (.+) \|$", metrics_reference(), re.MULTILINE)
    assert len(rows) == len(list(declared()))
    for (shown, kind, labels, meaning), (name, spec) in zip(rows, declared(), strict=True):
        assert shown.removesuffix("_total") == PREFIX + name
        assert (kind == "counter") == shown.endswith("_total")
        assert labels.count("`") == 2 * len(spec.labels)
        assert meaning.endswith(".")


def test_no_label_could_name_a_customer() -> None:
    allowed = {"topic", "partition", "reason", "type", "state", "agent", "tenant", "role", "sink", "table"}
    for name, spec in declared():
        if name != "build_info":
            assert set(spec.labels) <= allowed, name
