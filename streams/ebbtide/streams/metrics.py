"""Every metric, declared once: name, labels, meaning. The reference page is generated from here.

A field of `Metrics` is a metric of the same name with the prefix `ebbtide_`; counters end in `_total` on the wire.
Labels come from closed sets (topics, reasons, types), never from customers: series must not grow with the data.
Increment once per batch, not once per event: a labelled increment costs about a microsecond.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector

PREFIX: Final = "ebbtide_"

FLUSH_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LATENCY_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Seconds. A flush is due after half a second at the latest; what waits for half an hour waits for a restart."""

MetricType = type[Counter] | type[Gauge] | type[Histogram]


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a metric counts, and by which labels."""

    type: MetricType
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()

    def build(self, name: str, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
        """The live metric, registered."""
        if self.type is Histogram:
            return Histogram(name, self.help, self.labels, registry=registry, buckets=self.buckets)
        return self.type(name, self.help, self.labels, registry=registry)


def _counter(help_: str, *labels: str) -> dict[str, MetricSpec]:
    return {"spec": MetricSpec(Counter, help_, labels)}


def _gauge(help_: str, *labels: str) -> dict[str, MetricSpec]:
    return {"spec": MetricSpec(Gauge, help_, labels)}


def _histogram(help_: str, buckets: tuple[float, ...], *labels: str) -> dict[str, MetricSpec]:
    return {"spec": MetricSpec(Histogram, help_, labels, buckets)}


def process_registry() -> CollectorRegistry:
    """A registry of our own with the usual `process_*` and `python_gc_*` metrics of this process in it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@dataclass(slots=True)
