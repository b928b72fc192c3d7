"""Customers of whom the CRM told before they did anything, leads, and what campaigns brought. Day 0 is a Monday."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.schemas.score import Score
from support.raw import DAY_0, at, in_account, iso, story, track
from support.standings import Told, day_of, told

ACME = {"group_id": "acme"}
LEAD = {"user_id": "ann"}


def known(until: float) -> Told:
    facts = [
        told("account.upserted", 0.5, "f-1", ACME, name="Acme", tier="strategic", seats=10, mrr=100),
        told("lead.upserted", 1.5, "f-2", ACME, channel="fair", owner="kim"),
        told("touchpoint", 9.5, "f-3", ACME, kind="call"),
    ]
    return Told((one for one in facts if one["occurred_at"] < iso(at(until))), until)


def test_who_never_did_anything_has_states_and_a_record() -> None:
    found = known(30)
    assert found.moves("acme", "lifecycle") == [(None, "acquisition", 1)]
    assert found.moves("acme", "activity_group") == [(None, "normal", 1)]
    assert found.moves("acme", "journey") == [(None, "acquired", 2), ("acquired", "visited", 10)]
    assert found.moves("acme", "relationship") == [(None, "middle", 2)]
    assert found.moves("acme", "lead_priority") == [(None, "D", 2)]
    assert found.moves("acme", "quadrant") == [(None, "A", 7)]
    assert found.moves("acme", "usage") == []
    fields = found.fields("acme")
    assert (fields["name"], fields["owner"], fields["channel"], fields["yearly_value"]) == ("Acme", "kim", "fair", 1200)
    assert fields["cannot_score_reason"] == "no_activity"
    # In acquisition a strategic account is called every week; its key person, region and industry are not known.
    assert (fields["follow_up_cadence_days"], fields["route"]) == (7, "csm")
    assert fields["missing_fields"] == ["region", "industry", "key_person"]
    assert fields["data_completeness"] == 0.5
    assert (fields["silence_days"], fields["retention_phase"], fields["journey_dwell_days"]) == (None, None, 21)
    assert story(found.outputs) == []
    assert not any(isinstance(output.record, Score) for output in found.outputs)


@pytest.mark.parametrize(("until", "due"), [(0.9, 1), (1, 7), (1.9, 2), (3, 7), (9.9, 10), (12, 14), (30, 35)])
def test_it_is_due_after_each_fact_and_every_monday(until: float, due: int) -> None:
    assert known(until).customer("acme").due_day == DAY_0 + due


def test_a_trait_alone_makes_it_due_and_activity_makes_it_scored() -> None:
    facts = [told("account.upserted", 2.5, "f-1", ACME, name="Acme")]
    used = [track("query", at(9, 43_200), "q", **in_account("acme"))]
    assert Told(facts, 3).moves("acme", "lifecycle") == [(None, "acquisition", 3)]
    found = Told([*facts, *used], 11)
    assert found.moves("acme", "lifecycle") == [(None, "acquisition", 3), ("acquisition", "growth", 10)]
    assert found.fields("acme")["cannot_score_reason"] is None


def test_an_account_told_of_late_begins_then() -> None:
    """Somebody else's time is far on: what the CRM tells of last month is looked at from its own day on."""
    facts = [told("account.upserted", 3.5, "f-1", ACME, name="Acme")]
    other = [track("query", at(40), "q", user="other")]
    assert Told([*facts, *other], 41).moves("acme", "lifecycle")[0] == (None, "acquisition", 4)


def lead(*queries: tuple[int, int], logins: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """A lead of the CRM with so many queries on some days, and logins in the evening."""
    used = [
        track("query", at(day, 36_000 + n), f"q-{day}-{n}", user="ann") for day, count in queries for n in range(count)
    ]
    used += [track("login", at(day, 64_800), f"in-{day}", user="ann") for day in logins]
    return [told("lead.upserted", 0.1, "lead", LEAD, channel="search", owner="kim"), *used]


def test_a_lead_goes_down_by_timer_and_up_at_once() -> None:
    """24 queries on days 1 and 2, the last login on day 2, then nothing until day 50."""
    found = Told(lead((1, 12), (2, 12), (50, 20), logins=(2, 50)), 52)
    assert found.moves("ann", "lead_priority") == [
        (None, "D", 1),  # nothing but the CRM's word
        ("D", "A", 3),
        ("A", "B", 12),  # ten days without a login: fresh are 7, and 2 more
        ("B", "C", 16),  # of 24 queries in 15 days 12 are in the newest 14: a rate of 0.54
        ("C", "D", 35),  # dormant after 30 days, and 2 more
        ("D", "A", 51),  # the morning after the login
    ]
    changes = [one for one in found.changes("ann") if one.state == "lead_priority"]
    assert [one.reason for one in changes] == ["interest"] * 6
    assert changes[2].evidence == {"silent_days": 10, "queries": 24, "trend": 1.0}
    assert found.fields("ann")["lead_priority"] == "A"


def test_who_pays_is_no_lead() -> None:
    signed = told("contract.signed", 3.5, "f-1", LEAD, value=100)
    found = Told([*lead((1, 12), logins=(1,)), signed], 10)
    assert not found.customer("ann").is_lead
    assert found.fields("ann")["lead_priority"] is None
    ended = [one for one in found.changes("ann") if one.state == "lead_priority"][-1]
    assert (ended.old, ended.new, ended.reason, day_of(ended.occurred_at)) == ("B", None, "no_lead", 4)


def spiked(*campaigns: int) -> Told:
    """Twice a week, ten events each on Tuesdays and Thursdays; 60 more a day on days 50 to 56."""
    usual = [day for day in range(64) if day % 7 in (1, 3)]
    body = [track("view", at(day, n), f"v-{day}-{n}", **in_account("acme")) for day in usual for n in range(10)]
    body += [
        track("view", at(day, 100 + n), f"s-{day}-{n}", **in_account("acme"))
        for day in range(50, 57)
        for n in range(60)
    ]
    facts = [told("touchpoint", day + 0.01, f"c-{day}", ACME, kind="campaign", campaign="spring") for day in campaigns]
    return Told([*facts, *body], 58)


def test_what_a_campaign_brought_is_told_apart_and_does_not_raise_health() -> None:
    """Of 420 more within a week of the campaign the usual stay: days 50 and 52 are a Tuesday and a Thursday."""
    without, within = spiked(), spiked(50)
    assert without.fields("acme")["campaign_events"] == 0
    fields = within.fields("acme")
    assert fields["campaign_events"] > 400
    assert fields["total_event_count"] == without.fields("acme")["total_event_count"]
    healthier = without.customer("acme").score
    honest = within.customer("acme").score
    assert healthier is not None
    assert honest is not None
    assert honest.p_churn >= healthier.p_churn


def test_after_five_weeks_a_campaign_is_over() -> None:
    assert spiked(15).fields("acme")["campaign_events"] == 0


def test_who_did_only_what_a_campaign_brought_is_scored_by_it() -> None:
    body = [track("view", at(day, 60), f"v-{day}", **in_account("acme")) for day in (3, 4, 5)]
    fact = told("touchpoint", 2.5, "c", ACME, kind="campaign", campaign="spring")
    found = Told([fact, *body], 7)
    assert found.fields("acme")["campaign_events"] == 3
    score = found.customer("acme").score
    alone = Told(body, 7).customer("acme").score
    assert score is not None
    assert alone is not None
    assert score.p_churn == alone.p_churn
