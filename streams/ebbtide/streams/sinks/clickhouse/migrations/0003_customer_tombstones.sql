-- A customer whose history went to others has no record any more. A tombstone says so: its version is greater than those
-- of the records before, and smaller than those of the records after, should the customer come back.
--
-- customer_records_once keeps the history; latest_customer_records has only the customers that there are.

CREATE TABLE IF NOT EXISTS customer_tombstones (
    tenant String,
    customer_id String,
    version Int64,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
ORDER BY (tenant, customer_id, version, topic, `partition`, `offset`);

DROP TABLE IF EXISTS latest_customer_records;

CREATE VIEW IF NOT EXISTS latest_customer_records AS
SELECT
    tenant, customer_id, version, as_of, as_of_ms, anchor_type, anchor_value, field_values, fields, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM customer_records
WHERE (tenant, customer_id, version) IN (
    SELECT tenant, customer_id, max(version)
    FROM (
        SELECT tenant, customer_id, version FROM customer_records
        UNION ALL
        SELECT tenant, customer_id, version FROM customer_tombstones
    )
    GROUP BY tenant, customer_id
)
ORDER BY tenant, customer_id, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id;
