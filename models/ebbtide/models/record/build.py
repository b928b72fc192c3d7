"""The customer record for the CRM: named fields, each with value, as-of time and source (signals §8)."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from ebbtide.models.customer.contracts import SOURCE_BLIND
from ebbtide.models.customer.customer import ANONYMOUS, Customer
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.models.record.adopted import put_adoption
from ebbtide.models.record.completeness import completeness
from ebbtide.models.record.follow_up import follow_up_days
from ebbtide.models.record.freshness import field_class, is_stale
from ebbtide.models.record.known import put_counts, put_rhythm, put_who
from ebbtide.models.record.sheet import ALERTS, CRM, EVENTS, MODEL, POLICY, Sheet, rounded
from ebbtide.models.record.stands import put_standing
from ebbtide.models.record.valued import put_value
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.score import HealthTier
from ebbtide.schemas.state_change import StateName

_OF_RECORD = ("data_completeness", "missing_fields", "stale_fields", "follow_up_cadence_days")


def cannot_score_reason(customer: Customer, view: View) -> str | None:
    """Why there is no score, or None."""
    if customer.kind == ANONYMOUS:
        return "anonymous"
    if customer.blind:
        return SOURCE_BLIND
    return None if view.series.days else "no_activity"


def build_record(
    customer: Customer,
    view: View,
    day: int,
    version: int,
    policy: CorePolicy,
    fleet: Fleet | None = None,
    *,
    seen_day: int | None = None,
) -> CustomerRecord:
    """The record as of grid instant ``day`` (activity of days before it).

    Where nobody has seen the customer since ``seen_day`` what rests on events is as of that instant.
    """
    sheet = Sheet(customer, view, day, policy, fleet)
    _put_known(sheet)
    if seen_day is not None and seen_day < day:
        then = Sheet(customer, view, seen_day, policy, fleet)
        _put_known(then)
        sheet.fields |= {name: own for name, own in then.fields.items() if EVENTS in own.source.split(", ")}
    _put_record(sheet)
    return CustomerRecord.unchecked(
        tenant=customer.tenant,
        customer_id=customer.customer_id,
        anchor=customer.anchor,
        version=version,
        as_of=sheet.at,
        fields=sheet.fields,
    )


def _put_known(sheet: Sheet) -> None:
    put_who(sheet)
    put_counts(sheet)
    put_adoption(sheet)
    put_rhythm(sheet)
    put_standing(sheet)
    put_value(sheet)
    _put_health(sheet)


def record_day(view: View, settled_day: int | None) -> int:
    """The instant of the record as of now: the last settled one, or the end of the customer's newest day."""
    newest = view.series.days[-1] + 1 if view.series.days else 0
    return max(newest, settled_day or 0)


def content_of(record: CustomerRecord) -> bytes:
    """A hash of what the record says, whatever its version and the instant it was built for."""
    values = [(name, field.value) for name, field in record.fields.items()]
    return blake2b(msgspec.json.encode(values), digest_size=8).digest()


def _put_health(sheet: Sheet) -> None:
    customer = sheet.customer
    score = customer.score
    seen = not customer.blind
    sheet.put("p_churn", score and score.p_churn if seen else None, MODEL)
    sheet.put("health_tier", customer.tier if seen else None, MODEL)
    sheet.put("model_version", score and score.model_version, MODEL)
    sheet.put("cannot_score_reason", cannot_score_reason(customer, sheet.view), MODEL)
    sheet.put("open_alerts", sorted(customer.alerts), ALERTS)


def _put_record(sheet: Sheet) -> None:
    """What the record says of itself."""
    customer, policy = sheet.customer, sheet.policy
    tier = sheet.traits.get("service_tier")
    health = None if customer.tier is None else HealthTier(customer.tier)
    days = follow_up_days(
        None if tier is None else str(tier.value), health, sheet.state(StateName.LIFECYCLE), policy.follow_up
    )
    sheet.put("follow_up_cadence_days", days, POLICY)
    known = {name: field.value for name, field in sheet.fields.items()}
    found = completeness(known, sheet.state(StateName.JOURNEY))
    sheet.put("data_completeness", rounded(found.share), CRM)
    sheet.put("missing_fields", list(found.missing), CRM)
    stale = [
        name
        for name, field in sheet.fields.items()
        if field.value is not None
        and field.as_of < sheet.at
        and is_stale(field_class(name), (sheet.at - field.as_of).total_seconds() / DAY_SECONDS, policy.freshness)
    ]
    sheet.put("stale_fields", sorted(stale), CRM)
