-- How sure the condition of an alert itself is, 0 to 1; it was always 1 before.

ALTER TABLE alerts ADD COLUMN confidence Float64 DEFAULT 1 AFTER p_churn;

DROP TABLE IF EXISTS open_alerts;

DROP TABLE IF EXISTS latest_alerts;

DROP TABLE IF EXISTS alerts_once;

CREATE VIEW IF NOT EXISTS alerts_once AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, confidence, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM alerts
ORDER BY tenant, customer_id, alert_id, version, topic, `partition`, `offset`
LIMIT 1 BY tenant, customer_id, alert_id, version;

CREATE VIEW IF NOT EXISTS latest_alerts AS
SELECT
    tenant, customer_id, alert_id, version, kind, type, state, severity, occurred_at, occurred_at_ms,
    customer_name, person_id, p_churn, confidence, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
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
    customer_name, person_id, p_churn, confidence, evidence, contributions, reasons_en, reasons_zh, play, owner, route,
    at_stake_amount, at_stake_currency, suppressed_reason, resolved_reason, topic,
    `partition`, `offset`, appended_at_ms, inserted_at
FROM latest_alerts
WHERE state != 'resolved' AND suppressed_reason = '';
