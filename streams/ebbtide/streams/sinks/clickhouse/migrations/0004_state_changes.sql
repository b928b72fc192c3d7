-- Changes of customers' states: lifecycle, activity group, journey, nine cells and the others. See 0001 and 0002 for what
-- tables and views have in common.
--
-- `version` counts the changes of a customer over all its states. `old` is empty where a customer has a state for the first
-- time, `new` where it has none any more.

CREATE TABLE IF NOT EXISTS state_changes (
    tenant String,
    customer_id String,
    version Int64,
    occurred_at DateTime('UTC'),
    occurred_at_ms Int64,
    state String,
    old String,
    new String,
    reason String,
    evidence String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(occurred_at)
ORDER BY (tenant, customer_id, version, topic, `partition`, `offset`);

CREATE VIEW IF NOT EXISTS state_changes_once AS
SELECT
    tenant, customer_id, version, occurred_at, occurred_at_ms, state, old, new, reason, evidence, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM state_changes
ORDER BY tenant, customer_id, version, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id, version;

-- The newest change of each state of each customer.
CREATE VIEW IF NOT EXISTS latest_state_changes AS
SELECT
    tenant, customer_id, version, occurred_at, occurred_at_ms, state, old, new, reason, evidence, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM state_changes
WHERE (tenant, customer_id, version) IN (
    SELECT tenant, customer_id, max(version) FROM state_changes GROUP BY tenant, customer_id, state
)
ORDER BY tenant, customer_id, version, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id, version;
