"""Who is told of what: stories of one tenant, read from top to bottom."""

from __future__ import annotations

import pytest

from ebbtide.models.policy import TriagePolicy
from ebbtide.schemas.alert import AlertDigest
from support.raw import at
from support.triage import Desks, candidate, dismissed, passed, said, snoozed


def test_what_holds_at_an_instant_waits_for_all_partitions_and_the_most_important_come_first() -> None:
    desks = Desks()
    assert desks.add(candidate("b", 7, worth=10.0), candidate("a", 7, worth=5.0), passed(7, "customers/0")) == []
    assert desks.add(candidate("c", 7, worth=900.0)) == []
    assert desks.stage.waiting == 3
    assert desks.add(passed(7, "customers/1")) == ["c sudden_drop open", "b sudden_drop open", "a sudden_drop open"]
    assert desks.stage.waiting == 0
    assert [alert.priority for alert in desks.alerts] == [360.0, 4.0, 2.0]


def test_what_happens_on_the_day_that_runs_does_not_wait() -> None:
    desks = Desks()
    desks.day(7)
    back = candidate("a", 7.4, kind="warm_return", at_once=True)
    assert desks.add(back) == ["a warm_return open"]
    assert desks.alerts[0].occurred_at == at(7.4)
    # Nor does what comes late.
    assert desks.add(candidate("b", 6)) == ["b sudden_drop open"]


def test_nothing_of_a_customer_overtakes_what_it_said_before() -> None:
    desks = Desks()
    desks.day(7)
    desks.add(candidate("a", 8, version=1), passed(8, "customers/0"))
    assert desks.add(candidate("a", 8.4, kind="warm_return", version=2, at_once=True)) == []
    assert desks.add(candidate("b", 8.4, kind="warm_return", at_once=True)) == ["b warm_return open"]
    assert desks.add(passed(8, "customers/1")) == ["a sudden_drop open", "a warm_return open"]


def test_beyond_the_budget_the_least_important_go_to_the_digest_of_the_day() -> None:
    desks = Desks(TriagePolicy(budget_per_day=2))
    desks.day(6)
    told = desks.day(7, *(candidate(name, 7, worth=worth) for name, worth in zip("abcd", (5, 40, 30, 7), strict=True)))
    assert told == [
        "b sudden_drop open",
        "c sudden_drop open",
        "d sudden_drop open (budget)",
        "a sudden_drop open (budget)",
    ]
    # On the same day nothing more is told; another owner has a budget of its own.
    assert desks.add(candidate("e", 7.5, kind="warm_return", at_once=True)) == ["e warm_return open (budget)"]
    assert desks.add(candidate("f", 7.6, kind="warm_return", at_once=True, owner="raj")) == ["f warm_return open"]
    assert desks.day(7.5) == []
    # What ended on that day is not in the digest.
    desks.add(candidate("d", 7.7, "resolved", version=2))
    assert desks.day(8, candidate("g", 8)) == [
        "d sudden_drop resolved (budget) recovered",
        "digest ines 2: e a",
        "g sudden_drop open",
    ]
    (digest,) = [output.record for output in desks.outputs if isinstance(output.record, AlertDigest)]
    assert (digest.owner, digest.told, digest.day, digest.more) == ("ines", 2, at(7), 0)


def test_an_owner_may_have_a_budget_of_its_own_and_none_is_one_too() -> None:
    desks = Desks(TriagePolicy(budget_per_day=0, budgets={"raj": 1}))
    told = desks.day(7, candidate("a", 7), candidate("b", 7, owner="raj"), candidate("c", 7, owner=None))
    assert told == ["a sudden_drop open (budget)", "b sudden_drop open", "c sudden_drop open (budget)"]
    assert desks.day(8) == ["digest  0: c", "digest ines 0: a"]


def test_of_one_story_the_gravest_is_told_and_the_others_are_covered() -> None:
    desks = Desks()
    told = desks.day(
        7,
        candidate("a", 7, kind="asleep", version=1),
        candidate("a", 7, kind="sudden_drop", version=2),
        candidate("a", 7, kind="surge", version=3),
    )
    assert told == ["a asleep open (covered)", "a sudden_drop open", "a surge open"]
    # A graver one is news; an equally grave one is not.
    assert desks.day(8, candidate("a", 8, kind="left", version=4, severity="critical")) == ["a left open"]
    assert desks.day(9, candidate("a", 9, kind="tier_to_danger", version=5, severity="critical")) == [
        "a tier_to_danger open (covered)"
    ]
    # When what is known ends, what still holds is told.
    assert desks.day(10, candidate("a", 10, "resolved", kind="left", version=6)) == [
        "a left resolved recovered",
        "a tier_to_danger open",
    ]
    assert desks.alerts[-1].occurred_at == at(10)


