"""Topic `deliveries` into table `deliveries`."""

from functools import partial

from ebbtide.schemas.deliveries import Delivery
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.personal_data import PersonalData
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, parse

TABLE = Table(
    "deliveries",
    (
        "tenant",
        "endpoint",
        "customer_id",
        "kind",
        "source_topic",
        "source_partition",
        "source_offset",
        "version",
        "attempt",
        "status",
        "http_status",
        "reason",
        "detail",
        "occurred_at",
        "occurred_at_ms",
        "duration_seconds",
        *POSITION_COLUMNS,
    ),
)


def delivery_row(record: bytes, meta: RecordMeta, *, personal: PersonalData) -> Row:
    """One attempt. What is absent is NULL for numbers and empty for text."""
    delivery = parse(Delivery, record)
    occurred_at_ms = epoch_ms(delivery.occurred_at)
    return (
        delivery.tenant,
        delivery.endpoint,
        delivery.customer_id or "",
        delivery.kind,
        delivery.source_topic,
        int64(delivery.source_partition),
        int64(delivery.source_offset),
        int64(delivery.version),
        int64(delivery.attempt),
        delivery.status,
        delivery.http_status,
        delivery.reason or "",
        personal.text(delivery.detail or ""),
        occurred_at_ms // 1000,
        occurred_at_ms,
        delivery.duration_seconds,
        *meta,
    )


def deliveries(personal: PersonalData) -> Pipeline:
    """The pipeline, with what becomes of personal data."""
    return Pipeline(Topic.DELIVERIES.topic_name, TABLE, partial(delivery_row, personal=personal))
