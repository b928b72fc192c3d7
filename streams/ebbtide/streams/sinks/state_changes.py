"""Topic `state-changes` into table `state_changes`."""

from ebbtide.schemas.state_change import StateChange
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, json_text, parse

TABLE = Table(
    "state_changes",
    (
        "tenant",
        "customer_id",
        "version",
        "occurred_at",
        "occurred_at_ms",
        "state",
        "old",
        "new",
        "reason",
        "evidence",
        *POSITION_COLUMNS,
    ),
)


def state_change_row(record: bytes, meta: RecordMeta) -> Row:
    """One change of one state. `old` is empty for the first state of its name, `new` where there is none any more."""
    change = parse(StateChange, record)
    occurred_at_ms = epoch_ms(change.occurred_at)
    return (
        change.tenant,
        change.customer_id,
        int64(change.version),
        occurred_at_ms // 1000,
        occurred_at_ms,
        change.state,
        change.old or "",
        change.new or "",
        change.reason,
        json_text(change.evidence),
        *meta,
    )


STATE_CHANGES = Pipeline(Topic.STATE_CHANGES.topic_name, TABLE, state_change_row)
