"""The record's fields on adoption: how widely, deeply and lastingly the product is used (signals §3)."""

from __future__ import annotations

from typing import Any

from ebbtide.models.adoption.breadth import breadth
from ebbtide.models.adoption.campaign import brought, inflation
from ebbtide.models.adoption.depth import depth
from ebbtide.models.adoption.feature_retention import overall, retentions
from ebbtide.models.adoption.interests import interests
from ebbtide.models.adoption.machine import machine_share
from ebbtide.models.adoption.penetration import penetration
from ebbtide.models.adoption.role_mix import role_mix
from ebbtide.models.adoption.slope import slopes
from ebbtide.models.adoption.stickiness import stickiness
from ebbtide.models.adoption.top_features import top_features, unused_features
from ebbtide.models.adoption.users import user_days
from ebbtide.models.adoption.utilisation import utilisation
from ebbtide.models.customer.series import EVENTS as EVENT_COUNT
from ebbtide.models.customer.series import QUERIES
from ebbtide.models.record.sheet import CRM, EVENTS, FLEET, Sheet, rounded
from ebbtide.models.standing.retention_phase import retention_phase
from ebbtide.schemas.profile_state import MACHINE

_EVENTS_CRM = f"{EVENTS}, {CRM}"
_EVENTS_FLEET = f"{EVENTS}, {FLEET}"


def put_adoption(sheet: Sheet) -> None:
    """Users, modules, seats, machines, campaigns."""
    policy, series, day = sheet.policy.adoption, sheet.view.series, sheet.day
    month = policy.month_days
    people = [share.days.keys() for share in sheet.people.values()]
    for width in (1, 7):
        sheet.put(f"active_users_{width}d", len(user_days(people, day, width)), EVENTS)
    days_of_users = user_days(people, day, month)
    users = len(days_of_users)
    sheet.put("active_users_28d", users, EVENTS)
    sheet.put("stickiness", rounded(stickiness(days_of_users, month)), EVENTS)
    counts = sheet.uses.counts(day, month)
    machine = counts.pop(MACHINE, 0)
    sheet.put("breadth", rounded(breadth(counts, sheet.modules)), _EVENTS_FLEET)
    sheet.put("depth", rounded(depth(series.window(QUERIES, day, month), users)), EVENTS)
    seats = penetration(users, sheet.seats)
    sheet.put("penetration", None if seats is None else rounded(seats.share), _EVENTS_CRM)
    sheet.put("users_over_seats", None if seats is None else seats.over, _EVENTS_CRM)
    use = utilisation(series.window(QUERIES, day, policy.utilised_days), sheet.seats, policy)
    sheet.put("utilisation", rounded(use.share), EVENTS)
    sheet.put("utilisation_per_seat", rounded(use.per_seat), _EVENTS_CRM)
    sheet.put("utilised", sheet.state("utilised"), EVENTS)
    _put_features(sheet, counts)
    sheet.put("machine_event_count_28d", machine, EVENTS)
    sheet.put("machine_share", rounded(machine_share(machine, series.window(EVENT_COUNT, day, month))), EVENTS)
    above = inflation(
        series, sheet.view.campaigns(sheet.customer, day), day, sheet.policy.campaign, sheet.policy.cadence
    )
    sheet.put("campaign_events", brought(above, EVENT_COUNT, day, month), EVENTS)
    sheet.put("role_mix", _roles(sheet), _EVENTS_CRM)
    phase = retention_phase(series.first_day(), day, sheet.policy.retention_phase)
    sheet.put("retention_phase", None if phase is None else phase.value, EVENTS)


def _put_features(sheet: Sheet, counts: dict[str, int]) -> None:
    policy, day = sheet.policy.adoption, sheet.day
    weeks = sheet.uses.weeks(day, policy.retention_weeks)
    weeks.pop(MACHINE, None)
    found = retentions(weeks)
    everything = overall(found.values()).share
    sheet.put("feature_retention", rounded(everything), EVENTS)
    sheet.put("retention_by_feature", {module: rounded(one.share) for module, one in found.items()}, EVENTS)
    sheet.put("top_features", top_features(counts, policy.top), EVENTS)
    used = sheet.uses.counts(day, policy.unused_days)
    valuable = policy.high_value or sheet.modules
    sheet.put("unused_features", unused_features(used, valuable, policy.top), _EVENTS_FLEET)
    first_day = sheet.view.series.first_day()
    growth = {} if first_day is None else slopes(weeks, first_day, day, policy)
    told = interests(counts, {}, growth, policy.top)
    sheet.put("interests", {"features": list(told.features), "rising": list(told.rising)}, EVENTS)
    sheet.put(
        "feature_slope",
        {module: rounded(one.per_week) for module, one in growth.items() if one is not None},
        EVENTS,
    )


def _roles(sheet: Sheet) -> dict[str, Any]:
    roles = sheet.view.roles(sheet.customer, sheet.day)
    people = [(roles[key][0] if key in roles else None, share.days.keys()) for key, share in sheet.people.items()]
    mix = role_mix(people, sheet.day, sheet.policy.adoption.month_days)
    return {role: {"known": use.known, "active": use.active, "share": rounded(use.share)} for role, use in mix.items()}
