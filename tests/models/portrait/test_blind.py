"""A customer whose sources went silent: what was known before is told, and nothing that nobody can know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.sources import SourceBook
from ebbtide.models.policy import CorePolicy
from ebbtide.models.portrait.portrait import Portrait, portrait
from ebbtide.models.standing.hysteresis import Held
from support.blind import beats, used
from support.customers import SETTLED, acme, bucket, customer, share
from support.raw import DAY_0, MONDAY, at
from support.standings import Told

POLICY = CorePolicy()
EVERY_TWO_DAYS = range(0, 41, 2)


def date_at(day: int) -> date:
    return (MONDAY + timedelta(days=day)).date()


def seen(found: Told, anchor: str = "u1") -> Portrait:
    """The portrait from what a worker stored."""
    shard = found.pipeline.customers
    made = found.customer(anchor)
    return portrait(decode(encode(made)), shard.settled_day, POLICY, shard.fleet(made), shard.sources)


@pytest.fixture(scope="module")
def blind() -> Portrait:
    """Used every two days to day 40, and heard until 18:00 of that day. It is day 59: 19 days without a sign."""
    return seen(Told(used(EVERY_TWO_DAYS) + beats(range(41)) + used([60], "web", "other"), 59))


def test_it_says_why_there_is_no_score_and_since_when(blind: Portrait) -> None:
    assert blind.record.fields["cannot_score_reason"].value == "source_blind"
    found = blind.blindness
    assert found is not None
    assert (found.since, found.sources, found.seen_until) == (at(40, 64_800), ["web"], date_at(41))
    assert found.in_doubt == []


def test_no_silence_sleep_or_date_of_one_is_claimed(blind: Portrait) -> None:
    rhythm = blind.rhythm
    assert rhythm is not None
    assert (rhythm.state, rhythm.cadence_days, rhythm.since) == ("awake", 2, date_at(0))
    assert (rhythm.silence_days, rhythm.asleep_from, rhythm.left_from) == (None, None, None)
    assert blind.record.fields["silence_days"].value is None
    assert [(state.name, state.pending) for state in blind.states if state.pending] == []


def test_activity_is_told_up_to_the_day_it_was_seen_last(blind: Portrait) -> None:
    """Day 40 is the newest of the rows: nineteen empty days after it would be a decline that nobody saw."""
    assert blind.history.events_daily[-3:] == [2, 0, 2]
    assert blind.counts["queries"].windows[7] == 8
    assert blind.people[0].events_28d == 28
    fields = blind.record.fields
    assert (fields["active_days_7d"].value, fields["active_days_7d"].as_of) == (4, at(41))
    assert fields["seats"].as_of == blind.record.as_of


def test_who_was_asleep_before_still_was_and_what_would_follow_is_unknown() -> None:
    """Last active on day 40 and heard to day 46: asleep on day 44, when it was seen. Left from day 55: nobody saw."""
    found = seen(Told(used(EVERY_TWO_DAYS) + beats(range(46)) + used([60], "web", "other"), 59))
    assert found.rhythm is not None
    assert (found.rhythm.state, found.rhythm.since) == ("asleep", date_at(44))
    assert (found.rhythm.asleep_from, found.rhythm.left_from) == (date_at(44), None)
    assert [alert.type for alert in found.alerts] == ["asleep"]
    assert found.blindness is not None
    assert (found.blindness.seen_until, found.blindness.in_doubt) == (date_at(45), [])


def test_what_was_told_between_the_last_sign_and_the_time_it_was_overdue_is_in_doubt() -> None:
    """Beats every two days may be three late: asleep on day 44, and blind from day 47 on."""
    slow = [
        body | {"data": body["data"] | {"expected_interval_s": 2 * 86_400}}
        for body in beats(range(41))
        if body["occurred_at"].endswith("18:00:00Z")
    ]
    found = seen(Told(used(EVERY_TWO_DAYS) + slow + used([60], "web", "other"), 59))
    assert found.blindness is not None
    assert found.blindness.in_doubt == ["score", "asleep", "activity_group", "lifecycle"]
    assert found.rhythm is not None
    assert found.rhythm.state == "awake"


def test_without_heartbeats_it_is_not_known_since_when() -> None:
    """The newest activity, on day 205, is the last that was seen."""
    made = acme()
    made.blind = True
    made.states["journey"] = Held("served", DAY_0 + 209)
    found = portrait(made, DAY_0 + SETTLED, POLICY)
    assert found.blindness is not None
    assert found.blindness == replace(
        found.blindness,
        since=None,
        sources=["app", "web"],
        seen_until=date_at(206),
        in_doubt=["score", "asleep", "lifecycle"],
    )
    assert found.rhythm is not None
    assert found.rhythm.state == "awake"
    assert [state.pending for state in found.states] == [None] * 4


@pytest.mark.parametrize("settled", [None, DAY_0 + SETTLED])
def test_of_whom_nothing_was_seen_at_all_there_is_no_last_sight(settled: int | None) -> None:
    made = customer("user_id/ann", ann=share("user_id/ann", {}))
    made.blind = True
    found = portrait(made, settled, POLICY, book=SourceBook(POLICY.sources))
    assert found.blindness is not None
    assert (found.blindness.since, found.blindness.sources, found.rhythm) == (None, [], None)
    # No page tells of a customer as of an instant after that of its record.
    assert found.blindness.seen_until == found.record.as_of.date()


def test_who_is_seen_has_no_blindness() -> None:
    assert portrait(acme(), DAY_0 + SETTLED, POLICY).blindness is None
    ann = customer("user_id/ann", ann=share("user_id/ann", {200: bucket()}))
    assert portrait(ann, None, POLICY).blindness is None


def test_its_record_is_the_one_that_the_worker_tells() -> None:
    found = Told(used(EVERY_TWO_DAYS) + beats(range(41)) + used([60], "web", "other"), 59)
    told = found.pipeline.customers.record(found.customer("u1"))
    assert seen(found).record == told
    assert told.fields["active_days_7d"].value == 4
