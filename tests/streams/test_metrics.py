"""Metrics: declared once, exposed under their names, documented by the declaration."""

import re
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import ebbtide.streams.metrics
from ebbtide.streams import vitals
from ebbtide.streams.metrics import PREFIX, Metrics, declared, exposed_names, metrics_reference
from ebbtide.streams.transport import App, PartitionHealth, TopicPartition
from ebbtide.streams.transport.counters import Counters

STREAMS = Path(ebbtide.streams.metrics.__file__).parent


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


def test_counts_of_a_revoked_partition_are_dropped(metrics: Metrics) -> None:
    for partition in (0, 1):
        metrics.conservation_timestamp_seconds.labels("profiles/0", partition).set(1_736_152_200)
        for stage in ("profiles", "customers"):
            metrics.conservation_messages.labels(stage, "profiles/0", partition).set(7)
    metrics.forget_counts(0, ["profiles/0", "profiles/1"])  # the other was never seen: nothing to drop
    shown = [dict(labels)["partition"] for name, labels in samples(metrics) if name.startswith(f"{PREFIX}conservation")]
    assert shown == ["1"] * 3


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
    allowed = {
        "topic",
        "partition",
        "reason",
        "outcome",
        "type",
        "state",
        "agent",
        "tenant",
        "role",
        "sink",
        "table",
        "stage",
        "source",
    }
    # Few: segments by a setting, only the greatest are told; currencies by `OrderMoney`.
    allowed |= {"segment", "currency", "population", "tier"}
    # What we name ourselves: events of models, features that are watched, challengers in shadow.
    allowed |= {"kind", "feature", "challenger"}
    # Endpoints by their names in the settings, and what attempts come to.
    allowed |= {"endpoint", "status"}
    for name, spec in declared():
        if name != "build_info":
            assert set(spec.labels) <= allowed, name


def test_every_metric_is_fed() -> None:
    code = "\n".join(path.read_text() for path in STREAMS.rglob("*.py"))
    fed = set(re.findall(r"metrics\.(\w+)", code)) | {"build_info"}
    assert {name for name, _ in declared()} - fed == set()


class Worker:
    """What `export_vitals` reads of an app that stops after one look."""

    def __init__(self, gaps: dict[str, int]) -> None:
        self.counters = Counters()
        self.counters.gaps_of.update(gaps)
        self.health = self
        self._looks = 2

    @property
    def should_stop(self) -> bool:
        self._looks -= 1
        return self._looks == 0

    def partitions(self) -> dict[TopicPartition, PartitionHealth]:
        health = PartitionHealth(5, 5, 9, 9, 4, 1)
        return {
            TopicPartition(topic, partition): health for topic in ("raw-crm", "raw-behavior") for partition in (0, 1)
        }

    def ready(self) -> bool:
        return True

    def recovery_remaining(self) -> int:
        return 0


@pytest.mark.parametrize("gaps", [{}, {"raw-crm": 1}, {"raw-crm": 2, "raw-behavior": 1}])
async def test_gaps_name_their_topic_and_begin_at_zero(
    metrics: Metrics, gaps: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A series that begins at 1 has not increased, for Prometheus: the first gap of a topic would alert nobody.
    monkeypatch.setattr(vitals, "EVERY_SECONDS", 0.0)
    await vitals.export_vitals(cast("App", Worker({})), metrics)
    shown = samples(metrics)
    assert {name[1]: value for name, value in shown.items() if name[0] == "ebbtide_offset_gaps_total"} == {
        (("topic", "raw-crm"),): 0,
        (("topic", "raw-behavior"),): 0,
    }
    await vitals.export_vitals(cast("App", Worker(gaps)), metrics)
    shown = samples(metrics)
    for topic in ("raw-crm", "raw-behavior"):
        assert shown["ebbtide_offset_gaps_total", (("topic", topic),)] == gaps.get(topic, 0)


class InRebalance(Worker):
    """Its partitions are out of hand at the second look."""

    def __init__(self) -> None:
        super().__init__({})
        self._looks = 3

    def partitions(self) -> dict[TopicPartition, PartitionHealth]:
        return super().partitions() if self._looks == 2 else {}


async def test_a_rebalance_takes_the_lag_away_and_leaves_event_time_to_the_stage(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A partition that stays is not built anew, and on a quiet topic nothing would ever show its time again.
    monkeypatch.setattr(vitals, "EVERY_SECONDS", 0.0)
    metrics.partition_watermark_timestamp_seconds.labels("raw-crm", "0").set(1_736_152_200)
    metrics.partition_evaluated_timestamp_seconds.labels("raw-crm", "0").set(1_736_121_600)
    await vitals.export_vitals(cast("App", InRebalance()), metrics)
    partition = (("partition", "0"), ("topic", "raw-crm"))
    assert {name for name, labels in samples(metrics) if labels == partition} == {
        "ebbtide_partition_watermark_timestamp_seconds",
        "ebbtide_partition_evaluated_timestamp_seconds",
    }