class Metrics:
    """The metrics of one process. Two instances need two registries."""

    registry: CollectorRegistry = field(default_factory=process_registry)

    # Input
    records_in: Counter = field(init=False, metadata=_counter("Records read from an input topic.", "topic"))
    accepted: Counter = field(init=False, metadata=_counter("Inputs accepted as events.", "topic"))
    ignored: Counter = field(
        init=False, metadata=_counter("Inputs that were understood and left out on purpose, by reason.", "reason")
    )
    dead_lettered: Counter = field(
        init=False, metadata=_counter("Inputs refused and kept in `dead-letters`, by reason.", "reason")
    )
    duplicates: Counter = field(
        init=False, metadata=_counter("Records that were applied before and changed nothing.", "topic")
    )
    late_events: Counter = field(
        init=False,
        metadata=_counter("Events later than the lateness bound: counted in totals, without effect on alerts sent."),
    )
    orders_without_rate: Counter = field(
        init=False,
        metadata=_counter(
            "Orders whose money does not count, by currency: `EBBTIDE_MONEY__RATES` has no rate for it. `no_code` is "
            "what names no currency, `others` are codes beyond the first 64.",
            "currency",
        ),
    )

    # Output
    scores_published: Counter = field(init=False, metadata=_counter("Scores acknowledged by the broker."))
    alerts_published: Counter = field(
        init=False, metadata=_counter("Alerts acknowledged by the broker, by type and state.", "type", "state")
    )
    alerts_suppressed: Counter = field(
        init=False,
        metadata=_counter("Alerts that somebody would have been told of, but for a reason, by type.", "type", "reason"),
    )
    customer_records_published: Counter = field(
        init=False, metadata=_counter("Customer records acknowledged by the broker.")
    )
    flush_seconds: Histogram = field(
        init=False,
        metadata=_histogram(
            "Seconds that one flush took, from the first send to the last acknowledgement.", FLUSH_BUCKETS, "agent"
        ),
    )
    event_to_score_seconds: Histogram = field(
        init=False,
        metadata=_histogram(
            "Seconds of wall time from the broker's append of the event that caused a score "
            "to the acknowledgement of the score.",
            LATENCY_BUCKETS,
        ),
    )
    event_to_alert_seconds: Histogram = field(
        init=False,
        metadata=_histogram(
            "Seconds of wall time from the broker's append of the event that caused an alert "
            "to the acknowledgement of the alert.",
            LATENCY_BUCKETS,
        ),
    )

    # Position
    consumer_lag_records: Gauge = field(
        init=False,
        metadata=_gauge("Records of an assigned partition that are not committed yet.", "topic", "partition"),
    )
    offset_gaps: Counter = field(
        init=False,
        metadata=_counter("Times that the offset after the last one did not come. Must stay at 0.", "topic"),
    )
    partition_watermark_timestamp_seconds: Gauge = field(
        init=False,
        metadata=_gauge("Event time up to which a partition is complete, in Unix seconds.", "topic", "partition"),
    )
    partition_evaluated_timestamp_seconds: Gauge = field(
        init=False,
        metadata=_gauge(
            "Grid instant through which the customers of a partition are evaluated, in Unix seconds. "
            "Stays behind the watermark while a backfill waits for its model or for the fleet.",
            "topic",
            "partition",
        ),
    )
    conservation_messages: Gauge = field(
        init=False,
        metadata=_gauge(
            "Distinct messages of a partition of `profiles` (the source), counted every hour of its event time: how "
            "many it accepted (stage `profiles`), and how many of them count for customers of a partition (stage "
            "`customers`). Over all partitions the latter must be the former.",
            "stage",
            "source",
            "partition",
        ),
    )
    conservation_timestamp_seconds: Gauge = field(
        init=False,
        metadata=_gauge("Event time of that count, in Unix seconds.", "source", "partition"),
    )
    recovering: Gauge = field(
        init=False, metadata=_gauge("1 while tables are read back from their changelogs, 0 after that.")
    )
    recovery_remaining_records: Gauge = field(
        init=False, metadata=_gauge("Changelog records still to be read before the worker goes on.")
    )
    recovery_seconds: Gauge = field(init=False, metadata=_gauge("Seconds that the last finished recovery took."))

    # Identity
    identity_pending_generation: Gauge = field(
        init=False,
        metadata=_gauge(
            "Tenants that are clustered under other identity settings than the worker's. They stay so until "
            "somebody runs `ebbtide identity rebuild`.",
            "partition",
        ),
    )
    identity_identifiers: Gauge = field(
        init=False, metadata=_gauge("Identifiers that are linked with others, or were.", "partition")
    )
    identity_owners: Gauge = field(
        init=False, metadata=_gauge("People and accounts that these identifiers belong to.", "partition")
    )
    identity_refused_links: Gauge = field(
        init=False, metadata=_gauge("Links that are known and do not count, by reason.", "partition", "reason")
    )
    identity_findings: Gauge = field(
        init=False,
        metadata=_gauge(
            "What the consistency checks find for somebody to look at, by type; `identity-audit` names each.",
            "partition",
            "type",
        ),
    )
    identity_violations: Gauge = field(
        init=False,
        metadata=_gauge(
            "Contradictions that the consistency checks find, by type. Must stay at 0.", "partition", "type"
        ),
    )
    identity_largest_component: Gauge = field(
        init=False,
        metadata=_gauge("Identifiers of the largest component: all that links connect, refused ones too.", "partition"),
    )

    # Feedback
    feedback_taken: Counter = field(
        init=False, metadata=_counter("Outcomes that people told of customers and that count, by outcome.", "outcome")
    )
    feedback_refused: Counter = field(
        init=False,
        metadata=_counter(
            "Records of `feedback` that count for nobody: by the reason of the dead letter, or `repeated`.", "reason"
        ),
    )

    # Learning
    model_examples: Gauge = field(
        init=False, metadata=_gauge("Matured examples that a model has learned from.", "tenant", "role")
    )
    model_trained_through_timestamp_seconds: Gauge = field(
        init=False,
        metadata=_gauge("Event time through which a model is trained, in Unix seconds.", "tenant", "role"),
    )
    model_auc_ratio: Gauge = field(
        init=False,
        metadata=_gauge(
            "Chance that who churned was scored above who stayed, on labels as they came, over all customers and over "
            "active ones, seen within the horizon before. Role `baseline` is the rule alone on the same examples.",
            "tenant",
            "role",
            "population",
        ),
    )
    model_log_loss: Gauge = field(
        init=False,
        metadata=_gauge("Mean surprise at a label that came, in nats. Lower is better.", "tenant", "role"),
    )
    model_recent_log_loss: Gauge = field(
        init=False,
        metadata=_gauge("The same of late: an old label weighs half after 2,000.", "tenant", "role"),
    )
    model_brier: Gauge = field(
        init=False,
        metadata=_gauge("Mean squared error of the probabilities against labels.", "tenant", "role"),
    )
    model_calibration_error_ratio: Gauge = field(
        init=False,
        metadata=_gauge(
            "Mean distance of what was said from what happened, over tenths of probability.", "tenant", "role"
        ),
    )
    model_explained_ratio: Gauge = field(
        init=False,
        metadata=_gauge(
            "Share of the uncertainty about who churns that the predictions took away; the rest is unexplained.",
            "tenant",
            "role",
        ),
    )
    model_tier_examples: Gauge = field(
        init=False,
        metadata=_gauge("Labels of customers that were in a health tier.", "tenant", "role", "tier"),
    )
    model_tier_churn_ratio: Gauge = field(
        init=False,
        metadata=_gauge(
            "Realised churn of a health tier of late: an old label of the tier weighs half after 2,000.",
            "tenant",
            "role",
            "tier",
        ),
    )
    model_tier_churn_low_ratio: Gauge = field(
        init=False,
        metadata=_gauge("Lower end of its 95 % interval.", "tenant", "role", "tier"),
    )
    model_tier_churn_high_ratio: Gauge = field(
        init=False,
        metadata=_gauge("Upper end of its 95 % interval.", "tenant", "role", "tier"),
    )

    models_refused: Counter = field(
        init=False, metadata=_counter("Models that a worker refused, for they failed their own check vectors.")
    )
    model_events: Counter = field(
        init=False, metadata=_counter("What happened to a tenant's models: see `model-events`.", "tenant", "kind")
    )
    model_input_stability_index: Gauge = field(
        init=False,
        metadata=_gauge(
            "Population stability index of a feature against the weeks before: above 0.25 the customer base changed.",
            "tenant",
            "feature",
        ),
    )
    model_inputs_shifted: Gauge = field(
        init=False, metadata=_gauge("1 while those whom the model is asked about are others than before.", "tenant")
    )
    model_shadow_log_loss: Gauge = field(
        init=False,
        metadata=_gauge(
            "Log loss of a challenger in shadow on what it was shown of late, nats.", "tenant", "challenger"
        ),
    )
    model_shadow_champion_log_loss: Gauge = field(
        init=False, metadata=_gauge("The champion's log loss on the same examples, nats.", "tenant", "challenger")
    )
    model_challenged: Gauge = field(
        init=False, metadata=_gauge("1 while a challenger learns that may take the champion's place.", "tenant")
    )

    # Fleet
    fleet_instant_timestamp_seconds: Gauge = field(
        init=False,
        metadata=_gauge("Newest grid instant whose fleet statistics are told, in Unix seconds.", "tenant"),
    )
    fleet_customers: Gauge = field(
        init=False,
        metadata=_gauge(
            "Customers in the fleet statistics, by segment; without a name, all. `EBBTIDE_FLEET__MAX_SEGMENTS` bounds "
            "the series.",
            "tenant",
            "segment",
        ),
    )
    fleet_dropping_ratio: Gauge = field(
        init=False,
        metadata=_gauge(
            "Share of customers in a sudden drop, among those with enough history to tell; 0 where nobody has.",
            "tenant",
        ),
    )

    # Collector
    collector_requests: Counter = field(
        init=False,
        metadata=_counter(
            "Requests answered, by what senders were told: `stored`, `stored_in_part`, or the reason of an error.",
            "endpoint",
            "reason",
        ),
    )
    collector_accepted: Counter = field(
        init=False, metadata=_counter("Events that were accepted and acknowledged by the broker.", "endpoint")
    )
    collector_ignored: Counter = field(
        init=False,
        metadata=_counter("Events that were understood and change nothing, by reason.", "endpoint", "reason"),
    )
    collector_refused: Counter = field(
        init=False,
        metadata=_counter("Events whose senders were told what is wrong with them, by reason.", "endpoint", "reason"),
    )
    collector_request_seconds: Histogram = field(
        init=False,
        metadata=_histogram("Seconds from the head of a request to its answer.", FLUSH_BUCKETS, "endpoint"),
    )
    collector_acknowledge_seconds: Histogram = field(
        init=False,
        metadata=_histogram("Seconds until the broker acknowledged what waited for it together.", FLUSH_BUCKETS),
    )
    collector_in_flight_bytes: Gauge = field(
        init=False, metadata=_gauge("Bytes of bodies that are in hand: read, and not answered yet.")
    )
    collector_broker_up: Gauge = field(
        init=False, metadata=_gauge("1 while the broker takes what is sent, 0 while clients are told to come again.")
    )

    # Sinks
    sink_rows: Counter = field(
        init=False, metadata=_counter("Rows acknowledged by a sink's database.", "sink", "table")
    )
    sink_batches: Counter = field(
        init=False, metadata=_counter("Inserts acknowledged by a sink's database.", "sink", "table")
    )
    sink_bad_records: Counter = field(
        init=False, metadata=_counter("Records that a sink could not read and left out.", "sink", "topic", "reason")
    )
    sink_errors: Counter = field(
        init=False, metadata=_counter("Inserts that failed and are tried again.", "sink", "reason")
    )
    sink_insert_seconds: Histogram = field(
        init=False, metadata=_histogram("Seconds that one acknowledged insert took.", FLUSH_BUCKETS, "sink", "table")
    )
    sink_record_age_seconds: Histogram = field(
        init=False,
        metadata=_histogram(
            "Seconds of wall time from the broker's append of a batch's oldest record to its acknowledged rows.",
            LATENCY_BUCKETS,
            "sink",
        ),
    )
    sink_up: Gauge = field(
        init=False,
        metadata=_gauge("1 when the last insert was acknowledged, 0 while the database is away.", "sink"),
    )

    # Webhooks
    deliveries: Counter = field(
        init=False,
        metadata=_counter("What attempts to push a record came to, as in `deliveries`.", "endpoint", "kind", "status"),
    )
    delivery_failures: Counter = field(
        init=False, metadata=_counter("Attempts that failed, and records given up, by reason.", "endpoint", "reason")
    )
    delivery_skipped: Counter = field(
        init=False,
        metadata=_counter("Records that an endpoint is not told of, by what its settings say.", "endpoint", "reason"),
    )
    delivery_request_seconds: Histogram = field(
        init=False, metadata=_histogram("Seconds from a request to its whole answer.", LATENCY_BUCKETS, "endpoint")
    )
    delivery_delay_seconds: Histogram = field(
        init=False,
        metadata=_histogram(
            "Seconds of wall time from the broker's append of a record, or the end of its quiet hours, until the "
            "endpoint had taken it.",
            LATENCY_BUCKETS,
            "endpoint",
            "kind",
        ),
    )
    delivery_lag_records: Gauge = field(
        init=False,
        metadata=_gauge("Records of a topic that an endpoint's cursor has not passed yet.", "endpoint", "topic"),
    )
    delivery_waiting_records: Gauge = field(
        init=False, metadata=_gauge("Records in memory that wait for their turn or for an answer.", "endpoint")
    )
    delivery_parked_records: Gauge = field(
        init=False, metadata=_gauge("Those of them that wait for a later attempt, kept in Kafka.", "endpoint")
    )
    delivery_endpoint_state: Gauge = field(
        init=False,
        metadata=_gauge(
            "1 for how it stands with an endpoint: `closed` works, `open` is left alone for a while, `half_open` is "
            "tried, `disabled` answered 410 and is not asked any more.",
            "endpoint",
            "state",
        ),
    )

    # Process
    build_info: Gauge = field(init=False, metadata=_gauge("Always 1; the labels say what runs.", "version", "python"))

    def __post_init__(self) -> None:
        for name, spec in declared():
            setattr(self, name, spec.build(PREFIX + name, self.registry))

    def built(self, version: str) -> None:
        """Say which version of Ebbtide runs, on which Python."""
        self.build_info.labels(version, platform.python_version()).set(1)

    def forget_partition(self, topic: str, partition: int) -> None:
        """Drop the gauges of a partition that was revoked: its last value would be shown for ever."""
        self.forget_lag(topic, partition)
        for gauge in (self.partition_watermark_timestamp_seconds, self.partition_evaluated_timestamp_seconds):
            _drop(gauge, topic, partition)

    def forget_counts(self, partition: int, sources: Iterable[str]) -> None:
        """Drop the counts of a partition of ``customers`` that was revoked."""
        for source in sources:
            _drop(self.conservation_timestamp_seconds, source, partition)
            for stage in ("profiles", "customers"):
                _drop(self.conservation_messages, stage, source, partition)

    def forget_lag(self, topic: str, partition: int) -> None:
        """Drop the lag of a partition that is not in hand now. Its event time is its stage's to show and to drop."""
        _drop(self.consumer_lag_records, topic, partition)


