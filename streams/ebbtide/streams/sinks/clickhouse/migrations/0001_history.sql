-- History of scores, alerts and customer records.
--
-- One text for every server from 18.16 on: no DateTime64, TTL, CODEC, LowCardinality. Times are DateTime (seconds, UTC,
-- for reading and for parts) beside Int64 Unix milliseconds (exact). Structures are JSON text.
--
-- Delivery is at least once. (topic, partition, offset) ends every sorting key, so a record that was inserted twice
-- collapses when parts merge; until then readers use the views of 0002, never sums over the bare tables.
--
-- Parts are yearly: a backfill of ten years in one batch stays far below the server's limit of 100 parts an insert.

CREATE TABLE IF NOT EXISTS scores (
    tenant String,
    customer_id String,
    version Int64,
    occurred_at DateTime('UTC'),
    occurred_at_ms Int64,
    p_churn Nullable(Float64),
    tier String,
    model_version String,
    intercept Float64,
    logit Nullable(Float64),
    calibration_before Nullable(Float64),
    calibration_after Nullable(Float64),
    contributions String,
    change_from_version Nullable(Int64),
    change_contributions String,
    cannot_score_reason String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(occurred_at)
ORDER BY (tenant, customer_id, version, topic, `partition`, `offset`);

CREATE TABLE IF NOT EXISTS alerts (
    tenant String,
    customer_id String,
    alert_id String,
    version Int64,
    kind String,
    type String,
    state String,
    severity String,
    occurred_at DateTime('UTC'),
    occurred_at_ms Int64,
    customer_name String,
    person_id String,
    p_churn Nullable(Float64),
    evidence String,
    contributions String,
    reasons_en String,
    reasons_zh String,
    play String,
    owner String,
    route String,
    at_stake_amount Nullable(Float64),
    at_stake_currency String,
    suppressed_reason String,
    resolved_reason String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(occurred_at)
ORDER BY (tenant, customer_id, alert_id, version, topic, `partition`, `offset`);

CREATE TABLE IF NOT EXISTS customer_records (
    tenant String,
    customer_id String,
    version Int64,
    as_of DateTime('UTC'),
    as_of_ms Int64,
    anchor_type String,
    anchor_value String,
    field_values String,
    fields String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(as_of)
ORDER BY (tenant, customer_id, version, topic, `partition`, `offset`);
