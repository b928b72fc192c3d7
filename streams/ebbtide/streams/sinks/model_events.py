"""Topic `model-events` into table `model_events`."""

from ebbtide.schemas.learning import ModelEvent
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, json_text, parse

TABLE = Table(
    "model_events",
    (
        "tenant",
        "event_id",
        "sequence",
        "occurred_at",
        "occurred_at_ms",
        "kind",
        "model_version",
        "other_version",
        "by",
        "operation_id",
        "reason",
        "evidence",
        *POSITION_COLUMNS,
    ),
)


def model_event_row(record: bytes, meta: RecordMeta) -> Row:
    """What happened to a tenant's models. What is absent is empty."""
    event = parse(ModelEvent, record)
    occurred_at_ms = epoch_ms(event.occurred_at)
    return (
        event.tenant,
        event.event_id,
        int64(event.sequence),
        occurred_at_ms // 1000,
        occurred_at_ms,
        event.kind,
        event.model_version,
        event.other_version or "",
        event.by,
        event.operation_id or "",
        event.reason,
        json_text(event.evidence),
        *meta,
    )


MODEL_EVENTS = Pipeline(Topic.MODEL_EVENTS.topic_name, TABLE, model_event_row)
