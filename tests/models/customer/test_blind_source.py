"""A customer whose sources went silent: nothing can be said of it or held against it. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

from collections.abc import Iterable
from math import log1p
from typing import Any

import pytest

from ebbtide.models.policy import CorePolicy, MoneyPolicy
from ebbtide.schemas.alert import Alert
from ebbtide.schemas.fleet import FleetStats
from ebbtide.schemas.score import Score
from ebbtide.schemas.state_change import StateName
from support.blind import beats, used
from support.raw import at, story, track
from support.standings import Told, day_of, told

EVERY_TWO_DAYS = list(range(0, 60, 2))


def scores(found: Told) -> list[Score]:
    return [output.record for output in found.outputs if isinstance(output.record, Score)]


def silent(until: float, back: int = 100) -> Told:
    """Used every two days to day 40; the source is heard to day 40, and again from ``back`` on."""
    days = [day for day in EVERY_TWO_DAYS if day <= 40 or day >= back]
    return Told(used(days) + beats([*range(41), *range(back, 61)]) + used([60], "web", "other"), until)


@pytest.fixture(scope="module")
def blind() -> Told:
    return silent(59)


def test_it_cannot_be_scored_and_that_is_told_once(blind: Told) -> None:
    """The last heartbeat, on day 40 at 18:00, covers the time to day 41 at 12:00: it is blind at day 42."""
    last = scores(blind)[-1]
    assert (last.cannot_score_reason, last.p_churn, last.tier, last.logit) == ("source_blind", None, None, None)
    assert (day_of(last.occurred_at), last.contributions, last.change) == (42, [], None)
    assert [one.cannot_score_reason for one in scores(blind)].count("source_blind") == 1
    versions = [one.version for one in scores(blind)]
    assert versions == list(range(1, len(versions) + 1))
    before = scores(blind)[-2]
    assert before.model_version == last.model_version
    assert before.p_churn is not None


def test_nothing_is_held_against_it(blind: Told) -> None:
    """Without heartbeats it would be asleep on day 44, and left on day 55."""
    assert [row for row in story(blind.outputs) if row[0] in {"asleep", "left", "sudden_drop"}] == []
    assert [new for _, new, _ in blind.moves("u1", "lifecycle")] == ["growth", "maturity"]
    unheard = Told(used(day for day in EVERY_TWO_DAYS if day <= 40), 59)
    assert [row for row in story(unheard.outputs) if row[0] != "tier_to_danger"] == [
        ("asleep", "open", 44),
        ("asleep", "resolved", 55),
        ("left", "open", 55),
    ]
    assert [new for _, new, _ in unheard.moves("u1", "lifecycle")][-1] == "left"


def test_its_record_says_so(blind: Told) -> None:
    fields = blind.fields("u1")
    assert fields["cannot_score_reason"] == "source_blind"
    assert (fields["p_churn"], fields["health_tier"]) == (None, None)
    assert (fields["silence_state"], fields["lifecycle"], fields["open_alerts"]) == ("awake", "maturity", [])


def test_an_observed_instant_tells_no_score_of_it_either() -> None:
    found = silent(50)
    assert scores(found)[-1].cannot_score_reason == "source_blind"
    assert found.customer("u1").blind


def test_when_the_source_is_back_it_is_scored_again_and_the_blind_days_are_no_silence() -> None:
    """Back on day 54, and so is the customer: scored on day 54's end, at day 55, at the latest."""
    found = silent(60, 54)
    own = found.customer("u1").customer_id
    again = [one for one in scores(found) if one.customer_id == own and day_of(one.occurred_at) > 42]
    assert again[0].cannot_score_reason is None
    assert again[0].p_churn is not None
    assert day_of(again[0].occurred_at) == 55
    assert [row for row in story(found.outputs) if row[0] in {"asleep", "left", "warm_return", "sudden_drop"}] == []
    assert [new for _, new, _ in found.moves("u1", "lifecycle")] == ["growth", "maturity"]
    fields = found.fields("u1")
    assert (fields["cannot_score_reason"], fields["silence_state"]) == (None, "awake")
    assert found.moves("u1", "usage") == [(None, "middle", 7)]


def test_who_comes_once_a_week_is_unseen_and_seen_again_on_the_days_it_happens() -> None:
    """The last heartbeat, on day 43 at 18:00, covers the time to day 44 at 12:00; the next is that of day 46. Nothing
    else is due between the Mondays, days 42 and 49.
    """
    found = Told(used(range(0, 43, 7)) + beats([*range(44), *range(46, 60)]), 48)
    own = found.customer("u1").customer_id
    told = [(day_of(one.occurred_at), one.cannot_score_reason) for one in scores(found) if one.customer_id == own]
    assert [row for row in told if 43 < row[0] < 49] == [(45, "source_blind"), (47, None)]


