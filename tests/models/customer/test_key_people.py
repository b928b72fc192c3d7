"""Key people of an account: who is one, and which of them is gone. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from ebbtide.models.churn.grid import MONDAY
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.key_people import KeyPeople
from ebbtide.models.customer.view import View, fold
from ebbtide.models.policy import CadencePolicy, CorePolicy, KeyPersonPolicy, ObservationPolicy
from ebbtide.schemas.alert import Alert
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Trait
from support.raw import alerts_of, at, fact, in_account, iso, run, track

NOON = 43_200
JOIN = in_account("g1")
WORKDAYS = [day for day in range(84) if day % 7 < 5]


def active(user: str, days: list[int], count: int = 4) -> list[dict[str, Any]]:
    """So many events of a user on each day."""
    return [
        track("view", at(day, NOON + n), f"{user}-{day}-{n}", user=user, **JOIN) for day in days for n in range(count)
    ]


def role(user: str, name: str, day: float = 0) -> dict[str, Any]:
    return fact("contact.upserted", at(day), f"role-{user}-{day}", {"user_id": user, "group_id": "g1"}, role=name)


def left(user: str, day: float, **data: Any) -> dict[str, Any]:
    return fact("contact.left", at(day), f"left-{user}-{day}", {"user_id": user, "group_id": "g1"}, **data)


def when(row: dict[str, Any]) -> str:
    """When a record occurred."""
    return str(row.get("timestamp") or row["occurred_at"])


def lost(body: list[dict[str, Any]], until: float, policy: CorePolicy | None = None) -> list[Alert]:
    ordered = sorted((row for row in body if when(row) < iso(at(until))), key=when)
    return [alert for alert in alerts_of(run(ordered, at(until), policy)) if alert.type == "key_person_lost"]


def told(
    body: list[dict[str, Any]], until: float, policy: CorePolicy | None = None
) -> list[tuple[str, float, str | None]]:
    """State, day and reason."""
    return [
        (alert.state.value, (alert.occurred_at - at(0)).days, alert.resolved_reason)
        for alert in lost(body, until, policy)
    ]


def before(day: int) -> list[int]:
    return [one for one in WORKDAYS if one < day]


TEAM = [*active("ben", WORKDAYS), *active("cho", WORKDAYS), *active("dee", WORKDAYS)]
"""Three who go on. Ada comes every workday up to Friday, day 46."""

ADA = active("ada", before(49))


def test_the_dominant_user_is_silent_for_three_whole_workdays() -> None:
    body = [*active("ada", before(49), count=12), *TEAM]
    alert = lost(body, 60)[0]
    # Not on Monday to Wednesday, days 49 to 51: told at the instant after them.
    assert (alert.occurred_at, alert.severity.value, alert.state.value) == (at(52), "warning", "open")
    assert alert.evidence == {
        "person": "ada",
        "share": 0.5,
        "cadence_days": 1.4,
        "silence_days": 5,
        "last_active_on": "2025-02-21",
        "told": False,
    }
    assert alert.person_id is not None
    assert alert.play == "mail_new_contact"


def test_who_does_less_than_30_percent_is_key_by_the_role_alone() -> None:
    body = [*ADA, *TEAM]
    assert told(body, 60) == []
    assert told([role("ada", "key_person"), *body], 60) == [("open", 52, None)]
    assert told([role("ada", "admin"), *body], 60) == []


def test_a_share_of_too_little_is_none() -> None:
    quiet = [*active("ada", [0, 7, 14, 21, 28], count=3), *active("ben", list(range(0, 84, 7)), count=1)]
    assert told(quiet, 84) == []


def test_the_loss_ends_when_the_person_is_back_or_after_four_weeks() -> None:
    body = [role("ada", "key_person"), *ADA, *TEAM]
    assert told([*body, *active("ada", [58])], 61) == [("open", 52, None), ("resolved", 59, "returned")]
    # Once is enough: the same silence is not told again.
    assert told(body, 83) == [("open", 52, None), ("resolved", 80, "expired")]
    short = CorePolicy(key_person=KeyPersonPolicy(open_days=7))
    assert told(body, 83, short) == [("open", 52, None), ("resolved", 59, "expired")]


def test_somebody_else_takes_the_place() -> None:
    body = [role("ada", "key_person"), role("ben", "end_user"), *ADA, *TEAM]
    assert told([*body, role("ben", "key_person", 55.5)], 70) == [("open", 52, None), ("resolved", 56, "stood_in")]
    assert told([*body, role("ben", "key_person", 50.5)], 70) == []
    # One who was there before stands in for nobody.
    assert told([*body, role("ben", "key_person", 20.5)], 60) == [("open", 52, None)]


def test_an_account_that_is_quiet_lost_nobody() -> None:
    # The others do nothing either: a holiday, or the end. That is told otherwise.
    team = [row for user in ("ben", "cho", "dee") for row in active(user, before(49))]
    assert told([role("ada", "key_person"), *ADA, *team], 60) == []
    # From Monday, day 56, on they are back, and she is not.
    late = [row for user in ("ben", "cho", "dee") for row in active(user, [d for d in WORKDAYS if d >= 56])]
    assert [row[0] for row in told([role("ada", "key_person"), *ADA, *team, *late], 70)] == ["open"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([role("ada", "key_person"), left("ada", 46.9)], [("open", 47, None)]),
        ([left("ada", 46.9, role="key_person")], [("open", 47, None)]),
        ([left("ada", 46.9, role="end_user")], []),
        (
            # She was there after that.
            [role("ada", "key_person"), left("ada", 30.9)],
            [("open", 31, None), ("resolved", 32, "returned"), ("open", 52, None)],
        ),
        ([left("nobody", 46.9, role="key_person")], []),
    ],
)
def test_the_crm_says_who_left(body: list[dict[str, Any]], expected: list[tuple[str, float, str | None]]) -> None:
    assert told([*body, *ADA, *TEAM], 60) == expected


def test_the_dominant_user_who_left_is_lost_without_a_role() -> None:
    alert = lost([left("ada", 46.9), *active("ada", before(49), count=12), *TEAM], 48)[0]
    assert (alert.occurred_at, alert.severity.value, alert.evidence["told"]) == (at(47), "critical", True)


def test_a_person_alone_is_no_key_person() -> None:
    assert told(active("ada", before(49), count=12), 60) == []


def test_the_cadence_of_a_person_that_comes_on_some_days() -> None:
    # Monday, Tuesday and Wednesday of each week: gaps of 1, 1 and 3 workdays, whose mean is 5/3. Six whole days are
    # twice the three that she stays within; the first is Thursday, day 45, the last Thursday, day 52.
    some = [day for day in WORKDAYS if day % 7 < 3 and day < 49]
    body = [role("ada", "key_person"), *active("ada", some), *TEAM]
    assert told(body, 70) == [("open", 53, None)]


def test_the_same_in_any_order_within_the_bound() -> None:
    body = sorted((row for row in [role("ada", "key_person"), *ADA, *TEAM] if when(row) < iso(at(60))), key=when)
    swapped = [row for pair in zip(body[1::2], body[::2], strict=False) for row in pair] + body[len(body) // 2 * 2 :]
    found = [a for a in alerts_of(run(swapped, at(60))) if a.type == "key_person_lost"]
    assert [(a.alert_id, a.evidence) for a in found] == [(a.alert_id, a.evidence) for a in lost(body, 60)]


def state(user: int, days: Iterable[int], version: int, *, full: bool = False, role: str | None = None) -> ProfileState:
    """What a profile of an account tells of some days; ``full``: it tells nothing else any more."""
    active = {day: [5, 0, 0, 0, 0, 1, 1, -1, -1] for day in days}
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=Identifier(IdentifierType.GROUP_ID, "g1"),
        profile_id=f"p{user}",
        subject=Identifier(IdentifierType.USER_ID, f"u{user}"),
        version=version,
        full=full,
        days=active,
        totals=[5_000, 0, 0, 0, 0, 0],
        traits={} if role is None else {"role": [Trait(role, min(active) * DAY_MS, 0, "crm")]},
        arrived_ms=0,
    )


def test_what_is_kept_is_what_is_found_anew() -> None:
    assert sum(map(days_with_a_loss, range(60))) > 200


def days_with_a_loss(seed: int) -> int:
    """People come by rhythms that change, stay away for weeks, and come back; some of it is known before its instant or
    told late, several days at once."""
    rng = Random(seed)
    policy = CorePolicy(cadence=CadencePolicy(min_gaps=2, max_gaps=5), observation=ObservationPolicy(every_days=28))
    people = KeyPeople(policy)
    customer = Customer("c", "t", "group_id", "g1")
    view, away, rhythms = View(customer), [0] * 4, [1] * 4
    for user in range(len(away)):
        # How many there are counts at once, from whatever day it is.
        fold(customer, view, state(user, [19_990], 0, full=True))
    version = losses = 0
    for day in range(20_000, 20_120):
        for user in range(len(away)):
            if rng.random() < 0.05:
                rhythms[user], away[user] = rng.choice((1, 1, 2, 5)), rng.choice((0, 0, 8, 30))
            away[user] -= 1
            days = []
            if away[user] < 0 and rng.randrange(rhythms[user]) == 0:
                days = [day - rng.choice((1, 0, -1, -2, -3, 6))]
            elif rng.random() < 0.02:
                days = [day - late for late in range(rng.randint(2, 5), 8)]
            if days:
                version += 1
                named = rng.choice(("key_person", "end_user")) if rng.random() < 0.02 else None
                fold(customer, view, state(user, days, version, full=rng.random() < 0.005, role=named))
        new = View(customer)
        found = people.gone(customer, view, day)
        assert found == people.gone(customer, new, day)
        assert people.next_due(customer, view, day) == people.next_due(customer, new, day)
        losses += found is not None
    return losses


def test_who_is_known_to_come_by_another_rhythm_from_then_on_is_missed_by_that() -> None:
    policy = CorePolicy(cadence=CadencePolicy(min_gaps=2, max_gaps=5), observation=ObservationPolicy(every_days=28))
    people = KeyPeople(policy)
    customer = Customer("c", "t", "group_id", "g1")
    view, day = View(customer), MONDAY + 28 * 10
    # Every ten days up to six days before the instant, and from it on every day for six days.
    fold(customer, view, state(0, [*range(day - 76, day, 10), *range(day, day + 6)], 1, role="key_person"))
    for user in range(1, 5):
        fold(customer, view, state(user, range(day - 80, day + 40), 1))
    missed = [at - day for at in range(day, day + 20) if people.gone(customer, view, at) is not None]
    assert missed == list(range(9, 20))
