-- What became of records that were pushed to endpoints, one row an attempt. See 0001 and 0002 for what tables and views
-- have in common.
--
-- Endpoint and source position name one delivery. `attempt` is 0 where none was made.

CREATE TABLE IF NOT EXISTS deliveries (
    tenant String,
    endpoint String,
    customer_id String,
    kind String,
    source_topic String,
    source_partition Int64,
    source_offset Int64,
    version Int64,
    attempt Int64,
    status String,
    http_status Nullable(Int64),
    reason String,
    detail String,
    occurred_at DateTime('UTC'),
    occurred_at_ms Int64,
    duration_seconds Float64,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(occurred_at)
ORDER BY (tenant, endpoint, occurred_at, source_topic, source_partition, source_offset, topic, `partition`, `offset`);

-- Every attempt once. A service that died before it told of an attempt makes it again: both were made, and both are shown.
CREATE VIEW IF NOT EXISTS deliveries_once AS
SELECT
    tenant, endpoint, customer_id, kind, source_topic, source_partition, source_offset, version, attempt, status,
    http_status, reason, detail, occurred_at, occurred_at_ms, duration_seconds, topic, `partition`, `offset`,
    appended_at_ms, inserted_at
FROM deliveries
ORDER BY tenant, endpoint, topic, `partition`, `offset`
LIMIT 1 BY topic, `partition`, `offset`;

-- What every delivery has come to.
CREATE VIEW IF NOT EXISTS latest_deliveries AS
SELECT
    tenant, endpoint, customer_id, kind, source_topic, source_partition, source_offset, version, attempt, status,
    http_status, reason, detail, occurred_at, occurred_at_ms, duration_seconds, topic, `partition`, `offset`,
    appended_at_ms, inserted_at
FROM deliveries
ORDER BY tenant, endpoint, source_topic, source_partition, source_offset, topic, `partition`, `offset` DESC
LIMIT 1 BY tenant, endpoint, source_topic, source_partition, source_offset;
