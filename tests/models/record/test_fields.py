"""Every field of a record at a customer made by hand (``support/customers.py``), with the numbers counted by hand.

Jane works on the 83 weekdays from day 91 to Wednesday, day 205: 4 events, a login and 2 queries each. Raj has 5 events
and an order of 20 on day 193, and an event on day 205; a browser 3 events on day 100. It is Monday, day 210.
"""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.view import View
from ebbtide.models.policy import AdoptionPolicy, CorePolicy
from ebbtide.models.record.build import build_record, record_day
from ebbtide.models.standing.hysteresis import Held
from support.customers import DAY_MS, SETTLED, acme, bucket, customer, share
from support.raw import DAY_0, at

POLICY = CorePolicy(adoption=AdoptionPolicy(modules=("dashboards", "reports", "exports", "funnels")))


def fields(made: Customer, policy: CorePolicy = POLICY, day: int = SETTLED) -> dict[str, Any]:
    record = build_record(made, View(made), DAY_0 + day, 12, policy)
    return {str(name): field.value for name, field in record.fields.items()}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return fields(acme())


WHO = {
    "name": "Acme Ltd",
    "owner": "csm-raj",
    "region": "EMEA",
    "service_tier": "strategic",
    "industry": None,
    "plan": None,
    "seats": 10,
    "contract_value": 12_000,
    "mrr": None,
    "next_renewal_at": "2025-09-30T00:00:00Z",
    "route": "csm",
    "key_person": "Jane Doe",
    "admin": "Zoe\x1b[31m",
}
COUNTS = {
    "last_login_at": "2025-07-30T12:00:00Z",
    "last_active_at": "2025-07-30T12:00:00Z",
    "total_query_count": 166,
    "total_login_count": 83,
    "total_event_count": 83 * 4 + 6 + 3,
    "total_order_count": 1,
    "query_count_1d": 0,
    "event_count_1d": 0,
    "query_count_7d": 6,
    "event_count_7d": 13,
    "query_count_30d": 36,
    "event_count_30d": 78,
    "query_count_60d": 80,
    "event_count_60d": 166,
    # Days 120 to 209: from Tuesday of a week on, 4 days, 11 weeks, and 3 days.
    "query_count_90d": 2 * (4 + 11 * 5 + 3),
    "event_count_90d": 4 * (4 + 11 * 5 + 3) + 6,
    "active_days_7d": 3,
    "active_days_28d": 18,
    "profiles_by_domain": 1,
    "value_90d": 20.0,
    "value_total": 20.0,
}
ADOPTION = {
    "active_users_1d": 0,
    "active_users_7d": 2,
    "active_users_28d": 2,
    # 18 days of Jane and 2 of Raj, over 28 days and 2 users.
    "stickiness": 0.3571,
    "breadth": 0.5,  # dashboards and reports, of four
    "depth": 18.0,
    "penetration": 0.2,
    "users_over_seats": 0,
    "utilisation": 0.008,  # 80 of 10,000
    "utilisation_per_seat": 8.0,
    "utilised": None,
    # Dashboards in all 8 weeks: 7 of 7. Reports in the last 4: 3 of 3. Exports in the first 4: 3 of 4.
    "retention_by_feature": {"dashboards": 1.0, "reports": 1.0, "exports": 0.75},
    "feature_retention": 0.9286,
    "top_features": ["dashboards", "reports"],
    "unused_features": ["funnels"],
    "machine_event_count_28d": 9,
    "machine_share": 0.1034,  # 9 of 87
    "campaign_events": 0,
    "retention_phase": "stable",
}
RHYTHM = {
    "cadence_days": 1.4,
    "silence_days": 5,
    "silence_state": "asleep",
    "asleep_after_days": 4.2,
    "left_after_days": 10.5,
}
STANDING = {
    "lifecycle": "decline",
    "lifecycle_since": "2025-08-02",
    "activity_group": "normal",
    "activity_group_since": "2025-05-06",
    "strategy": "B",
    "usage_level": None,
    "relationship_level": None,
    "relationship_score": None,
    "health_cell": "middle-high",
    "journey_stage": None,
    "journey_since": None,
    "journey_dwell_days": None,
    "open_tickets": 0,
    "nps": 1.0,
    "csat": None,
    "overdue_invoices": 0,
    "overdue_days": None,
    "not_renewed_since": None,
    "churn_reason": None,
}
VALUE = {
    "yearly_value": 12_000,
    "yearly_value_currency": "USD",
    "renewal_rate": None,
    "ltv": None,
    "rfm_cell": None,
    "rfm_cluster": None,
    "loyalty": None,
    "quadrant": None,
    "in_pareto": None,
    "channel": None,
    "lead_priority": None,
    "lead_rank": None,
}
HEALTH = {
    "p_churn": 0.3775,
    "health_tier": "normal",
    "model_version": "champion-40",
    "cannot_score_reason": None,
    "open_alerts": ["asleep", "surge"],
    "follow_up_cadence_days": 3,  # strategic, and in decline
    "data_completeness": 0.6,
    "missing_fields": ["industry", "channel"],
    # Told 209 days ago: worth 2^(-209/90) = 0.2 for people, 0.45 for contracts, 0.67 for names.
    "stale_fields": ["owner"],
}


