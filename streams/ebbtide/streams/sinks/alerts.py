"""Topic `alerts` into table `alerts`."""

from functools import partial

from ebbtide.schemas.alert import Alert
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.personal_data import PersonalData
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, json_of_plain, json_text, parse, plain

TABLE = Table(
    "alerts",
    (
        "tenant",
        "customer_id",
        "alert_id",
        "version",
        "kind",
        "type",
        "state",
        "severity",
        "occurred_at",
        "occurred_at_ms",
        "customer_name",
        "person_id",
        "p_churn",
        "confidence",
        "evidence",
        "contributions",
        "reasons_en",
        "reasons_zh",
        "play",
        "owner",
        "route",
        "at_stake_amount",
        "at_stake_currency",
        "suppressed_reason",
        "resolved_reason",
        "priority",
        "deliver_at",
        "escalated_at",
        "response",
        *POSITION_COLUMNS,
    ),
)


def alert_row(record: bytes, meta: RecordMeta, *, personal: PersonalData) -> Row:
    """One state of one alert. What is absent is NULL for numbers and empty for text."""
    alert = parse(Alert, record)
    occurred_at_ms = epoch_ms(alert.occurred_at)
    at_stake = alert.at_stake
    return (
        alert.tenant,
        alert.customer_id or "",
        alert.alert_id,
        int64(alert.version),
        alert.kind,
        alert.type,
        alert.state,
        alert.severity,
        occurred_at_ms // 1000,
        occurred_at_ms,
        personal.text(alert.customer_name or ""),
        alert.person_id or "",
        alert.p_churn,
        alert.confidence,
        json_of_plain(personal.structure(alert.evidence)),
        json_of_plain(personal.structure(plain(alert.contributions))),
        json_of_plain(personal.structure(alert.reasons_en)),
        json_of_plain(personal.structure(alert.reasons_zh)),
        alert.play,
        alert.owner or "",
        alert.route,
        at_stake.amount if at_stake else None,
        at_stake.currency if at_stake else "",
        alert.suppressed.reason if alert.suppressed else "",
        alert.resolved_reason or "",
        alert.priority,
        None if alert.deliver_at is None else epoch_ms(alert.deliver_at) // 1000,
        None if alert.escalated_at is None else epoch_ms(alert.escalated_at) // 1000,
        "" if alert.response is None else json_text(alert.response),
        *meta,
    )


def alerts(personal: PersonalData) -> Pipeline:
    """The pipeline, with what becomes of personal data."""
    return Pipeline(Topic.ALERTS.topic_name, TABLE, partial(alert_row, personal=personal))