def test_what_was_held_back_and_becomes_graver_is_told() -> None:
    desks = Desks(TriagePolicy(budget_per_day=1))
    desks.day(7, candidate("a", 7, worth=1.0), candidate("b", 7))
    graver = candidate("a", 8, "updated", version=2, severity="critical", worth=1.0)
    assert desks.day(8, graver) == ["digest ines 1: a", "a sudden_drop open"]
    # The same of no graver one is for the record.
    desks.day(9, candidate("c", 9, worth=1.0), candidate("d", 9))
    assert desks.day(10, candidate("c", 10, "updated", version=2, value=4)) == [
        "digest ines 1: c",
        "c sudden_drop updated (budget)",
    ]


@pytest.mark.parametrize(("reason", "days"), [("wrong", 90), ("known", 30), ("handled", 30)])
def test_a_dismissed_alert_closes_and_is_not_repeated_for_a_while(reason: str, days: int) -> None:
    desks = Desks()
    desks.day(7, candidate("a", 7))
    assert desks.add(dismissed("a", 7.5, reason, at_once=True)) == ["a sudden_drop resolved dismissed"]
    response = desks.alerts[-1].response
    assert response is not None
    assert (response.action, response.by, response.at, response.reason) == ("dismiss", "jo", at(7.5), reason)
    # Of the end of the condition nobody needs to hear.
    assert desks.day(9, candidate("a", 9, "resolved", version=2)) == []
    assert desks.day(20, candidate("a", 20, version=3, opened=20)) == ["a sudden_drop open (dismissed)"]
    assert desks.day(21, candidate("a", 21, "resolved", version=4, opened=20)) == [
        "a sudden_drop resolved (dismissed) recovered"
    ]
    # Another type, or a graver one, is another matter; and in the end it may come back.
    assert desks.day(22, candidate("a", 22, version=5, kind="surge")) == ["a surge open"]
    assert desks.day(8 + days, candidate("a", 8 + days, version=6, opened=8 + days)) == ["a sudden_drop open"]


def test_a_dismissed_alert_that_becomes_graver_opens_again() -> None:
    desks = Desks()
    desks.day(7, candidate("a", 7))
    desks.add(dismissed("a", 7.5, at_once=True))
    assert desks.day(8, candidate("a", 8, "updated", version=2, value=9)) == []
    assert desks.day(9, candidate("a", 9, "updated", version=3, severity="critical")) == ["a sudden_drop open"]
    assert desks.day(10, candidate("a", 10, "resolved", version=4)) == ["a sudden_drop resolved recovered"]


def test_each_time_it_was_wrong_it_stays_away_twice_as_long() -> None:
    desks = Desks(TriagePolicy(wrong_days=10, wrong_most_days=30))
    desks.day(0)
    day, quiet = 1.0, []
    for number in range(4):
        desks.day(day, candidate("a", day, version=3 * number + 1, opened=day))
        desks.add(dismissed("a", day + 0.5, name=f"f{number}", at_once=True))
        desks.day(day + 1, candidate("a", day + 1, "resolved", version=3 * number + 2, opened=day))
        desk = desks.stage.tenants["t"].desks["a"]
        until = (desk.dismissed["sudden_drop"].until_ms - int(at(day + 0.5).timestamp() * 1000)) / 86_400_000  # type: ignore[index]
        quiet.append(until)
        day += until + 2
    assert quiet == [10, 20, 30, 30]


def test_a_dismissal_of_what_is_over_counts_for_what_follows() -> None:
    desks = Desks()
    desks.day(7, candidate("a", 7))
    desks.day(8, candidate("a", 8, "resolved", version=2))
    assert desks.add(dismissed("a", 8.5, at_once=True)) == []
    assert desks.day(20, candidate("a", 20, version=3, opened=20)) == ["a sudden_drop open (dismissed)"]
    # A lesser dismissal takes nothing back.
    desks.add(dismissed("a", 20.5, "known", name="f2", at_once=True))
    assert desks.day(21, candidate("a", 21, "resolved", version=4, opened=20)) == [
        "a sudden_drop resolved (dismissed) recovered"
    ]
    assert desks.day(60, candidate("a", 60, version=5, opened=60)) == ["a sudden_drop open (dismissed)"]


def test_a_graver_dismissal_is_not_undone_by_a_lesser_one() -> None:
    desks = Desks()
    desks.day(7, candidate("a", 7, severity="critical"))
    desks.add(dismissed("a", 7.5, at_once=True))
    desks.day(8, candidate("a", 8, "resolved", version=2))
    desks.add(dismissed("a", 8.5, "known", name="f2", at_once=True))
    again = candidate("a", 20, version=3, opened=20, severity="critical")
    assert desks.day(20, again) == ["a sudden_drop open (dismissed)"]


def test_a_snoozed_alert_is_held_back_until_its_time_and_told_again() -> None:
    desks = Desks()
    desks.day(7, candidate("a", 7))
    assert desks.add(snoozed("a", 7.5, 9.5, at_once=True)) == ["a sudden_drop updated (snoozed)"]
    assert desks.day(8, candidate("a", 8, "updated", version=2, severity="critical")) == [
        "a sudden_drop updated (snoozed)"
    ]
    assert desks.day(9) == []
    assert desks.day(10) == ["a sudden_drop updated"]
    assert desks.alerts[-1].severity == "critical"
    # One that ends meanwhile is over, for whoever waits for it too.
    desks.add(snoozed("a", 10.5, 14, name="f2", at_once=True))
    assert desks.day(12, candidate("a", 12, "resolved", version=3)) == ["a sudden_drop resolved (snoozed) recovered"]
    assert desks.day(14) == []


