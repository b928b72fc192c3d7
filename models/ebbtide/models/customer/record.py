"""The customer record for the CRM: named fields, each with value, as-of time and source (signals §8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ebbtide.models.alerting.declarations import route
from ebbtide.models.customer.cadence import SilenceState, asleep_after, cadence, left_after, silence, silence_state
from ebbtide.models.customer.customer import ANONYMOUS, Customer
from ebbtide.models.customer.series import DAY_SECONDS, EVENTS, LAST, LAST_LOGIN, LOGINS, ORDERS, QUERIES, REVENUE
from ebbtide.models.customer.view import View
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.money import MICROS
from ebbtide.schemas.customer_record import CustomerRecord, Field

_CRM_FIELDS = ("name", "owner", "region", "service_tier", "industry", "plan", "seats", "contract_value", "mrr")
_WINDOWS = (1, 7, 30, 60, 90)
_ACTIVE_WINDOWS = (7, 28)


def cannot_score_reason(customer: Customer, view: View) -> str | None:
    """Why there is no score, or None."""
    if customer.kind == ANONYMOUS:
        return "anonymous"
    return None if view.series.days else "no_activity"


def record_day(view: View, settled_day: int | None) -> int:
    """The instant that a record told now is of: the one settled last, or the end of the customer's newest day."""
    newest = view.series.days[-1] + 1 if view.series.days else 0
    return max(newest, settled_day or 0)


def build_record(customer: Customer, view: View, day: int, version: int, policy: CorePolicy) -> CustomerRecord:
    """The record as of grid instant ``day`` (activity of days before it)."""
    at = _time(day * DAY_SECONDS)
    fields: dict[str, Field] = {}

    def put(name: str, value: Any, source: str, as_of: datetime = at) -> None:
        fields[name] = Field.unchecked(value=value, as_of=as_of, source=source)

    traits = view.traits(customer)
    for name in _CRM_FIELDS:
        trait = traits.get(name)
        put(name, trait and trait[0], trait[3] if trait else "crm", _time(trait[1] / 1000) if trait else at)
    renewal = traits.get("contract_end")
    put("next_renewal_at", renewal and renewal[0], "crm", _time(renewal[1] / 1000) if renewal else at)
    put("route", route(str(traits["service_tier"][0]) if "service_tier" in traits else None), "policy")
    _put_counts(customer, view, day, put)
    _put_silence(view, day, policy, put)
    score = customer.score
    put("p_churn", score and score.p_churn, "model")
    put("health_tier", customer.tier, "model")
    put("model_version", score and score.model_version, "model")
    put("cannot_score_reason", cannot_score_reason(customer, view), "model")
    put("open_alerts", sorted(customer.alerts), "alerts")
    return CustomerRecord.unchecked(
        tenant=customer.tenant,
        customer_id=customer.customer_id,
        anchor=customer.anchor,
        version=version,
        as_of=at,
        fields=fields,
    )


def _put_counts(customer: Customer, view: View, day: int, put: Any) -> None:
    series = view.series
    for name, field in (("last_login_at", LAST_LOGIN), ("last_active_at", LAST)):
        second = view.last_at(customer, field, day)
        put(name, None if second is None else _time(second).isoformat().replace("+00:00", "Z"), "events")
    for noun, field in (("query", QUERIES), ("login", LOGINS), ("event", EVENTS), ("order", ORDERS)):
        put(f"total_{noun}_count", series.total(field, day), "events")
    for width in _WINDOWS:
        put(f"query_count_{width}d", series.window(QUERIES, day, width), "events")
        put(f"event_count_{width}d", series.window(EVENTS, day, width), "events")
    for width in _ACTIVE_WINDOWS:
        put(f"active_days_{width}d", series.active_days(day, width), "events")
    month = range(day - 28, day)
    active_users = sum(not share.days.keys().isdisjoint(month) for share in customer.shares.values())
    put("active_users_28d", active_users, "events")
    guessed = sum(share.by_domain and not share.detached for share in customer.shares.values())
    put("profiles_by_domain", guessed, "identity")
    traits = view.traits(customer)
    seats = traits["seats"][0] if "seats" in traits else None
    put("penetration", _share(active_users, seats), "events, crm")
    put("value_90d", series.window(REVENUE, day, 90) / MICROS, "events")
    put("value_total", series.total(REVENUE, day) / MICROS, "events")


def _put_silence(view: View, day: int, policy: CorePolicy, put: Any) -> None:
    last_day = view.series.last_day(day)
    if last_day is None:
        for name in ("cadence_days", "silence_days", "silence_state", "asleep_after_days", "left_after_days"):
            put(name, None, "events")
        return
    own = cadence(view.series, day, policy.cadence)
    scale = own.days / own.gap
    put("cadence_days", round(own.days, 4), "events")
    put("silence_days", day - last_day, "events")
    state: SilenceState = silence_state(silence(last_day, day, own), own, policy.cadence)
    put("silence_state", state.value, "events")
    put("asleep_after_days", round(asleep_after(own, policy.cadence) * scale, 4), "events")
    put("left_after_days", round(left_after(own, policy.cadence) * scale, 4), "events")


def _share(part: int, whole: object) -> float | None:
    """``part / whole`` where the CRM's number is one."""
    if not isinstance(whole, int | float) or isinstance(whole, bool) or whole <= 0:
        return None
    return round(part / whole, 4)


def _time(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)
