"""A whole fleet that does less: said once, single drops held back until the dip lies behind them."""

from __future__ import annotations

import pytest

from ebbtide.models.triage.fleet import FleetWatch
from ebbtide.models.triage.stage import Waiting
from ebbtide.schemas.profile_state import Tick
from support.raw import at
from support.triage import Desks, activity, candidate, passed

USUAL = {"eu": 60, "us": 40}


class Fleet(Desks):
    """Days of a fleet: each has its usual activity unless it is said otherwise."""

    def until(self, day: int, *, since: int = 1) -> list[str]:
        """Usual days up to one."""
        told: list[str] = []
        for number in range(since, day + 1):
            told += self.add(activity(number, USUAL), passed(number))
        return told


def test_a_dip_is_said_once_and_single_drops_wait_until_it_lies_behind_them() -> None:
    fleet = Fleet()
    assert fleet.until(40) == []
    # Day 40 is the first with less; it is over at instant 41.
    assert fleet.add(activity(41, {"eu": 20, "us": 15}), candidate("a", 41), passed(41)) == [
        "- fleet_drop open",
        "a sudden_drop open (fleet_drop)",
    ]
    said = fleet.alerts[0]
    assert (said.kind, said.customer_id, said.route, said.owner) == ("ops", None, "ops", None)
    assert said.evidence == {"day": "2025-02-15", "percent": 35, "events": 35, "usual": 100.0}
    assert fleet.add(
        activity(42, {"eu": 20, "us": 15}), candidate("b", 42), candidate("w", 42, kind="surge"), passed(42)
    ) == [
        "b sudden_drop open (fleet_drop)",
        "w surge open",
    ]
    assert fleet.add(activity(43, USUAL), passed(43)) == ["- fleet_drop resolved up_again"]
    assert fleet.alerts[-1].reasons_en == [
        "the whole fleet is back to its usual activity, after 2 days from 2025-02-15 on"
    ]
    # What ends meanwhile nobody hears of. For a week a drop waits that rests on other days; a silence looks back.
    assert fleet.add(
        activity(44, USUAL),
        candidate("b", 44, "resolved", version=2),
        candidate("c", 44),
        candidate("d", 44, evidence={"window_days": 3}),
        candidate("e", 44, kind="asleep", evidence={"silence_days": 2}),
        passed(44),
    ) == [
        "b sudden_drop resolved (fleet_drop) recovered",
        "c sudden_drop open (fleet_drop)",
        "d sudden_drop open (fleet_drop)",
        "e asleep open (fleet_drop)",
    ]
    assert fleet.until(48, since=45) == []
    # The last down day is 41: a week later it lies behind, and after two what it opened itself.
    assert fleet.add(activity(49, USUAL), passed(49)) == ["c sudden_drop open", "e asleep open"]
    assert fleet.until(55, since=50) == []
    assert fleet.add(activity(56, USUAL), passed(56)) == ["a sudden_drop open", "d sudden_drop open"]


@pytest.mark.parametrize(("kind", "width"), [("sudden_drop", "window_days"), ("key_person_lost", "silence_days")])
def test_what_left_the_dip_out_waits_for_a_week_only(kind: str, width: str) -> None:
    fleet = Fleet()
    fleet.until(40)
    fleet.add(activity(41, {"eu": 20, "us": 15}), passed(41))
    fleet.add(activity(42, {"eu": 20, "us": 15}), passed(42))
    told: dict[str, dict[str, object]] = {
        "all": {width: 5, "fleet_down_days": 2},
        "one": {width: 5, "fleet_down_days": 1},
        "none": {width: 5},
    }
    found = [candidate(name, 45, kind=kind, evidence=evidence) for name, evidence in told.items()]
    assert fleet.add(*(activity(day, USUAL) for day in (43, 44, 45)), *found, passed(45)) == [
        "- fleet_drop resolved up_again",
        f"all {kind} open (fleet_drop)",
        f"none {kind} open (fleet_drop)",
        f"one {kind} open (fleet_drop)",
    ]
    assert fleet.until(48, since=46) == []
    assert fleet.add(activity(49, USUAL), passed(49)) == [f"all {kind} open"]