def test_an_alert_that_nobody_responds_to_is_escalated_once() -> None:
    desks = Desks(TriagePolicy(escalate_after_days={"critical": 3}))
    first = [candidate(name, 7, severity="critical") for name in "ab"]
    desks.day(7, *first, candidate("c", 7), candidate("d", 7, kind="surge", severity="critical"))
    # Where nobody ever responds, silence says nothing.
    assert [desks.day(day) for day in (8, 9, 10, 11)] == [[], [], [], []]
    desks.add(said("a", 11.5, "ack", at_once=True))
    assert desks.alerts[-1].response is not None
    desks.day(12, candidate("e", 12, severity="critical"), candidate("f", 12, severity="critical"))
    desks.add(said("e", 12.5, "ack", name="f2", at_once=True))
    assert desks.day(14) == []
    assert desks.day(15) == ["f sudden_drop updated"]
    last = desks.alerts[-1]
    assert (last.route, last.escalated_at, last.occurred_at) == ("escalation", at(15), at(15))
    assert [desks.day(day) for day in (16, 17, 18)] == [[], [], []]
    assert desks.day(19, candidate("f", 19, "resolved", version=2)) == ["f sudden_drop resolved recovered"]


def test_what_is_said_of_nothing_changes_nothing_and_is_counted() -> None:
    desks = Desks()
    desks.day(7, candidate("a", 7))
    assert desks.add(said("b", 7.5, "ack", at_once=True), snoozed("b", 7.5, 9, name="f2", at_once=True)) == []
    assert desks.add(said("a", 7.5, "ack", at_once=True)) == ["a sudden_drop updated"]
    assert desks.add(said("a", 7.5, "ack", at_once=True)) == []
    assert desks.stage.ignored == {"not_open": 2, "repeated": 1}


def test_feedback_of_a_backfill_waits_for_its_time() -> None:
    desks = Desks()
    assert desks.add(dismissed("a", 7.5), candidate("a", 7), candidate("a", 9, "resolved", version=2)) == []
    assert desks.add(*(tick for day in (7, 8, 9) for tick in passed(day))) == [
        "a sudden_drop open",
        "a sudden_drop resolved dismissed",
    ]


def test_people_who_found_a_type_wrong_find_it_last() -> None:
    """Confidence in a type is that of all customers of the tenant."""
    desks = Desks()
    desks.day(7, *(candidate(name, 7) for name in "abcd"))
    desks.add(*(dismissed(name, 7.5, name=name, at_once=True) for name in "abcd"))
    told = desks.day(8, candidate("x", 8), candidate("y", 8, kind="surge", p_churn=None, worth=1_500.0))
    assert told == ["y surge open", "x sudden_drop open"]
    # Of five that were supposed four are left, and four more that were wrong.
    assert desks.alerts[-1].priority == pytest.approx(1_000 * 0.5 * 4 / 9, abs=1e-3)
    desks.add(said("x", 8.5, "ack", name="x", at_once=True))
    assert desks.alerts[-1].priority == pytest.approx(1_000 * 0.5 * 5 / 10, abs=1e-3)


def test_versions_grow_and_a_repeat_is_no_news() -> None:
    desks = Desks()
    desks.day(7, candidate("a", 7), candidate("a", 7))
    assert desks.stage.repeats == 1
    desks.day(8, candidate("a", 8, "resolved", version=2), candidate("a", 8, version=3, kind="surge"))
    desks.add(candidate("a", 7), candidate("a", 8, "resolved", version=2))
    assert desks.stage.repeats == 3
    assert [alert.version for alert in desks.alerts] == [1, 2, 3]
    # Of something that was never heard of the end is no news either.
    assert desks.day(9, candidate("a", 9, "resolved", version=4, kind="left")) == []


def test_an_update_of_what_was_never_heard_of_begins_it() -> None:
    assert Desks().day(7, candidate("a", 7, "updated", version=2)) == ["a sudden_drop open"]


def test_what_begins_and_changes_at_one_instant_is_told_once() -> None:
    desks = Desks()
    told = desks.day(7, candidate("a", 7), candidate("a", 7, "updated", version=2, severity="critical"))
    assert told == ["a sudden_drop open"]
    assert desks.alerts[0].severity == "critical"
    told = desks.day(8, candidate("b", 8), candidate("b", 8, "resolved", version=2))
    assert told == []


def test_tenants_are_apart() -> None:
    desks = Desks(TriagePolicy(budget_per_day=1))
    told = desks.day(7, candidate("a", 7), candidate("a", 7, tenant="u"))
    assert told == ["a sudden_drop open", "a sudden_drop open"]
