"""The evidence of an alert on behaviour recomputes from the event log, by counting its rows and nothing else.

Accounts of a few people who come on days of their own, now and then by chance; some of the accounts fall silent, do
less, do more or come back, and some of the people stay away.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random
from statistics import median
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.schemas.alert import Alert, AlertState, AlertType
from support.raw import MONDAY, at, fact, in_account, iso, run, track

DAYS = 126
CHANGES = 84

USUAL, LESS, MORE, SILENT, BACK = range(5)


class Row(NamedTuple):
    """One event: what was done on a day by a person of an account, and when."""

    day: int
    account: str
    person: str
    name: str
    when: datetime


def book(seed: int) -> list[Row]:
    """The rows of four accounts over eighteen weeks; each changes once."""
    rng = Random(seed)
    rows: list[Row] = []
    for number in range(4):
        account, change = f"acme-{number}", rng.choice([LESS, MORE, SILENT, BACK])
        changes = CHANGES + rng.randrange(14)
        back = changes + rng.randint(8, 24)
        for who in range(rng.randint(1, 4)):
            person, chance = f"{account}-u{who}", rng.choice([1.0, 0.9, 0.6])
            leaves = changes if who == 0 and rng.random() < 0.3 else DAYS
            each = rng.randint(1, 4)
            for day in range(DAYS):
                level = 1.0
                if day >= changes:
                    level = {LESS: 0.3, MORE: 4.0, SILENT: 0.0, BACK: 0.0 if day < back else 1.0}[change]
                if day % 7 >= 5 or day >= leaves or rng.random() >= chance * min(level, 1.0):
                    continue
                for n in range(max(1, round(each * level))):
                    name = "login" if n == 0 else "view"
                    rows.append(Row(day, account, person, name, at(day, rng.randrange(86_400))))
    return sorted(rows, key=lambda row: row.when)


def bodies(rows: list[Row]) -> list[dict[str, Any]]:
    return [
        track(row.name, row.when, f"m{number}", user=row.person, **in_account(row.account))
        for number, row in enumerate(rows)
    ]


def day_of(alert: Alert) -> int:
    """Of the grid instant, or the day, on which it was decided."""
    return (alert.occurred_at - MONDAY) // timedelta(days=1)


def window(mine: list[Row], day: int, width: int) -> list[Row]:
    return [row for row in mine if day - width <= row.day < day]


def person_days(rows: list[Row]) -> int:
    return len({(row.day, row.person) for row in rows})


def down_days(rows: list[Row]) -> list[int]:
    """Days on which all together did less than 70 % of the median of the weekday in eight weeks, and those after them
    up to one of 80 %. Of a day of rest nothing is said: it is as the day before."""
    done, first, down = Counter(row.day for row in rows), rows[0].day, list[int]()
    for day in range(first, DAYS):
        past = {
            at: [done[before] for before in range(at - 7, max(at - 57, first - 1), -7)]
            for at in range(day - 6, day + 1)
        }
        usual = {at: median(weeks) if len(weeks) >= 3 else 0 for at, weeks in past.items()}
        was_down = bool(down) and down[-1] == day - 1
        if usual[day] >= max(20, max(usual.values()) / 2):
            was_down = done[day] < (0.8 if was_down else 0.7) * usual[day]
        if was_down:
            down.append(day)
    return down


def usually(mine: list[Row], day: int, left_out: set[int]) -> float:
    """People usually active on a day: the mean of the weekday in eight weeks, and of its kind of days for two more.

    The newest two weeks teach nothing, as far as there are four older ones.
    """
    weekday, monday = day % 7, day - day % 7
    spare = (monday - mine[0].day) // 7 - 4
    monday -= 7 * min(2, spare)
    weeks = min(8, spare + 4 - min(2, spare))
    seen = [at for at in range(monday - 7 * weeks, monday) if at not in left_out]
    past = [row for row in mine if row.day in seen]
    kind = range(5) if weekday < 5 else range(5, 7)
    of_kind = person_days([row for row in past if row.day % 7 in kind]) / sum(at % 7 in kind for at in seen)
    of_weekday = person_days([row for row in past if row.day % 7 == weekday])
    return (of_weekday + 2 * of_kind) / (sum(at % 7 == weekday for at in seen) + 2)


def check_drop(alert: Alert, mine: list[Row], down: list[int]) -> None:
    """What was done and who came in the window, and who usually does, but for days on which all did less.

    These are known from the second day of the week after them on.
    """
    found, day = alert.evidence, day_of(alert)
    width = int(found["window_days"])
    left_out = {at for at in down if at < (day - 1) // 7 * 7}
    told = [row for row in window(mine, day, width) if row.day not in left_out]
    assert found.get("fleet_down_days", 0) == len(left_out & set(range(day - width, day)))
    assert (found["value"], found["people_days"]) == (len(told), person_days(told))
    days = [at for at in range(day - width, day) if at not in left_out]
    usual = sum(max(usually(mine, before, left_out), 0.02) for before in days)
    assert found["usual_people_days"] == pytest.approx(usual, abs=0.01)
    assert found["ratio"] == pytest.approx(len(told) / found["baseline"], abs=1e-3)
    assert found["ratio"] < 0.5


def check_surge(alert: Alert, mine: list[Row], _down: list[int]) -> None:
    found, day = alert.evidence, day_of(alert)
    width = int(found["window_days"])
    assert found["value"] == len(window(mine, day, width))
    assert found["value"] > 2 * found["baseline"]


def check_silence(alert: Alert, mine: list[Row], _down: list[int]) -> None:
    found, day = alert.evidence, day_of(alert)
    last = max(row.when for row in mine if row.day < day)
    assert found["last_active_at"] == iso(last)
    assert found["silence_days"] == day - (last - MONDAY) // timedelta(days=1)


def check_return(alert: Alert, mine: list[Row], _down: list[int]) -> None:
    found, day = alert.evidence, day_of(alert)
    login = min(row.when for row in mine if row.day == day and row.name == "login")
    assert found["returned_at"] == iso(login)
    assert found["silence_days"] >= 3


def check_loss(alert: Alert, mine: list[Row], _down: list[int]) -> None:
    found, day = alert.evidence, day_of(alert)
    own = [row for row in mine if row.person == found["person"] and row.day < day]
    last = own[-1].day
    assert found["last_active_on"] == str(date(2025, 1, 6) + timedelta(days=last))
    assert found["silence_days"] == day - last - 1
    weeks = window(mine, last + 1, 28)
    # Who is key is decided at a Monday up to a week before.
    assert found["share"] == pytest.approx(Counter(row.person for row in weeks)[found["person"]] / len(weeks), abs=0.2)


CHECKS = {
    AlertType.SUDDEN_DROP: check_drop,
    AlertType.SURGE: check_surge,
    AlertType.ASLEEP: check_silence,
    AlertType.LEFT: check_silence,
    AlertType.WARM_RETURN: check_return,
    AlertType.KEY_PERSON_LOST: check_loss,
}


def check(seed: int) -> Counter[str]:
    """Recompute the evidence of everything that opened; how many of each type."""
    rows = book(seed)
    down = down_days(rows)
    by_account = {name: [row for row in rows if row.account == name] for name in sorted({row.account for row in rows})}
    named = [fact("account.upserted", at(0), name, {"group_id": name}, name=name) for name in by_account]
    seen: Counter[str] = Counter()
    told: set[str] = set()
    for output in run([*named, *bodies(rows)], at(DAYS)):
        alert = output.record
        # What is held back at first is told later of the same window.
        if isinstance(alert, Alert) and alert.alert_id not in told and alert.type in CHECKS:
            told.add(alert.alert_id)
            assert alert.state is AlertState.OPEN
            CHECKS[alert.type](alert, by_account[alert.customer_name or ""], down)
            seen[alert.type.value] += 1
            seen["left out"] += "fleet_down_days" in alert.evidence
    return seen


@given(st.integers(0, 1 << 30))
def test_evidence_recomputes_from_the_log(seed: int) -> None:
    check(seed)


def test_every_type_is_seen() -> None:
    seen = sum((check(seed) for seed in range(12)), Counter[str]())
    assert {name for name, times in seen.items() if times} == {*(kind.value for kind in CHECKS), "left out"}
