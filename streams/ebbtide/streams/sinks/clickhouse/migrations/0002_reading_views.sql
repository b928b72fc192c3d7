-- Readers' views. Each shows every logical record once, whatever was sent or inserted twice:
--   the same Kafka record inserted again (a crash between insert and commit) has the same topic, partition and offset;
--   the same output sent again (a crash between send and commit) has the same id and version at a later offset.
-- Both collapse in `LIMIT 1 BY` the logical key, the first in sorting order kept; FINAL would only see the first kind.
--
-- A server does not push a filter through LIMIT BY. For one customer in a big table, filter first:
--   SELECT ... FROM scores WHERE tenant = ... AND customer_id = ...
--   ORDER BY tenant, customer_id, version, topic, `partition`, `offset` LIMIT 1 BY tenant, customer_id, version
--
-- A later migration that adds a column drops and creates its view again: a view's columns stay as they were.

CREATE VIEW IF NOT EXISTS scores_once AS
SELECT
    tenant, customer_id, version, occurred_at, occurred_at_ms, p_churn, tier, model_version, intercept, logit,
    calibration_before, calibration_after, contributions, change_from_version, change_contributions,
    cannot_score_reason, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM scores
ORDER BY tenant, customer_id, version, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id, version;

CREATE VIEW IF NOT EXISTS alerts_once AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM alerts
ORDER BY tenant, customer_id, alert_id, version, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id, alert_id, version;

CREATE VIEW IF NOT EXISTS customer_records_once AS
SELECT
    tenant, customer_id, version, as_of, as_of_ms, anchor_type, anchor_value, field_values, fields, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM customer_records
ORDER BY tenant, customer_id, version, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id, version;

-- The newest version of each. The subquery reads narrow columns only: on 18.16, with 300,000 scores of 1,000 customers,
-- all of them came in 0.15 s, against 1.9 s when the versions were sorted with their texts.
CREATE VIEW IF NOT EXISTS latest_scores AS
SELECT
    tenant, customer_id, version, occurred_at, occurred_at_ms, p_churn, tier, model_version, intercept, logit,
    calibration_before, calibration_after, contributions, change_from_version, change_contributions,
    cannot_score_reason, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM scores
WHERE (tenant, customer_id, version) IN (SELECT tenant, customer_id, max(version) FROM scores GROUP BY tenant, customer_id)
ORDER BY tenant, customer_id, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id;

CREATE VIEW IF NOT EXISTS latest_customer_records AS
SELECT
    tenant, customer_id, version, as_of, as_of_ms, anchor_type, anchor_value, field_values, fields, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM customer_records
WHERE (tenant, customer_id, version) IN (SELECT tenant, customer_id, max(version) FROM customer_records GROUP BY tenant, customer_id)
ORDER BY tenant, customer_id, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id;

CREATE VIEW IF NOT EXISTS latest_alerts AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM alerts
WHERE (tenant, alert_id, version) IN (SELECT tenant, alert_id, max(version) FROM alerts GROUP BY tenant, alert_id)
ORDER BY tenant, alert_id, topic, `partition`, `offset`
LIMIT 1 BY tenant, alert_id;

-- What a CSM has on the desk: alerts whose newest state is neither resolved nor held back.
CREATE VIEW IF NOT EXISTS open_alerts AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM latest_alerts
WHERE state != 'resolved' AND suppressed_reason = '';
