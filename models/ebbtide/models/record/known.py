"""The record's fields on who it is, what it did, and its rhythm."""

from __future__ import annotations

from ebbtide.models.alerting.declarations import route
from ebbtide.models.customer.cadence import asleep_after, left_after
from ebbtide.models.customer.rhythm import rhythm
from ebbtide.models.customer.series import EVENTS as EVENT_COUNT
from ebbtide.models.customer.series import LAST, LAST_LOGIN, LOGINS, ORDERS, QUERIES, REVENUE
from ebbtide.models.profile.money import MICROS
from ebbtide.models.record.sheet import CRM, EVENTS, IDENTITY, POLICY, Sheet, text_of

_TRAITS = ("name", "owner", "region", "service_tier", "industry", "plan", "seats", "contract_value", "mrr")
_WINDOWS = (1, 7, 30, 60, 90)
_ACTIVE_WINDOWS = (7, 28)
_SILENCE = ("cadence_days", "silence_days", "silence_state", "asleep_after_days", "left_after_days")


def put_who(sheet: Sheet) -> None:
    """What the CRM says of it."""
    traits = sheet.traits
    for name in _TRAITS:
        sheet.put_trait(name, traits.get(name))
    sheet.put_trait("next_renewal_at", traits.get("contract_end"))
    tier = traits.get("service_tier")
    sheet.put("route", route(None if tier is None else str(tier.value)), POLICY)
    for role in ("key_person", "admin"):
        sheet.put(role, _person(sheet, role), CRM)


def put_counts(sheet: Sheet) -> None:
    """Recency, counts over all time and in windows, money."""
    series, day = sheet.view.series, sheet.day
    for name, field in (("last_login_at", LAST_LOGIN), ("last_active_at", LAST)):
        sheet.put(name, text_of(sheet.view.last_at(sheet.customer, field, day)), EVENTS)
    for noun, field in (("query", QUERIES), ("login", LOGINS), ("event", EVENT_COUNT), ("order", ORDERS)):
        sheet.put(f"total_{noun}_count", series.total(field, day), EVENTS)
    for width in _WINDOWS:
        sheet.put(f"query_count_{width}d", series.window(QUERIES, day, width), EVENTS)
        sheet.put(f"event_count_{width}d", series.window(EVENT_COUNT, day, width), EVENTS)
    for width in _ACTIVE_WINDOWS:
        sheet.put(f"active_days_{width}d", series.active_days(day, width), EVENTS)
    guessed = sum(share.by_domain and not share.detached for share in sheet.customer.shares.values())
    sheet.put("profiles_by_domain", guessed, IDENTITY)
    sheet.put("value_90d", series.window(REVENUE, day, 90) / MICROS, EVENTS)
    sheet.put("value_total", series.total(REVENUE, day) / MICROS, EVENTS)


def put_rhythm(sheet: Sheet) -> None:
    """Cadence and silence."""
    policy = sheet.policy.cadence
    found = rhythm(sheet.view, sheet.day, policy)
    if found is None:
        for name in _SILENCE:
            sheet.put(name, None, EVENTS)
        return
    own = found.own
    scale = own.days / own.gap
    sheet.put("cadence_days", round(own.days, 4), EVENTS)
    # While nobody can see the customer it is not known to be silent.
    sheet.put("silence_days", None if sheet.customer.blind else sheet.day - found.last_day, EVENTS)
    # As of the last evaluation, which left out days on which nobody could see it; who came since is awake.
    state = found.state if found.last_day == sheet.day - 1 else sheet.customer.silence
    sheet.put("silence_state", state.value, EVENTS)
    sheet.put("asleep_after_days", round(asleep_after(own, policy) * scale, 4), EVENTS)
    sheet.put("left_after_days", round(left_after(own, policy) * scale, 4), EVENTS)


def _person(sheet: Sheet, role: str) -> str | None:
    """Name (or id) of the person of a role that was active last; of equals the first by profile."""
    roles = sheet.view.roles(sheet.customer, sheet.day)
    people = [(-(last if last is not None else -1), key) for key, (own, last) in roles.items() if own == role]
    if not people:
        return None
    share = sheet.customer.shares[min(people)[1]]
    names = share.traits.get("person_name")
    return str(names[-1].value) if names else share.subject_value
