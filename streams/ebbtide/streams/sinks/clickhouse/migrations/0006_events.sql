-- Accepted events. See 0001 and 0002 for what tables and views have in common.
--
-- Ordered by account and time: most questions are about the people of an account, or of everybody, over some weeks.
-- `profile_id` stands for the subject whatever becomes of its value; it is what `person_id` of alerts is.

CREATE TABLE IF NOT EXISTS events (
    tenant String,
    event_id String,
    kind String,
    type String,
    name String,
    occurred_at DateTime('UTC'),
    occurred_at_ms Int64,
    received_at_ms Int64,
    source String,
    profile_id String,
    subject_type String,
    subject_value String,
    identifiers String,
    account String,
    machine UInt8,
    properties String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
PARTITION BY toYear(occurred_at)
ORDER BY (tenant, account, occurred_at, topic, `partition`, `offset`);

-- A message that a producer sent again has the same id; the first that was accepted counts, as it does everywhere else.
CREATE VIEW IF NOT EXISTS events_once AS
SELECT
    tenant, event_id, kind, type, name, occurred_at, occurred_at_ms, received_at_ms, source, profile_id, subject_type,
    subject_value, identifiers, account, machine, properties, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM events
ORDER BY tenant, event_id, topic, `partition`, `offset`
LIMIT 1 BY tenant, event_id;
