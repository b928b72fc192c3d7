"""The field dictionary: every field of the customer record, declared once.

Built in ``models/record/``; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordField:
    """One named field: what it says, its unit or values, the window it looks at, and where its definition comes from.

    ``source`` is what the field's own ``source`` says, unless a fact brought its own. ``origin``: SA (Sensors Analytics
    with CRM), KJ (customer-success method), FX (customer-success practice), CRM (ten CRM models); empty: our own.
    """

    name: str
    unit: str
    source: str
    doc: str
    window: str = ""
    origin: str = ""


_CRM, _EVENTS, _MODEL, _BOTH = "crm", "events", "model", "events, crm"
_FLEET = "events, fleet"
_NOW, _MONTH, _YEAR, _EVER = "now", "28 days", "365 days", "ever"


def _window(noun: str, what: str, days: int) -> RecordField:
    span = "day" if days == 1 else f"{days} days"
    return RecordField(f"{noun}_count_{days}d", "count", _EVENTS, f"{what} in the last {span}.", span, "SA")


def _crm(name: str, unit: str, doc: str, origin: str = "") -> RecordField:
    return RecordField(name, unit, _CRM, doc, _NOW, origin)


def _events(name: str, unit: str, doc: str, window: str, origin: str = "") -> RecordField:
    return RecordField(name, unit, _EVENTS, doc, window, origin)


FIELDS: tuple[RecordField, ...] = (
    _crm("name", "text", "Name of the account. It may change; it is never an identifier."),
    _crm("owner", "text", "Who looks after the customer: its CSM or account executive."),
    _crm("region", "text", "Region, as the CRM calls it."),
    _crm("service_tier", "text", "`tier` of the CRM's account: strategic, middle, or anything else.", "FX"),
    _crm("industry", "text", "Industry, as the CRM calls it."),
    _crm("plan", "text", "Plan that the customer is on."),
    _crm("seats", "count", "Licensed seats."),
    _crm("contract_value", "money", "Value of the newest contract, in its own currency."),
    _crm("mrr", "money a month", "Monthly recurring revenue."),
    _crm("next_renewal_at", "time", "End of the newest contract."),
    RecordField(
        "route",
        "name",
        "policy",
        "Who gets the alerts: `csm` (strategic), `queue` (middle), else `automation`.",
        _NOW,
        "FX",
    ),
    _crm("key_person", "text", "Name, or id, of the key person who was active last.", "FX"),
    _crm("admin", "text", "Name, or id, of the admin who was active last.", "FX"),
    _events("last_login_at", "time", "Newest login. A late event never moves it back.", _EVER, "SA"),
    _events("last_active_at", "time", "Newest event of a human.", _EVER),
    _events("total_query_count", "count", "Queries ever.", _EVER, "SA"),
    _events("total_login_count", "count", "Logins ever.", _EVER, "SA"),
    _events("total_event_count", "count", "Events of humans ever; machine use is not counted.", _EVER),
    _events("total_order_count", "count", "Orders ever.", _EVER, "CRM"),
    *(
        _window(noun, what, days)
        for days in (1, 7, 30, 60, 90)
        for noun, what in (("query", "Queries"), ("event", "Events of humans"))
    ),
    _events("active_days_7d", "days", "Days with an event among the last 7.", "7 days"),
    _events("active_days_28d", "days", "Days with an event among the last 28.", _MONTH),
    RecordField(
        "profiles_by_domain",
        "count",
        "identity",
        "Profiles that count here by the domain of an e-mail alone, in no account by themselves: a guess.",
        _NOW,
    ),
    _events("value_90d", "money", "Revenue of orders, in `EBBTIDE_MONEY__CURRENCY`.", "90 days", "CRM"),
    _events("value_total", "money", "Revenue of orders ever, in `EBBTIDE_MONEY__CURRENCY`.", _EVER, "CRM"),
    _events("active_users_1d", "count", "Users (profiles) active on the last day.", "1 day", "SA"),
    _events("active_users_7d", "count", "Users active in the last week.", "7 days", "SA"),
    _events("active_users_28d", "count", "Users active in the last month.", _MONTH, "SA"),
    _events("stickiness", "share", "Mean daily active users over monthly active users.", _MONTH, "SA"),
    RecordField("breadth", "share", _FLEET, "Distinct feature modules used over those available.", _MONTH, "KJ"),
    _events("depth", "actions per user", "Core actions per active user.", _MONTH, "KJ"),
    RecordField("penetration", "share", _BOTH, "Active users over licensed seats, at most 1.", _MONTH, "SA"),
    RecordField("users_over_seats", "count", _BOTH, "Active users for whom there is no seat.", _MONTH, "SA"),
    _events("utilisation", "ratio", "Core actions over the 10,000 of full use; may pass 1.", "60 days", "SA"),
    RecordField("utilisation_per_seat", "actions per seat", _BOTH, "Core actions per licensed seat.", "60 days", "SA"),
    _events("utilised", "yes, no", "In full use; until below nine tenths of it.", "60 days", "SA"),
    _events("feature_retention", "share", "Weeks of a module's use after which use went on.", "8 whole weeks", "SA"),
    _events("retention_by_feature", "shares by module", "The same by module.", "8 whole weeks", "SA"),
    _events("top_features", "names", "Most used modules, most used first.", _MONTH, "SA"),
    RecordField("unused_features", "names", _FLEET, "High-value modules without any use.", "63 days", "SA"),
    _events("interests", "names", "Most used modules, and those that grow fastest: for the talk.", "8 weeks", "KJ"),
    _events(
        "feature_slope",
        "uses per week, by module",
        "Change of a module's weekly use per week, by least squares.",
        "8 whole weeks",
        "SA",
    ),
    _events("machine_event_count_28d", "count", "Events of API keys and integrations.", _MONTH, "SA"),
    _events("machine_share", "share", "Events of API keys and integrations over all events.", _MONTH, "SA"),
    _events("campaign_events", "count", "Events above the usual within 7 days of a campaign.", _MONTH, "FX"),
    RecordField(
        "role_mix",
        "by role",
        _BOTH,
        "Key persons, admins and end users: how many are known, how many active, their share of the active.",
        _MONTH,
        "FX",
    ),
    _events("retention_phase", "oscillation, selection, stable", "Phase by the time since first use.", _EVER, "SA"),
    _events("cadence_days", "days", "Own rhythm: median gap between active days; the prior until 5 gaps.", "50 gaps"),
    _events("silence_days", "days", "Calendar days since the last active day; null while nobody can see it.", _NOW),
    _events("silence_state", "name", "`awake`; `asleep` from 2 cadences of silence; `left` from 7.5.", _NOW, "CRM"),
    _events("asleep_after_days", "days", "Silence, in calendar days, from which the customer is asleep.", _NOW, "CRM"),
    _events("left_after_days", "days", "Silence, in calendar days, from which the customer has left.", _NOW, "CRM"),
    _events(
        "lifecycle",
        "acquisition, growth, maturity, decline, left",
        "Left: silent for 7.5 cadences. Decline: asleep, or under half of the own usual. Acquisition: before the first "
        "core value. Maturity: even use for four whole weeks. Growth: all else.",
        "state, daily",
        "CRM",
    ),
    _events("lifecycle_since", "date", "Since when the lifecycle state holds.", "state, daily", "CRM"),
    RecordField(
        "activity_group",
        "high, normal, at_risk, lost",
        "events, model",
        "Lost: left, or not renewed. At risk: by the model. High: top third of the segment, or mature and not low in "
        "usage. Normal: all else.",
        "state, daily",
        "SA",
    ),
    RecordField(
        "activity_group_since", "date", "events, model", "Since when the activity group holds.", "state, daily", "SA"
    ),
    RecordField(
        "strategy", "A to D", _MODEL, "What to do with the activity group: grow, develop, save, win back.", _NOW, "SA"
    ),
    _events(
        "usage_level",
        "low, middle, high",
        "Usage against the thirds of the own segment; never low while the own baseline is kept.",
        "state, weekly",
        "FX",
    ),
    RecordField(
        "relationship_level", "low, middle, high", _BOTH, "Level of the relationship score.", "state, weekly", "FX"
    ),
    RecordField(
        "relationship_score",
        "points",
        _BOTH,
        "Points for key persons, admins, touchpoints and surveys, less those for tickets, people who left and overdue "
        "invoices; 50 is nothing known.",
        "90 days; surveys 180 days",
        "FX",
    ),
    RecordField(
        "health_cell", "usage-relationship", _BOTH, "One of nine cells, as in `low-high`.", "state, weekly", "FX"
    ),
    _crm(
        "journey_stage",
        "acquired, visited, signed, delivered, served, renewed, expanded, churned, won_back",
        "How far the customer has come, by its facts.",
        "FX",
    ),
    _crm("journey_since", "date", "Day on which the stage began.", "FX"),
    _crm("journey_dwell_days", "days", "Days in the stage.", "FX"),
    _crm("open_tickets", "count", "Tickets opened and not closed.", "FX"),
    RecordField("nps", "-1 to 1", _CRM, "Net promoter score of the latest answer of each person.", "180 days", "FX"),
    RecordField("csat", "1 to 5", _CRM, "Mean of the latest CSAT answer of each person.", "180 days", "FX"),
    _crm("overdue_invoices", "count", "Invoices reported overdue and not paid.", "FX"),
    _crm("overdue_days", "days", "Days since the due date of the invoice that is overdue longest.", "FX"),
    _crm("not_renewed_since", "date", "Day on which the contract ended and none followed.", "SA"),
    _crm("churn_reason", "natural, product, not_target, other", "Why the last contract ended.", "FX"),
    RecordField(
        "yearly_value",
        "money",
        _BOTH,
        "A year of its money: by the contract, else twelve times the MRR, else the orders of a year.",
        _YEAR,
        "CRM",
    ),
    RecordField(
        "yearly_value_currency",
        "ISO 4217 code",
        _BOTH,
        "Currency of `yearly_value` and `ltv`: the customer's own; of orders `EBBTIDE_MONEY__CURRENCY`.",
        _YEAR,
    ),
    RecordField(
        "renewal_rate", "share", "fleet", "Closed renewals of the customer's segment that stayed.", _YEAR, "FX"
    ),
    RecordField(
        "ltv",
        "money",
        "fleet",
        "Yearly value × margin × lifetime of the segment, 1 / (1 - renewal rate).",
        "lifetime",
        "FX",
    ),
    RecordField(
        "rfm_cell", "cell", _FLEET, "Bins of recency, frequency and money, `R-F-M`, 1..5, 5 the best.", _YEAR, "CRM"
    ),
    RecordField(
        "rfm_cluster", "name", _FLEET, "Name of the cell's cluster, such as champions or at_risk.", _YEAR, "CRM"
    ),
    _events("loyalty", "none, once, occasional, regular, loyal", "Class by number of orders.", _YEAR, "CRM"),
    RecordField("quadrant", "A, B, C, D, E", _FLEET, "By order frequency and order value; A: no order.", _YEAR, "CRM"),
    RecordField(
        "in_pareto", "yes, no", _FLEET, "Among the fewest customers that make 80 % of the value.", _YEAR, "CRM"
    ),
    _crm("channel", "name", "Channel of the earliest lead fact; `unknown` where none tells it.", "SA"),
    _events("lead_priority", "A, B, C, D", "Which lead to call first.", "since the trial began", "SA"),
    RecordField("lead_rank", "rank", _FLEET, "Place among the leads of the same owner; 1 is first.", _NOW, "SA"),
    RecordField("p_churn", "probability", _MODEL, "Probability of churn within the horizon, as published last.", _NOW),
    RecordField("health_tier", "name", _MODEL, "`danger`, `normal` or `excellent`; edges have hysteresis.", _NOW, "KJ"),
    RecordField("model_version", "name", _MODEL, "The model that gave the score.", _NOW),
    RecordField(
        "cannot_score_reason",
        "name",
        _MODEL,
        "Why there is no score: `anonymous`, `no_activity`, `source_blind` (what delivers its events went silent); "
        "else null.",
        _NOW,
    ),
    RecordField("open_alerts", "names", "alerts", "Types of the alerts that are open.", _NOW),
    RecordField(
        "follow_up_cadence_days",
        "days",
        "policy",
        "Recommended days between two contacts, by tier, health and lifecycle.",
        _NOW,
        "FX",
    ),
    _crm("data_completeness", "share", "Known fields over those expected at this stage of the journey.", "FX"),
    _crm("missing_fields", "names", "Fields expected at this stage that nobody told.", "FX"),
    _crm("stale_fields", "names", "Fields whose value is too old to rely on, by the half-life of their kind.", "FX"),
)
"""In the order of the record."""