def _drop(gauge: Gauge, *labels: object) -> None:
    with suppress(KeyError):  # never set, and a prometheus_client before 0.22 minds
        gauge.remove(*map(str, labels))


def declared() -> Iterator[tuple[str, MetricSpec]]:
    """Every metric's field name with its declaration, in the order of the page."""
    for each in fields(Metrics):
        if spec := each.metadata.get("spec"):
            yield each.name, spec


def exposed_names() -> dict[str, MetricSpec]:
    """Every sample name that a query can use (`…_total`, `…_bucket`, `…_sum`, `…_count`), with its declaration."""
    suffixes: dict[Any, tuple[str, ...]] = {
        Counter: ("_total",),
        Gauge: ("",),
        Histogram: ("_bucket", "_sum", "_count"),
    }
    return {PREFIX + name + suffix: spec for name, spec in declared() for suffix in suffixes[spec.type]}


def metrics_reference() -> str:
    """The page `docs/reference/metrics.md`, in Markdown."""
    lines = [
        "# Metrics",
        "",
        "Every service exposes these at `/metrics` on its admin port, in Prometheus text or OpenMetrics.",
        "Times are seconds. The usual `process_*` and `python_gc_*` metrics of the Python client are there as well.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for name, spec in declared():
        shown = PREFIX + name + ("_total" if spec.type is Counter else "")
        labels = ", ".join(f"`{label}`" for label in spec.labels) or "none"
        lines.append(f"| `{shown}` | {spec.type.__name__.lower()} | {labels} | {spec.help} |")
    lines.append("")
    return "\n".join(lines)