@pytest.mark.parametrize(
    "section",
    [WHO, COUNTS, ADOPTION, RHYTHM, STANDING, VALUE, HEALTH],
    ids=["who", "counts", "adoption", "rhythm", "standing", "value", "health"],
)
def test_sections(found: dict[str, Any], section: dict[str, Any]) -> None:
    assert {name: found[name] for name in section} == section


def test_no_other_field_is_there(found: dict[str, Any]) -> None:
    told: list[dict[str, Any]] = [WHO, COUNTS, ADOPTION, RHYTHM, STANDING, VALUE, HEALTH]
    assert found.keys() - {name for section in told for name in section} == {"role_mix", "interests", "feature_slope"}


def test_roles_interests_and_slopes(found: dict[str, Any]) -> None:
    assert found["role_mix"]["key_person"] == {"known": 1, "active": 1, "share": 0.5}
    assert found["role_mix"]["admin"] == {"known": 1, "active": 0, "share": 0.0}
    assert found["role_mix"]["other"] == {"known": 2, "active": 1, "share": 0.5}
    assert found["interests"] == {"features": ["dashboards", "reports"], "rising": ["reports"]}
    # Weekly uses, of eight weeks: 15 and at last 9; 0 0 0 0 5 10 5 3; 5 5 5 5 0 0 0 0. Slopes are over 42.
    assert found["feature_slope"] == {
        "dashboards": -0.5,
        "reports": round(40.5 / 42, 4),
        "exports": round(-40 / 42, 4),
    }


def test_without_a_fleet_nobody_knows_what_is_on_sale() -> None:
    bare = fields(acme(), CorePolicy())
    assert (bare["breadth"], bare["unused_features"]) == (None, [])


@pytest.mark.parametrize(
    ("seats", "penetration", "over"),
    [(1, 1.0, 1), (4, 0.5, 0), (True, None, None), (0, None, None), ("many", None, None)],
)
def test_seats_that_are_no_number_are_not_known(seats: object, penetration: float | None, over: int | None) -> None:
    made = customer(
        "group_id/acme",
        jane=share("user_id/jane", {209: bucket()}),
        raj=share("user_id/raj", {208: bucket()}),
        crm=share("group_id/acme", {}, traits={"seats": seats}),
    )
    found = fields(made)
    assert (found["penetration"], found["users_over_seats"]) == (penetration, over)


def test_an_anonymous_customer_cannot_be_scored_and_one_without_activity_neither() -> None:
    browser = customer("anonymous_id/b-1", b=share("anonymous_id/b-1", {209: bucket()}))
    assert fields(browser)["cannot_score_reason"] == "anonymous"
    quiet = customer("user_id/ann", ann=share("user_id/ann", {}))
    assert fields(quiet)["cannot_score_reason"] == "no_activity"
    assert {fields(quiet)[name] for name in RHYTHM} == {None}


