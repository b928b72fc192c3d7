"""Topic `models` into table `model_metrics`."""

from ebbtide.schemas.learning import Model
from ebbtide.schemas.topics import Topic
from ebbtide.streams.sinks.record import RecordMeta
from ebbtide.streams.sinks.table import POSITION_COLUMNS, Pipeline, Row, Table
from ebbtide.streams.sinks.values import epoch_ms, int64, json_text, parse

TABLE = Table(
    "model_metrics",
    (
        "tenant",
        "model_version",
        "role",
        "trained_through",
        "trained_through_ms",
        "in_force_from",
        "examples",
        "log_loss",
        "brier",
        "auc",
        "active_auc",
        "calibration_error",
        "recent_log_loss",
        "metrics",
        "coefficients",
        *POSITION_COLUMNS,
    ),
)

MEASURES = (
    "prequential_log_loss",
    "prequential_brier",
    "prequential_auc",
    "prequential_active_auc",
    "prequential_calibration_error",
    "recent_log_loss",
)
"""What the columns from `log_loss` on are called in a model's metrics."""


def model_row(record: bytes, meta: RecordMeta) -> Row:
    """One model as it was published: what it is worth, and what it goes by. Time is 1970 where it was never trained."""
    model = parse(Model, record)
    trained_ms = 0 if model.trained_through is None else epoch_ms(model.trained_through)
    return (
        model.tenant,
        model.model_version,
        model.role,
        trained_ms // 1000,
        trained_ms,
        None if model.in_force_from is None else epoch_ms(model.in_force_from) // 1000,
        int64(model.examples),
        *(model.metrics.get(name) for name in MEASURES),
        json_text(model.metrics),
        json_text(model.coefficients),
        *meta,
    )


MODELS = Pipeline(Topic.MODELS.topic_name, TABLE, model_row, stays=True)