def test_who_is_said_to_have_left_is_told_whatever_the_fleet_does() -> None:
    fleet = Fleet()
    fleet.until(40)
    lost = candidate("a", 41, kind="key_person_lost", evidence={"silence_days": 3, "told": True})
    assert fleet.add(activity(41, {"eu": 20, "us": 15}), lost, passed(41)) == [
        "- fleet_drop open",
        "a key_person_lost open",
    ]


def test_a_drop_that_looks_back_further_waits_longer() -> None:
    fleet = Fleet()
    fleet.until(40)
    wide = candidate("a", 41)
    wide = wide.model_copy(update={"alert": wide.alert.model_copy(update={"evidence": {"window_days": 14}})})
    fleet.add(activity(41, {"eu": 20, "us": 15}), wide, passed(41))
    told = {day: fleet.until(day, since=day) for day in range(42, 56)}
    assert {day: said for day, said in told.items() if said} == {
        42: ["- fleet_drop resolved up_again"],
        55: ["a sudden_drop open"],
    }


def test_a_blind_source_is_no_dip_of_the_others() -> None:
    fleet = Fleet()
    fleet.until(40)
    assert fleet.add(activity(41, {"us": 40}, blind=("eu",)), candidate("a", 41), passed(41)) == ["a sudden_drop open"]
    assert fleet.add(activity(42, {"us": 10}, blind=("eu",)), passed(42)) == ["- fleet_drop open"]


def test_a_source_that_stops_without_a_word_is_one() -> None:
    fleet = Fleet()
    fleet.until(40)
    assert fleet.add(activity(41, {"us": 40}), passed(41)) == ["- fleet_drop open"]


def test_days_of_rest_say_nothing() -> None:
    """At weekends hardly anybody works: half of hardly anybody is no dip, and no end of one."""
    fleet = Fleet()
    for day in range(1, 61):
        rest = (day - 1) % 7 >= 5
        usual = {"eu": 21 if rest else 300}
        assert fleet.add(activity(day, {"eu": 8} if day == 55 else usual), passed(day)) == []
    assert fleet.add(activity(61, {"eu": 100}), passed(61)) == ["- fleet_drop open"]
    assert fleet.add(activity(62, {"eu": 21}), passed(62)) == []
    assert fleet.add(activity(63, {"eu": 21}), passed(63)) == []
    assert fleet.add(activity(64, {"eu": 300}), passed(64)) == ["- fleet_drop resolved up_again"]


def test_partitions_add_up_and_a_repeat_counts_once() -> None:
    fleet = Fleet()
    fleet.until(40)
    half = activity(41, {"eu": 30, "us": 20})
    other = activity(41, {"eu": 30, "us": 20}, partition="customers/1")
    assert fleet.add(half, half, other, passed(41)) == []
    assert fleet.stage.repeats == 1
    assert fleet.add(half) == []
    assert fleet.stage.repeats == 2


@pytest.mark.parametrize("day", [41, 42, 43, 45, 48])
def test_a_restart_changes_nothing(day: int) -> None:
    straight, cut = Fleet(), Fleet()
    log: list[Waiting | Tick] = [
        activity(41, {"eu": 20, "us": 15}, blind=("ads",)),
        candidate("a", 41),
        *passed(41),
    ]
    for number in range(42, 58):
        log += [activity(number, USUAL), *passed(number)]
    for fleet in (straight, cut):
        fleet.until(40)
        for record in log:
            fleet.add(record)
            if fleet is cut and isinstance(record, Tick) and record.watermark == at(day):
                fleet.restart()
    assert [alert.to_json() for alert in cut.alerts] == [alert.to_json() for alert in straight.alerts]
    assert len(straight.alerts) == 4


def test_old_days_are_forgotten() -> None:
    fleet = Fleet()
    fleet.until(200)
    watch = fleet.stage.tenants["t"].fleet
    assert len(watch.stored()) < 1_500
    again = FleetWatch("t", fleet.policy.fleet_guard, watch.stored())
    assert again.stored() == watch.stored()
