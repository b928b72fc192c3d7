"""Days on which the whole fleet was down, or a source was blind, say nothing of a customer: neither then nor later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ebbtide.schemas.alert import Alert, AlertState
from ebbtide.schemas.fleet import FleetStats
from support.blind import beats
from support.raw import alerts_of, at, fact, in_account, run, track

DAYS = 105
HOLIDAY = range(63, 68)
"""Monday to Friday of the tenth week."""

Level = Callable[[int], float]


def usual(_day: int) -> float:
    return 1.0


def until(last: int, after: float = 0.0) -> Level:
    return lambda day: 1.0 if day < last else after


def works(
    account: str, level: Level = usual, days: Iterable[int] = range(DAYS), size: int = 4, source: str = "web"
) -> list[dict[str, Any]]:
    """People of whom a share comes on workdays, three actions each; in the holiday one of four comes."""
    rows = []
    for day in days:
        share = min(level(day), 0.25 if day in HOLIDAY else 1.0) if day % 7 < 5 else 0.0
        for person in range(round(size * share)):
            for n in range(3):
                name, when = f"{account}-{person}", at(day, 40_000 + 10 * person + n)
                row = track("view", when, f"{name}-{day}-{n}", user=name)
                rows.append(row | {"context": {"groupId": account, "source": source}})
    return rows


def calm(number: int = 5) -> list[dict[str, Any]]:
    return [row for n in range(number) for row in works(f"calm-{n}")]


def when(row: dict[str, Any]) -> str:
    return str(row.get("timestamp") or row["occurred_at"])


def told(body: list[dict[str, Any]], account: str, kind: str = "sudden_drop") -> list[Alert]:
    """Alerts of an account, held back ones too."""
    named = fact("account.upserted", at(0), f"f-{account}", {"group_id": account}, name=account)
    outputs = run([named, *sorted(body, key=when)], at(DAYS))
    return [alert for alert in alerts_of(outputs) if alert.type == kind and alert.customer_name == account]


def rows(alerts: list[Alert]) -> list[tuple[int, str, str | None]]:
    """Day, state, and why it is held back or over."""
    return [
        (
            (alert.occurred_at - at(0)).days,
            alert.state.value,
            alert.resolved_reason or (alert.suppressed.reason.value if alert.suppressed else None),
        )
        for alert in alerts
    ]


def test_the_fleet_tells_its_down_days_a_week_later() -> None:
    outputs = run(sorted(calm(), key=when), at(80))
    told_on = {
        (record.as_of - at(0)).days: [(day - at(0)).days for day in record.down_days]
        for record in (output.record for output in outputs)
        if isinstance(record, FleetStats)
    }
    # A weekend is as the day before it.
    assert [told_on[day] for day in (63, 70, 77)] == [[], list(range(63, 70)), list(range(63, 70))]


def test_a_holiday_is_no_drop_and_what_it_opened_is_over_once_that_is_known() -> None:
    assert rows(told([*calm(), *works("acme")], "acme")) == [
        (66, "open", "fleet_drop"),
        (71, "resolved", "fleet_down"),
    ]


def test_a_decline_right_after_a_holiday_is_told_by_its_own_days() -> None:
    opened, resolved, *after = told([*calm(), *works("acme", until(72, 0.25))], "acme")
    assert rows([opened, resolved]) == [(66, "open", "fleet_drop"), (71, "resolved", "fleet_down")]
    # Until a week after the last day of the holiday it waits.
    assert rows(after[:2]) == [(75, "open", "fleet_drop"), (77, "open", None)]
    assert (after[0].evidence["window_days"], after[0].evidence["people_days"]) == (3, 3)
    assert "fleet_down_days" not in after[0].evidence


def test_a_decline_that_began_before_a_holiday_is_told_across_it() -> None:
    """One of four comes from Friday, day 60, on: that day and the two after the holiday are sure together."""
    found = told([*calm(), *works("acme", until(60, 0.25))], "acme")
    across = [alert for alert in found if alert.evidence.get("fleet_down_days")]
    assert rows(across[:2]) == [(72, "open", "fleet_drop"), (77, "open", None)]
    evidence = across[0].evidence
    assert (evidence["window_days"], evidence["fleet_down_days"], evidence["people_days"]) == (12, 7, 3)
    assert evidence["usual_people_days"] == pytest.approx(12, rel=0.05)


def test_a_drop_that_was_told_before_a_holiday_goes_on() -> None:
    found = told([*calm(), *works("acme", until(56, 0.25))], "acme")
    assert rows(found)[0] == (59, "open", None)
    assert all(alert.resolved_reason != "fleet_down" for alert in found)


def test_a_holiday_teaches_no_habit() -> None:
    """Its five days are a third of a week: with and without them the same is usual."""
    left, right = (
        told([*calm(), *works("acme", until(85, 0.25), days=days)], "acme")[-1]
        for days in (range(DAYS), [day for day in range(DAYS) if day not in HOLIDAY])
    )
    assert left.evidence["usual_people_days"] == right.evidence["usual_people_days"]
    assert left.evidence["usual_people_days"] == pytest.approx(4 * left.evidence["window_days"], rel=0.01)


def test_a_key_person_is_not_missed_in_a_holiday() -> None:
    """Ada carries the account. She is away in the holiday, as most are; from Thursday after it on for good."""

    def ada(days: Iterable[int]) -> list[dict[str, Any]]:
        return [
            track("view", at(day, 50_000 + n), f"ada-{day}-{n}", user="ada") | in_account("acme")
            for day in days
            if day % 7 < 5 and day not in HOLIDAY
            for n in range(12)
        ]

    others = works("acme", size=6)
    stays = told([*calm(), *others, *ada(range(DAYS))], "acme", "key_person_lost")
    assert [alert for alert in stays if alert.suppressed is None] == []
    lost = told([*calm(), *others, *ada(range(73))], "acme", "key_person_lost")
    (first, *_) = [alert for alert in lost if alert.suppressed is None]
    # Her own rhythm has the one long gap.
    assert (rows([first]), first.evidence["silence_days"]) == ([(79, "open", None)], 6)
    # Or from the holiday on: it is over for the fleet, and she is not back.
    lost = told([*calm(), *others, *ada(range(63))], "acme", "key_person_lost")
    assert rows(lost)[:2] == [(66, "open", "fleet_drop"), (71, "resolved", "fleet_down")]
    assert rows(lost)[2:4] == [(73, "open", "fleet_drop"), (77, "open", None)]
    assert (lost[2].evidence["silence_days"], lost[2].evidence["fleet_down_days"]) == (12, 7)


def test_blind_days_weigh_nothing_in_a_drop() -> None:
    """Nothing is heard of the account's source from Wednesday to Friday; one of four comes from the Tuesday on."""
    heard = [day for day in range(DAYS) if day not in range(79, 82)]
    others = [row for n in range(5) for row in works(f"calm-{n}", source="app")]
    acme = works("acme", until(78, 0.25), days=heard)
    found = told([*others, *acme, *beats(heard)], "acme")
    opened = [alert for alert in found if alert.state is AlertState.OPEN and alert.suppressed is None]
    assert rows(opened) == [(86, "open", None)]
    evidence = opened[0].evidence
    assert (evidence["window_days"], evidence["blind_days"], evidence["people_days"]) == (8, 3, 3)
    assert evidence["usual_people_days"] == pytest.approx(12, rel=0.05)