def test_a_blind_customer_keeps_what_was_known_but_its_score() -> None:
    made = acme()
    made.blind, made.silence = True, SilenceState.AWAKE
    found = fields(made)
    assert (found["cannot_score_reason"], found["p_churn"], found["health_tier"]) == ("source_blind", None, None)
    # It was awake when it was seen last; five days without a sign of it are no silence.
    assert (found["silence_state"], found["silence_days"]) == ("awake", None)
    assert found["lifecycle"] == "decline"


@pytest.mark.parametrize(
    ("state", "tier", "days"),
    [("left", "strategic", 90), ("growth", "strategic", 14), ("acquisition", "free", 7), ("decline", None, 14)],
)
def test_follow_up_is_by_lifecycle_and_tier(state: str, tier: str | None, days: int) -> None:
    traits = {} if tier is None else {"service_tier": tier}
    made = customer("group_id/acme", crm=share("group_id/acme", {}, traits=traits))
    made.states["lifecycle"] = Held(state, DAY_0)
    assert fields(made)["follow_up_cadence_days"] == days


def test_a_person_without_a_name_goes_by_its_id_and_the_last_active_is_the_key_person() -> None:
    made = customer(
        "group_id/acme",
        jane=share("user_id/jane", {200: bucket()}, traits={"role": "key_person"}),
        raj=share("user_id/raj", {205: bucket()}, traits={"role": "key_person"}),
    )
    assert (fields(made)["key_person"], fields(made)["admin"]) == ("raj", None)


def test_fields_of_facts_have_the_time_and_source_of_the_fact() -> None:
    made = acme()
    record = build_record(made, View(made), DAY_0 + SETTLED, 12, POLICY)
    name, seen = record.fields["name"], record.fields["total_event_count"]
    assert (name.as_of, name.source) == (at(1), "crm")
    assert (seen.as_of, seen.source) == (at(SETTLED), "events")
    assert (record.as_of, record.version, record.tenant) == (at(SETTLED), 12, "default")


def test_a_renewal_that_was_lost_says_when_and_why() -> None:
    made = acme()
    made.shares["crm"].outcomes["f-3"] = ("renewal.closed", (DAY_0 + 200) * DAY_MS, {"outcome": "renewed"})
    assert (fields(made)["not_renewed_since"], fields(made)["churn_reason"]) == (None, None)
    lost = {"outcome": "churned", "reason": "product"}
    made.shares["crm"].outcomes["f-4"] = ("renewal.closed", (DAY_0 + 202) * DAY_MS, lost)
    assert (fields(made)["not_renewed_since"], fields(made)["churn_reason"]) == ("2025-07-27", "product")


def test_care_is_counted_from_facts() -> None:
    made = acme()
    made.shares["crm"].outcomes |= {
        "t-1": ("ticket.opened", (DAY_0 + 205) * DAY_MS, {"ticket_id": "1", "severity": "low"}),
        "t-2": ("ticket.opened", (DAY_0 + 206) * DAY_MS, {"ticket_id": "2"}),
        "t-3": ("ticket.closed", (DAY_0 + 207) * DAY_MS, {"ticket_id": "1"}),
        "i-1": ("invoice.overdue", (DAY_0 + 205) * DAY_MS, {"invoice_id": "1", "due_at": "2025-07-20"}),
        "s-1": ("survey.answered", (DAY_0 + 208) * DAY_MS, {"kind": "csat", "score": 4}),
    }
    found = fields(made)
    # Due on day 195, 15 days ago.
    assert (found["open_tickets"], found["overdue_invoices"], found["overdue_days"]) == (1, 1, 15)
    assert (found["csat"], found["nps"]) == (4.0, 1.0)


def test_the_record_is_as_of_the_settled_instant_or_the_end_of_the_newest_day() -> None:
    view = View(acme())
    assert record_day(view, None) == DAY_0 + 206
    assert record_day(view, DAY_0 + 210) == DAY_0 + 210
    assert record_day(View(customer("user_id/ann", ann=share("user_id/ann", {}))), None) == 0
