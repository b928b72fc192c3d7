"""What is forgotten of long lives changes nothing that is told. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.view import View
from ebbtide.models.outputs import Tombstone
from support.raw import DAY_0, at, in_account, track
from support.standings import Told, in_time

DAYS = 440
JOIN = in_account("acme")


def used(user: str, days: range, name: str = "query", hour: int = 12) -> list[dict[str, Any]]:
    return [track(name, at(day, 3_600 * hour), f"{user}-{name}-{day}", user=user, **JOIN) for day in days]


def long_life() -> list[dict[str, Any]]:
    """An account of two people for more than a year; the second only logs in, and stops on day 150.

    A third is a browser until day 430, when somebody signs in with it: its whole past counts for the account then.
    """
    bodies = used("ann", range(DAYS)) + used("bob", range(150), "login", 18)
    browser = {"type": "track", "event": "query", "anonymousId": "b-1"}
    for day in range(0, 300, 2):
        bodies.append({**track("query", at(day, 60), f"b-{day}"), **browser, **JOIN, "userId": None})
    signed_in = {"type": "identify", "anonymousId": "b-1", "userId": "cy", "messageId": "in", "traits": {}}
    return [*bodies, {**signed_in, "timestamp": at(430).isoformat()}, *used("cy", range(431, DAYS))]


LATE = [
    track("query", at(3, 100), "late-1", user="ann", **JOIN),
    track("login", at(10, 86_000), "late-2", user="ann", **JOIN),
    track("view", at(2, 5), "late-3", user="bob", **JOIN),
]
"""Heard when their days are long forgotten."""


def everything(found: Told) -> list[Any]:
    told = (output.record for output in found.outputs)
    records = [json.loads(record.to_json()) for record in told if not isinstance(record, Tombstone)]
    return [*records, found.fields("acme")]


@pytest.fixture(scope="module")
def kept() -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(View, "compact", lambda *_: None)
        found = Told(long_life(), DAYS)
    assert not any(share.old_days for share in found.customer("acme").shares.values())
    return everything(found)


@pytest.fixture(scope="module")
def life() -> Told:
    return Told(long_life(), DAYS)


def test_what_is_told_of_a_long_life_does_not_depend_on_what_is_forgotten(life: Told, kept: list[Any]) -> None:
    shares = life.customer("acme").shares.values()
    assert max(len(share.old_days) for share in shares) > 50
    assert len(life.customer("acme").old_days) > 200
    assert everything(life) == kept


def test_totals_and_last_times_reach_back_to_the_first_day(life: Told) -> None:
    fields = life.fields("acme")
    assert fields["total_event_count"] == DAYS + 150 + 150 + 9
    assert fields["total_login_count"] == 150
    assert fields["last_login_at"] == "2025-06-04T18:00:00Z"  # day 149
    view = life.pipeline.customers.view(life.customer("acme"))
    assert view.series.first_day() == DAY_0
    assert view.series.days == list(range(DAY_0, DAY_0 + DAYS))


def test_what_is_stored_of_it_says_the_same(life: Told) -> None:
    customer = life.customer("acme")
    again = decode(encode(customer))
    view, anew = life.pipeline.customers.view(customer), View(again)
    assert anew.series.days == view.series.days
    for field in range(5):
        assert anew.series.total(field, DAY_0 + DAYS) == view.series.total(field, DAY_0 + DAYS)
    assert (again.old_days, again.old_core) == (customer.old_days, customer.old_core)


def test_late_news_of_forgotten_days_is_counted() -> None:
    found = Told([*in_time(long_life()), *LATE], DAYS, ordered=False)
    plain = Told(long_life(), DAYS)
    late, before = found.fields("acme"), plain.fields("acme")
    more = {"total_event_count": 3, "total_query_count": 1, "total_login_count": 1}
    assert {name: late[name] - before[name] for name in more} == more
    assert late["last_login_at"] == before["last_login_at"]
    # The widest windows do not reach so far back.
    assert all(late[name] == before[name] for name in late if name not in more)


def test_who_goes_away_takes_what_is_forgotten_with_it() -> None:
    """A browser of a long past belongs to whoever signs in with it."""
    browser = [{**track("query", at(day, 60), f"b-{day}"), "anonymousId": "b-1", "userId": None} for day in range(300)]
    signed_in = {"type": "identify", "anonymousId": "b-1", "userId": "cy", "messageId": "in", "traits": {}}
    found = Told([*browser, {**signed_in, "timestamp": at(300).isoformat()}, *used_alone("cy", range(301, 310))], 310)
    assert found.fields("cy")["total_query_count"] == 309
    assert found.fields("cy")["retention_phase"] == "stable"


def used_alone(user: str, days: range) -> list[dict[str, Any]]:
    return [track("query", at(day, 43_200), f"{user}-{day}", user=user) for day in days]


@pytest.mark.parametrize("user", ["ann", "zoe"])
@pytest.mark.parametrize("day", [2, 120], ids=["whose it was is forgotten", "its numbers are forgotten"])
def test_late_news_of_a_forgotten_day_is_counted_the_same_after_a_restart(user: str, day: int) -> None:
    """Ann was active that day; of Zoe nobody ever heard, but of others on that day."""
    late = track("login", at(day, 50), "late", user=user, **JOIN)
    found = Told([*in_time(long_life()), late], DAYS, ordered=False)
    fields = found.fields("acme")
    assert fields["total_query_count"] == DAYS + 150 + 9
    assert (fields["total_login_count"], fields["total_event_count"]) == (151, DAYS + 150 + 150 + 10)
    again = View(decode(encode(found.customer("acme"))))
    for field in range(5):
        view = found.pipeline.customers.view(found.customer("acme"))
        assert again.series.total(field, DAY_0 + DAYS) == view.series.total(field, DAY_0 + DAYS)
