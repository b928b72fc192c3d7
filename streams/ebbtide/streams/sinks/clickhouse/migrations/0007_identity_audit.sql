-- Changes of identity. See 0001 and 0002 for what tables and views have in common.
--
-- `epoch` counts the changes of a tenant; it is the only time that they have beside that of the record. Of every
-- identifier there is the id of whom it is the anchor of, and the id of the profile of what is done under it.

CREATE TABLE IF NOT EXISTS identity_audit (
    tenant String,
    epoch Int64,
    kind String,
    identifier_type String,
    identifier_value String,
    identifier_owner_id String,
    identifier_profile_id String,
    other_type String,
    other_value String,
    other_owner_id String,
    other_profile_id String,
    previous_type String,
    previous_value String,
    previous_owner_id String,
    previous_profile_id String,
    current_type String,
    current_value String,
    current_owner_id String,
    current_profile_id String,
    reason String,
    actor String,
    generation Nullable(Int64),
    rules String,
    `count` Nullable(Int64),
    total Nullable(Int64),
    first_day Nullable(Int64),
    cause String,
    topic String,
    `partition` Int32,
    `offset` Int64,
    appended_at_ms Int64,
    inserted_at DateTime('UTC') DEFAULT now()
) ENGINE = ReplacingMergeTree()
ORDER BY (tenant, epoch, topic, `partition`, `offset`);

-- Records of one epoch differ in what they are about: all columns but the position tell one from another.
CREATE VIEW IF NOT EXISTS identity_audit_once AS
SELECT
    tenant, epoch, kind, identifier_type, identifier_value, identifier_owner_id, identifier_profile_id, other_type,
    other_value, other_owner_id, other_profile_id, previous_type, previous_value, previous_owner_id,
    previous_profile_id, current_type, current_value, current_owner_id, current_profile_id, reason, actor, generation,
    rules, `count`, total, first_day, cause, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM identity_audit
ORDER BY tenant, epoch, topic, `partition`, `offset`
LIMIT 1 BY
    tenant, epoch, kind, identifier_profile_id, other_profile_id, previous_profile_id, current_profile_id, reason,
    generation, cause;
