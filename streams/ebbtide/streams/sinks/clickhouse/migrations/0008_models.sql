-- Models as they were published, and what happened to them. See 0001 and 0002 for what tables and views have in common.
--
-- The topic `models` has a copy of every model in every partition: the view shows one. `trained_through` is 1970 where a
-- model was never trained.

CREATE TABLE IF NOT EXISTS model_metrics (
    tenant String,
    model_version String,
    role String,
    trained_through DateTime('UTC'),
    trained_through_ms Int64,
    in_force_from Nullable(DateTime('UTC')),
    examples Int64,
    log_loss Nullable(Float64),
    brier Nullable(Float64),
    auc Nullable(Float64),
    active_auc Nullable(Float64),
    calibration_error Nullable(Float64),
    recent_log_loss Nullable(Float64),
    metrics String,
    coefficients String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(trained_through)
ORDER BY (tenant, model_version, role, trained_through, topic, `partition`, `offset`);

CREATE VIEW IF NOT EXISTS model_metrics_once AS
SELECT
    tenant, model_version, role, trained_through, trained_through_ms, in_force_from, examples, log_loss, brier, auc,
    active_auc, calibration_error, recent_log_loss, metrics, coefficients, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM model_metrics
ORDER BY tenant, model_version, role, trained_through, topic, `partition`, `offset`
LIMIT 1 BY tenant, model_version, role, trained_through_ms, in_force_from;

CREATE TABLE IF NOT EXISTS model_events (
    tenant String,
    event_id String,
    sequence Int64,
    occurred_at DateTime('UTC'),
    occurred_at_ms Int64,
    kind String,
    model_version String,
    other_version String,
    `by` String,
    operation_id String,
    reason String,
    evidence String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(occurred_at)
ORDER BY (tenant, sequence, event_id, topic, `partition`, `offset`);

CREATE VIEW IF NOT EXISTS model_events_once AS
SELECT
    tenant, event_id, sequence, occurred_at, occurred_at_ms, kind, model_version, other_version, `by`, operation_id, reason,
    evidence, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM model_events
ORDER BY tenant, sequence, event_id, topic, `partition`, `offset`
LIMIT 1 BY tenant, event_id;
