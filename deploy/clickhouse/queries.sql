-- Questions to the history, as a data team asks them. Every query runs on 18.16 and on current servers, and a test runs
-- them all. Read the views (`…_once`, `latest_…`, `open_alerts`): the bare tables hold a row twice until parts merge.

-- Customers in danger now, the likeliest to leave first.
SELECT customer_id, p_churn, occurred_at, model_version
FROM latest_scores
WHERE tenant = 'default' AND tier = 'danger'
ORDER BY p_churn DESC
LIMIT 100;

-- One customer's scores over time. In a big table the filter goes below LIMIT BY, so that the index is used.
SELECT version, occurred_at, p_churn, tier, contributions, change_contributions
FROM (
    SELECT *
    FROM scores
    WHERE tenant = 'default' AND customer_id = 'acct-acme'
    ORDER BY tenant, customer_id, version, topic, `partition`, `offset`
    LIMIT 1 BY tenant, customer_id, version
)
ORDER BY version;

-- Why the newest scores are what they are: each feature's part, over all customers.
SELECT
    visitParamExtractString(part, 'feature') AS feature,
    count() AS customers,
    avg(visitParamExtractFloat(part, 'contribution')) AS mean_contribution
FROM (
    SELECT arrayJoin(extractAll(contributions, '\\{[^{}]*\\}')) AS part
    FROM latest_scores
    WHERE tenant = 'default'
)
GROUP BY feature
ORDER BY abs(mean_contribution) DESC;

-- Alerts on the desk, the most money first.
SELECT customer_name, type, severity, owner, at_stake_amount, at_stake_currency, occurred_at, reasons_en
FROM open_alerts
WHERE tenant = 'default' AND kind = 'risk'
ORDER BY at_stake_amount DESC
LIMIT 100;

-- Alerts a week and owner, and how many of them were held back.
SELECT toMonday(occurred_at) AS week, owner, count() AS alerts, countIf(suppressed_reason != '') AS held_back
FROM alerts_once
WHERE tenant = 'default' AND state = 'open'
GROUP BY week, owner
ORDER BY week, owner;

-- Hours from opening to resolution, by type.
SELECT type, count() AS resolved, quantile(0.5)(hours) AS median_hours
FROM (
    SELECT
        alert_id,
        any(type) AS type,
        (maxIf(occurred_at_ms, state = 'resolved') - minIf(occurred_at_ms, state = 'open')) / 3600000 AS hours
    FROM alerts_once
    WHERE tenant = 'default'
    GROUP BY alert_id
    HAVING countIf(state = 'resolved') > 0
)
GROUP BY type
ORDER BY type;

-- Customers by health tier, from the records that the CRM has.
SELECT visitParamExtractString(field_values, 'health_tier') AS health_tier, count() AS customers
FROM latest_customer_records
WHERE tenant = 'default'
GROUP BY health_tier
ORDER BY health_tier;

-- Customers by the lifecycle that they are in.
SELECT new AS lifecycle, count() AS customers
FROM latest_state_changes
WHERE tenant = 'default' AND state = 'lifecycle'
GROUP BY lifecycle
ORDER BY lifecycle;

-- Who moved from where to where, by month and state, and why.
SELECT toStartOfMonth(occurred_at) AS month, state, old, new, reason, uniqExact(customer_id) AS customers
FROM state_changes_once
WHERE tenant = 'default' AND old != ''
GROUP BY month, state, old, new, reason
ORDER BY month, state, old, new, reason;

-- Seconds from the broker's append to the row, the last hour, by table.
SELECT 'scores' AS table_name, quantile(0.99)(toUnixTimestamp(inserted_at) - appended_at_ms / 1000) AS p99_seconds
FROM scores
WHERE inserted_at > now() - 3600;


-- What an account's people do, by week. Filtered below LIMIT BY: the index is by account and time.
SELECT toMonday(occurred_at) AS week, name, count() AS events, uniqExact(profile_id) AS people
FROM (
    SELECT *
    FROM events
    WHERE tenant = 'default' AND account = 'acme' AND kind = 'activity' AND machine = 0
    ORDER BY tenant, event_id, topic, `partition`, `offset`
    LIMIT 1 BY tenant, event_id
)
GROUP BY week, name
ORDER BY week, events DESC;

-- Accounts by people who were active in the last 28 days that the history has.
SELECT account, uniqExact(profile_id) AS active_people, count() AS events
FROM events_once
WHERE tenant = 'default' AND account != '' AND kind = 'activity' AND machine = 0
    AND occurred_at > (SELECT max(occurred_at) FROM events WHERE tenant = 'default') - 28 * 86400
GROUP BY account
ORDER BY active_people DESC, account
LIMIT 100;

-- What was done before an alert was opened: the last events of the person whom it is about.
SELECT name, occurred_at, properties
FROM events_once
WHERE profile_id IN (SELECT person_id FROM alerts_once WHERE tenant = 'default' AND person_id != '')
ORDER BY occurred_at DESC
LIMIT 20;

-- Who was joined with whom, and why links do not count.
SELECT kind, reason, count() AS changes, uniqExact(identifier_profile_id) AS identifiers
FROM identity_audit_once
WHERE tenant = 'default'
GROUP BY kind, reason
ORDER BY changes DESC, kind, reason;

-- How good each model was when it was published.
SELECT model_version, role, trained_through, examples, auc, active_auc, log_loss, brier, calibration_error
FROM model_metrics_once
WHERE tenant = 'default'
ORDER BY trained_through_ms, role;

-- What happened to models, and what was decided.
SELECT occurred_at, kind, model_version, other_version, `by`, reason
FROM model_events_once
WHERE tenant = 'default'
ORDER BY sequence;

-- What endpoints did with what was sent to them: by outcome, with the attempts that it took.
SELECT endpoint, status, reason, count() AS deliveries, max(attempt) AS most_attempts
FROM latest_deliveries
WHERE tenant = 'default'
GROUP BY endpoint, status, reason
ORDER BY endpoint, status, reason;

-- Seconds of an attempt, by endpoint.
SELECT endpoint, count() AS attempts, quantile(0.5)(duration_seconds) AS median, quantile(0.99)(duration_seconds) AS p99
FROM deliveries_once
WHERE tenant = 'default' AND attempt > 0
GROUP BY endpoint
ORDER BY endpoint;