def test_who_stays_away_after_the_source_is_back_sleeps_by_the_days_that_were_seen() -> None:
    """Last active on day 40; blind days are 41 to 53; seen silent on days 54, 55, 56: asleep at day 57."""
    bodies = used(day for day in EVERY_TWO_DAYS if day <= 40) + beats([*range(41), *range(54, 90)])
    rows = [row for row in story(Told(bodies, 80).outputs) if row[0] in {"asleep", "left", "sudden_drop"}]
    assert rows[0] == ("asleep", "open", 57)


def test_a_second_live_source_makes_it_seen() -> None:
    """Who also uses an app that is heard is silent, not unseen."""
    bodies = used(day for day in EVERY_TWO_DAYS if day <= 40) + used([1, 21], "app")
    heard = Told(bodies + beats(range(41)) + beats(range(60), "app"), 59)
    assert ("asleep", "open", 44) in story(heard.outputs)
    assert {one.cannot_score_reason for one in scores(heard)} == {None}
    both = Told(bodies + beats(range(41)) + beats(range(41), "app"), 59)
    assert scores(both)[-1].cannot_score_reason == "source_blind"


def test_a_window_that_could_not_be_seen_is_no_drop() -> None:
    """Six events a day, 42 a week; of the week before day 56 four days, 51 to 54, are blind, and 18 are under half."""
    days = [day for day in range(60) if not 50 < day < 55]
    bodies = [body for n in range(3) for body in used(days, "web", f"u{n}")]
    joined = [body | {"context": {"source": "web", "groupId": "acme"}} for body in bodies]
    dark = Told(joined + beats([*range(51), *range(55, 60)]), 60)
    assert [row for row in story(dark.outputs) if row[0] == "sudden_drop"] == []
    assert [new for _, new, _ in dark.moves("acme", "lifecycle")] == ["growth", "maturity"]
    seen = Told(joined + beats(range(60)), 60)
    assert ("sudden_drop", "open") in [row[:2] for row in story(seen.outputs)]


def alert(found: Told, kind: str) -> Alert:
    """The first alert of a type."""
    return next(one.record for one in found.outputs if isinstance(one.record, Alert) and one.record.type == kind)


def test_days_that_nobody_saw_are_told_as_no_silence() -> None:
    """Asleep at day 57: 17 days after the last activity, of which 13 were blind."""
    bodies = used(day for day in EVERY_TWO_DAYS if day <= 40) + beats([*range(41), *range(54, 90)])
    asleep = alert(Told(bodies, 58), "asleep")
    assert asleep.evidence["silence_days"] == 4


def test_who_returns_slept_for_the_days_that_were_seen() -> None:
    """Asleep since day 57, back on day 60 with a login: 20 calendar days, 13 of them blind."""
    bodies = used(day for day in EVERY_TWO_DAYS if day <= 40) + beats([*range(41), *range(54, 90)])
    back = track("login", at(60, 43_200), "back", user="u1", context={"source": "web"})
    for until in (60.9, 62):
        found = Told([*bodies, back], until)
        assert alert(found, "warm_return").evidence["silence_days"] == 7


