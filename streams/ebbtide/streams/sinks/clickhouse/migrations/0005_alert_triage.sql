-- What ranks an alert and what people made of it: how sure its condition is (0 to 1, always 1 before), its priority, from
-- when on it may be delivered, when it was escalated, and the last answer as JSON (empty without).

ALTER TABLE alerts ADD COLUMN confidence Float64 DEFAULT 1 AFTER p_churn;

ALTER TABLE alerts ADD COLUMN priority Float64 DEFAULT 0 AFTER resolved_reason;

ALTER TABLE alerts ADD COLUMN deliver_at Nullable(DateTime('UTC')) AFTER priority;

ALTER TABLE alerts ADD COLUMN escalated_at Nullable(DateTime('UTC')) AFTER deliver_at;

ALTER TABLE alerts ADD COLUMN response String DEFAULT '' AFTER escalated_at;

DROP TABLE IF EXISTS open_alerts;

DROP TABLE IF EXISTS latest_alerts;

DROP TABLE IF EXISTS alerts_once;

CREATE VIEW IF NOT EXISTS alerts_once AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, confidence, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, priority, deliver_at, escalated_at,
    response, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM alerts
ORDER BY tenant, customer_id, alert_id, version, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id, alert_id, version;

CREATE VIEW IF NOT EXISTS latest_alerts AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, confidence, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, priority, deliver_at, escalated_at,
    response, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM alerts
WHERE (tenant, alert_id, version) IN (SELECT tenant, alert_id, max(version) FROM alerts GROUP BY tenant, alert_id)
ORDER BY tenant, alert_id, topic, `partition`, `offset`
LIMIT 1 BY tenant, alert_id;

-- What a CSM has on the desk: alerts whose newest state is neither resolved nor held back.
CREATE VIEW IF NOT EXISTS open_alerts AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, confidence, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, priority, deliver_at, escalated_at,
    response, topic, `partition`, `offset`, appended_at_ms, inserted_at
FROM latest_alerts
WHERE state != 'resolved' AND suppressed_reason = '';
