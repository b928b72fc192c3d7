"""A customer's life as changes of state, with the days counted by hand. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

from typing import Any

import pytest

from support.raw import DAY_0, at, in_account, story, track
from support.standings import Told, day_of, told

ACME = {"group_id": "acme"}
JOIN = in_account("acme")
TUESDAYS = [1 + 7 * week for week in range(9)]  # 1 8 … 57


def used(days: list[int], count: int = 10, name: str = "query", user: str = "u1") -> list[dict[str, Any]]:
    """So many events at noon of some days, for the account."""
    return [
        track(name, at(day, 43_200 + n), f"{user}-{name}-{day}-{n}", user=user, **JOIN)
        for day in days
        for n in range(count)
    ]


def lived() -> list[dict[str, Any]]:
    """Views on the first Tuesday, queries on eight more, nothing from day 58 to 119, then Tuesdays again."""
    return used([1], name="view") + used(TUESDAYS[1:]) + used([120, 127, 134, 141])


@pytest.fixture(scope="module")
def life() -> Told:
    return Told(lived(), 148)


def test_from_acquisition_through_maturity_to_leaving_and_back(life: Told) -> None:
    assert life.moves("acme", "lifecycle") == [
        (None, "acquisition", 2),
        ("acquisition", "growth", 9),  # the first query was on day 8
        ("growth", "maturity", 42),  # four whole weeks since then, days 14 to 41, with 10 events each
        ("maturity", "decline", 71),  # asleep: ten business days after Tuesday, day 57
        ("decline", "left", 109),  # 38 business days, of which 37.5 are left
        ("left", "growth", 128),  # active on days 120 and 127
        ("growth", "maturity", 147),  # days 119 to 146
    ]


def test_every_change_says_why(life: Told) -> None:
    changes = [one for one in life.changes("acme") if one.state == "lifecycle"]
    core = {"core_day": DAY_0 + 8, "period_days": 7}
    assert [(one.reason, one.evidence) for one in changes] == [
        ("no_core_value", {}),
        # Of the four weeks before day 7 only the last was active: 0, 0, 0, 10.
        ("core_value", core | {"variation": 1.7321}),
        ("stable", core | {"variation": 0.0}),
        ("asleep", {"silence_days": 14, "cadence_days": 7.0}),
        ("silent", {"silence_days": 52, "cadence_days": 7.0}),
        # Days 98 to 125 had one active week: 0, 0, 0, 10.
        ("core_value", core | {"variation": 1.7321}),
        ("stable", core | {"variation": 0.0}),
    ]


def test_versions_of_changes_count_from_one_and_days_never_go_back(life: Told) -> None:
    changes = life.changes("acme")
    assert [one.version for one in changes] == list(range(1, len(changes) + 1))
    days = [day_of(one.occurred_at) for one in changes]
    assert days == sorted(days)
    assert all(one.old != one.new for one in changes)


def test_its_groups_follow(life: Told) -> None:
    groups = life.moves("acme", "activity_group")
    assert ("lost", 109) in [(new, day) for _, new, day in groups]
    assert groups[-1][1] != "lost"
    assert life.fields("acme")["lifecycle"] == "maturity"


@pytest.mark.parametrize("count", [1, 4, 25])
def test_an_account_with_weekly_use_is_healthy_at_weekly_use(count: int) -> None:
    """Half a year of Tuesdays: mature after four whole weeks, never at risk, no alert."""
    weekly = Told(used([1 + 7 * week for week in range(26)], count), 182)
    assert weekly.moves("acme", "lifecycle") == [(None, "growth", 2), ("growth", "maturity", 35)]
    groups = weekly.moves("acme", "activity_group")
    assert "at_risk" not in [new for _, new, _ in groups]
    assert groups[-1][1] == "high"
    assert story(weekly.outputs) == []
    # The only customer of its tenant is not low among all of one, nor above them by the error of a sketch.
    assert weekly.moves("acme", "health_cell") == [(None, "middle-middle", 7)]
    fields = weekly.fields("acme")
    assert (fields["lifecycle"], fields["activity_group"], fields["silence_state"]) == ("maturity", "high", "awake")
    assert fields["health_tier"] != "danger"
    assert (fields["cadence_days"], fields["asleep_after_days"], fields["left_after_days"]) == (7.0, 14.0, 52.5)


def test_a_drop_is_a_decline_and_it_recovers_above_seventy_percent() -> None:
    """Four events a day are 28 in a window of a week; one a day from day 56 to 62."""
    steady = used(list(range(56)), 4) + used(list(range(56, 63)), 1) + used(list(range(63, 84)), 4)
    fallen = Told(steady, 84)
    assert fallen.moves("acme", "lifecycle") == [
        (None, "growth", 1),
        ("growth", "maturity", 28),
        # On day 61 the week before has 2 × 4 + 5 × 1 = 13 of 28, under half; on day 60 it had 16.
        ("maturity", "decline", 61),
        # The dwell time of 14 days is over; the newest weeks, 28 28 7 28, vary by 0.4.
        ("decline", "maturity", 75),
    ]
    (change,) = (one for one in fallen.changes("acme") if one.new == "decline")
    assert (change.reason, change.evidence) == (
        "drop",
        {"value": 13, "baseline": 28, "ratio": 0.4643, "window_days": 7},
    )


def test_journey_follows_from_facts() -> None:
    """Lead, call, contract, kickoff, use, renewals, churn, and back."""
    facts = [
        told("lead.upserted", 0.5, "f-1", ACME, channel="webinar"),
        told("touchpoint", 3.5, "f-2", ACME, kind="call"),
        told("contract.signed", 10.5, "f-3", ACME, value=1_200, start="2025-01-17", end="2026-01-16"),
        told("touchpoint", 12.5, "f-4", ACME, kind="kickoff"),
        told("renewal.closed", 40.5, "f-5", ACME, outcome="renewed"),
        told("renewal.closed", 47.5, "f-6", ACME, outcome="expanded"),
        told("renewal.closed", 54.5, "f-7", ACME, outcome="churned", reason="product"),
        told("contract.signed", 61.5, "f-8", ACME, value=600),
    ]
    journey = Told([*facts, *used([15, 22, 29, 36, 43])], 65)
    assert journey.moves("acme", "journey") == [
        (None, "acquired", 1),
        ("acquired", "visited", 4),
        ("visited", "signed", 11),
        ("signed", "delivered", 13),
        ("delivered", "served", 21),  # used on day 15, looked at on the Monday after
        ("served", "renewed", 41),
        ("renewed", "expanded", 48),
        ("expanded", "churned", 55),
        ("churned", "won_back", 62),
    ]
    fields = journey.fields("acme")
    assert (fields["journey_stage"], fields["journey_since"], fields["journey_dwell_days"]) == (
        "won_back",
        "2025-03-08",
        4,
    )
    assert fields["churn_reason"] is None
    assert ("lost", 55) in [(new, day) for _, new, day in journey.moves("acme", "activity_group")]


def test_who_did_not_renew_is_lost_and_the_record_says_why() -> None:
    facts = [
        told("contract.signed", 0.5, "f-1", ACME, value=1_200),
        told("renewal.closed", 40.5, "f-2", ACME, outcome="churned", reason="product"),
    ]
    gone = Told([*facts, *used([1 + 7 * week for week in range(7)])], 49)
    fields = gone.fields("acme")
    assert (fields["activity_group"], fields["activity_group_since"]) == ("lost", "2025-02-16")
    assert (fields["not_renewed_since"], fields["churn_reason"]) == ("2025-02-15", "product")
    assert fields["strategy"] == "D"
    (lost,) = (one for one in gone.changes("acme") if one.new == "lost")
    assert lost.reason == "not_renewed"


def test_cells_move_with_usage_and_relationship() -> None:
    """Points of the relationship, 50 without anything known; high above 75, low below 40 (dwell time 14 days)."""
    facts = [
        # Three visits are 15 points, an active key person 15, and one promoter an NPS of 100: 10.
        *(told("touchpoint", 15 + n / 10, f"call-{n}", ACME, kind="visit") for n in range(3)),
        told("survey.answered", 15.6, "f-1", {"user_id": "u1", **ACME}, kind="nps", score=10),
        told("contact.upserted", 15.7, "f-2", {"user_id": "u1", **ACME}, role="key_person"),
        # Tickets lose 25 at most, an invoice that is overdue since day 14 loses 15; the key person leaves: 20.
        *(
            told("ticket.opened", 36.5 + n / 10, f"t-{n}", ACME, ticket_id=f"t-{n}", severity="critical")
            for n in range(3)
        ),
        told("invoice.overdue", 36.9, "f-3", ACME, invoice_id="i-1", due_date="2025-01-20"),
        told("contact.left", 36.95, "f-4", {"user_id": "u1", **ACME}),
    ]
    moved = Told([*facts, *used([1 + 7 * week for week in range(8)])], 50)
    scores = [one.evidence["score"] for one in moved.changes("acme") if one.state == "relationship"]
    assert moved.moves("acme", "relationship") == [
        (None, "middle", 7),
        ("middle", "high", 21),  # not on day 16: it was middle for nine days only
        ("high", "low", 37),  # at once: the key person left
    ]
    assert scores == [50, 90, 30]
    cells = [one for one in moved.changes("acme") if one.state == "health_cell"]
    assert [(one.old, one.new, one.reason, one.evidence, day_of(one.occurred_at)) for one in cells] == [
        (None, "middle-middle", "levels", {}, 7),
        ("middle-middle", "middle-high", "up", {"steps": 1, "urgency": "opportunity"}, 21),
        ("middle-high", "middle-low", "down", {"steps": 2, "urgency": "critical"}, 37),
    ]
    assert moved.fields("acme")["health_cell"] == "middle-low"