@pytest.mark.parametrize(("until", "active"), [(55, 14), (58.5, 12)])
def test_time_stood_still_for_its_score_while_nobody_saw_it(until: float, active: int) -> None:
    """At day 55, told at its start, the last activity is 15 days back, of which 13 were blind; at day 58 it is 18."""
    found = Told(used(day for day in EVERY_TWO_DAYS if day <= 40) + beats([*range(41), *range(54, int(until))]), until)
    last = scores(found)[-1]
    values = {one.feature: one.value for one in last.contributions}
    assert values["recency"] == pytest.approx(log1p(until // 1 - 40 - 13))
    assert values["tenure"] == pytest.approx(log1p(until // 1 - 13))
    assert values["active_days_28d"] == pytest.approx(log1p(active))
    assert found.fields("u1")["silence_state"] == ("awake" if until < 57 else "asleep")


def acme(bodies: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same done for an account."""
    return [body | {"context": {**body["context"], "groupId": "acme"}} for body in bodies]


ACME = {"group_id": "acme"}


def test_what_facts_tell_of_it_moves_on() -> None:
    """Blind from day 42 on; on day 45 its contract ends, on day 46 a key person leaves."""
    facts = [
        told("contract.signed", 2, "signed", ACME, start="2025-01-08", end="2025-02-20"),
        told("renewal.closed", 45.5, "closed", ACME, outcome="churned"),
        told("contact.left", 46.5, "left", {**ACME, "email": "boss@acme.com"}, role="key_person"),
    ]
    found = Told(acme(used(day for day in EVERY_TWO_DAYS if day <= 40)) + beats(range(41)) + facts, 59)
    assert found.customer("acme").blind
    assert found.moves("acme", "journey")[-1] == ("served", "churned", 46)
    assert found.moves("acme", "activity_group")[-1][1:] == ("lost", 46)
    assert found.moves("acme", "relationship")[-1][1:] == ("low", 47)
    # What rests on its use does not.
    assert [row for name in ("lifecycle", "usage") for row in found.moves("acme", name) if row[2] > 42] == []


def test_a_key_person_whom_nobody_can_see_is_not_away() -> None:
    """Over 30 days without activity lose 15 points, unless nobody could see them."""
    person = told("contact.upserted", 1, "boss", {**ACME, "user_id": "u1"}, role="key_person")
    bodies = [*acme(used(day for day in EVERY_TWO_DAYS if day <= 40)), person]
    hidden = Told(bodies + beats(range(41)), 90)
    assert hidden.customer("acme").relationship == 65
    heard = Told(bodies + beats(range(90)), 90)
    assert heard.customer("acme").relationship == 35


def test_a_lead_that_is_won_while_nobody_sees_it_is_none_any_more() -> None:
    lead = told("lead.upserted", 1, "lead", ACME, channel="ads")
    bodies = [*acme(used(day for day in EVERY_TWO_DAYS if day <= 40)), *beats(range(41)), lead]
    assert Told(bodies, 59).customer("acme").is_lead
    won = Told([*bodies, told("contract.signed", 50.5, "signed", ACME)], 59).customer("acme")
    assert (won.is_lead, StateName.LEAD_PRIORITY in won.states) == (False, False)


@pytest.mark.parametrize(("rates", "worth"), [({"EUR": 2.0}, 2_400), ({}, None)])
def test_its_fleet_counts_its_business_and_nothing_of_its_use(rates: dict[str, float], worth: float | None) -> None:
    """Of two customers one is blind at the last Monday, day 56; each is worth 1,200 euros a year."""
    facts = [
        told("account.upserted", 0.5, f"{name}-is", {"group_id": name}, mrr=100, currency="EUR", name=name)
        for name in ("acme", "bolt")
    ]
    facts.append(told("renewal.closed", 50.5, "closed", ACME, outcome="renewed"))
    seen = used(range(0, 60, 2), "app", "u2")
    bolt = [body | {"context": {"source": "app", "groupId": "bolt"}} for body in seen]
    dark = acme(used(day for day in EVERY_TWO_DAYS if day <= 40)) + beats(range(41))
    policy = CorePolicy(money=MoneyPolicy(rates=rates))
    found = Told(dark + bolt + beats(range(60), "app") + facts, 59, policy)
    stats = [one.record for one in found.outputs if isinstance(one.record, FleetStats)][-1]
    everybody = stats.segments[""]
    assert (day_of(stats.as_of), everybody.customers) == (56, 2)
    assert {name: everybody.counters.get(name, 0) for name in ("blind", "awake", "active_28d")} == {
        "blind": 1,
        "awake": 1,
        "active_28d": 1,
    }
    assert everybody.economics.renewal.n == 1
    told_worth = everybody.quantiles.get("value_365d", {}).get("0.05")
    assert told_worth == (None if worth is None else pytest.approx(worth, rel=0.01))


@pytest.mark.parametrize("heard_until", [41, 60])
def test_who_pays_nothing_is_worth_nothing_to_its_fleet_whether_it_is_seen_or_not(heard_until: int) -> None:
    """Of two customers one pays 1,200 a year, the other, blind at the last Monday or not, nothing."""
    paying = told("account.upserted", 0.5, "bolt-is", {"group_id": "bolt"}, mrr=100, name="bolt")
    seen = used(range(0, 60, 2), "app", "u2")
    bolt = [body | {"context": {"source": "app", "groupId": "bolt"}} for body in seen]
    other = acme(used(day for day in EVERY_TWO_DAYS if day <= 40)) + beats(range(heard_until))
    found = Told([*other, *bolt, *beats(range(60), "app"), paying], 59)
    everybody = [one.record for one in found.outputs if isinstance(one.record, FleetStats)][-1].segments[""]
    assert everybody.counters.get("blind", 0) == (heard_until == 41)
    assert everybody.quantiles["value_365d"]["0.05"] == 0.0


def test_what_its_record_looks_back_on_is_kept_however_long_nobody_sees_it() -> None:
    """Uses by people and machines in the 28 days before day 41, asked for two days and eleven weeks later."""
    machine = [
        track("export", at(day, 40_000), f"machine-{day}", user="u1", context={"source": "web", "machine": True})
        for day in range(41)
    ]
    bodies = [*used(range(41)), *machine, *beats(range(41))]
    early, late = (Told(bodies, until).fields("u1") for until in (43, 120))
    assert early["machine_event_count_28d"] == 28
    # Time in a stage of its contract goes on, and what is known grows old.
    for name in ("journey_dwell_days", "stale_fields"):
        del early[name], late[name]
    assert late == early


def test_windows_of_its_record_stand_where_it_was_seen_last() -> None:
    """Heard to day 40, so that days 28 to 40 are seven of its last fourteen, whenever it is asked."""
    customers = [silent(until) for until in (43, 59)]
    for found in customers:
        fields = found.pipeline.customers.record(found.customer("u1")).fields
        assert (fields["active_days_28d"].value, day_of(fields["active_days_28d"].as_of)) == (14, 41)
        assert fields["total_event_count"].value == 42
    early, late = (found.fields("u1") for found in customers)
    assert early == late
