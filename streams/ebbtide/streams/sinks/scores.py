"""Topic `scores` into table `scores`."""

from ebbtide.schemas.score import Score
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, json_text, parse

TABLE = Table(
    "scores",
    (
        "tenant",
        "customer_id",
        "version",
        "occurred_at",
        "occurred_at_ms",
        "p_churn",
        "tier",
        "model_version",
        "intercept",
        "logit",
        "calibration_before",
        "calibration_after",
        "contributions",
        "change_from_version",
        "change_contributions",
        "cannot_score_reason",
        *POSITION_COLUMNS,
    ),
)


def score_row(record: bytes, meta: RecordMeta) -> Row:
    """One score. What is absent is NULL for numbers and empty for text."""
    score = parse(Score, record)
    occurred_at_ms = epoch_ms(score.occurred_at)
    calibration, change = score.calibration, score.change
    return (
        score.tenant,
        score.customer_id,
        int64(score.version),
        occurred_at_ms // 1000,
        occurred_at_ms,
        score.p_churn,
        score.tier or "",
        score.model_version,
        score.intercept,
        score.logit,
        calibration.before if calibration else None,
        calibration.after if calibration else None,
        json_text(score.contributions),
        int64(change.from_version) if change else None,
        json_text(change.contributions) if change else "[]",
        score.cannot_score_reason or "",
        *meta,
    )


SCORES = Pipeline(Topic.SCORES.topic_name, TABLE, score_row)
