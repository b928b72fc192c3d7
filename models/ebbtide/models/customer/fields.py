"""The fields of the customer record, declared once: what each says, in which unit, and where it comes from.

The record itself is built in ``record.py``; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordField:
    """One named field. ``source`` is what the field's own ``source`` says, unless a fact brought its own."""

    name: str
    unit: str
    source: str
    doc: str


_CRM, _EVENTS, _MODEL = "crm", "events", "model"


def _window(noun: str, what: str, days: int) -> RecordField:
    span = "day" if days == 1 else f"{days} days"
    return RecordField(f"{noun}_count_{days}d", "count", _EVENTS, f"{what} in the last {span}.")


FIELDS: tuple[RecordField, ...] = (
    RecordField("name", "text", _CRM, "Name of the account. It may change; it is never an identifier."),
    RecordField("owner", "text", _CRM, "Who looks after the customer: its CSM or account executive."),
    RecordField("region", "text", _CRM, "Region, as the CRM calls it."),
    RecordField("service_tier", "text", _CRM, "`tier` of the CRM's account: strategic, middle, or anything else."),
    RecordField("industry", "text", _CRM, "Industry, as the CRM calls it."),
    RecordField("plan", "text", _CRM, "Plan that the customer is on."),
    RecordField("seats", "count", _CRM, "Licensed seats."),
    RecordField("contract_value", "money", _CRM, "Value of the newest contract, in its own currency."),
    RecordField("mrr", "money a month", _CRM, "Monthly recurring revenue."),
    RecordField("next_renewal_at", "time", _CRM, "End of the newest contract."),
    RecordField(
        "route", "name", "policy", "Who gets the alerts: `csm` (strategic), `queue` (middle), else `automation`."
    ),
    RecordField("last_login_at", "time", _EVENTS, "Newest login. A late event never moves it back."),
    RecordField("last_active_at", "time", _EVENTS, "Newest event of a human."),
    RecordField("total_query_count", "count", _EVENTS, "Queries ever."),
    RecordField("total_login_count", "count", _EVENTS, "Logins ever."),
    RecordField("total_event_count", "count", _EVENTS, "Events of humans ever; machine use is not counted."),
    RecordField("total_order_count", "count", _EVENTS, "Orders ever."),
    *(
        _window(noun, what, days)
        for days in (1, 7, 30, 60, 90)
        for noun, what in (("query", "Queries"), ("event", "Events of humans"))
    ),
    RecordField("active_days_7d", "days", _EVENTS, "Days with an event among the last 7."),
    RecordField("active_days_28d", "days", _EVENTS, "Days with an event among the last 28."),
    RecordField("active_users_28d", "count", _EVENTS, "Profiles with an event in the last 28 days."),
    RecordField(
        "profiles_by_domain",
        "count",
        "identity",
        "Profiles that count here by the domain of an e-mail alone, in no account by themselves: a guess.",
    ),
    RecordField("penetration", "share", "events, crm", "Active users of 28 days over licensed seats."),
    RecordField("value_90d", "money", _EVENTS, "Revenue of orders in the last 90 days, currencies added as they come."),
    RecordField("value_total", "money", _EVENTS, "Revenue of orders ever, currencies added as they come."),
    RecordField("cadence_days", "days", _EVENTS, "Own rhythm: median gap between active days; the prior until 5 gaps."),
    RecordField("silence_days", "days", _EVENTS, "Calendar days since the last active day."),
    RecordField("silence_state", "name", _EVENTS, "`awake`; `asleep` from 2 cadences of silence; `left` from 7.5."),
    RecordField("asleep_after_days", "days", _EVENTS, "Silence, in calendar days, from which the customer is asleep."),
    RecordField("left_after_days", "days", _EVENTS, "Silence, in calendar days, from which the customer has left."),
    RecordField("p_churn", "probability", _MODEL, "Probability of churn within the horizon, as published last."),
    RecordField("health_tier", "name", _MODEL, "`danger`, `normal` or `excellent`; edges have hysteresis."),
    RecordField("model_version", "name", _MODEL, "The model that gave the score."),
    RecordField(
        "cannot_score_reason", "name", _MODEL, "Why there is no score: `anonymous` or `no_activity`; else null."
    ),
    RecordField("open_alerts", "names", "alerts", "Types of the alerts that are open."),
)
"""In the order of the record."""
