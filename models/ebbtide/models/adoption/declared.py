"""The numbers of adoption, declared for the field dictionary."""

from __future__ import annotations

from ebbtide.models.declared import Declared

_DAYS_28, _WEEKS_8, _DAYS_63 = "28 days", "8 whole weeks", "63 days"

DECLARED = (
    Declared("active_users_1d", "Users active on the last day.", "count", "1 day", "SA"),
    Declared("active_users_7d", "Users active in the last week.", "count", "7 days", "SA"),
    Declared("active_users_28d", "Users active in the last month.", "count", _DAYS_28, "SA"),
    Declared("stickiness", "Mean daily active users over monthly active users.", "share", _DAYS_28, "SA"),
    Declared("breadth", "Distinct feature modules used over those available.", "share", _DAYS_28, "KJ"),
    Declared("depth", "Core actions per active user.", "actions per user", _DAYS_28, "KJ"),
    Declared("penetration", "Active users over licensed seats, at most 1.", "share", _DAYS_28, "SA"),
    Declared("users_over_seats", "Active users for whom there is no seat.", "count", _DAYS_28, "SA"),
    Declared("utilisation", "Core actions over the 10,000 of full use; may pass 1.", "ratio", "60 days", "SA"),
    Declared("utilisation_per_seat", "Core actions per licensed seat.", "actions per seat", "60 days", "SA"),
    Declared("utilised", "In full use; until below nine tenths of it.", "yes or no", "60 days", "SA"),
    Declared("feature_retention", "Weeks of a module's use after which use went on.", "share", _WEEKS_8, "SA"),
    Declared("feature_slope", "Least-squares change of a module's weekly use.", "uses per week", _WEEKS_8, "SA"),
    Declared("top_features", "Most used modules, most used first.", "names", _DAYS_28, "SA"),
    Declared("unused_features", "High-value modules without any use.", "names", _DAYS_63, "SA"),
    Declared("role_mix", "Part of key persons, admins and end users in the active users.", "shares", _DAYS_28, "FX"),
    Declared("machine_share", "Events of API keys and integrations over all events.", "share", _DAYS_28, "SA"),
    Declared("campaign_events", "Events above the usual within 7 days of a campaign.", "count", _DAYS_28, "FX"),
    Declared(
        "interests", "Most used modules and pages, and what grows fastest: for the talk.", "names", _DAYS_28, "KJ"
    ),
)
