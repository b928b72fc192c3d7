"""Live and at the edges of a customer partition: returns told at once, models that come early, customers that move."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.evaluation import Evaluator
from ebbtide.models.customer.packed import decode
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.customer.shelf import ModelShelf
from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.intake.accept import Door
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from support.raw import DAY_0, NOW, at, in_account, messages, story, track

EVERY_TWO_DAYS = [6 + 2 * n for n in range(6)]
STATES = Topic.PROFILE_STATES.topic_name


class Live:
    """Profiles and customers of one partition each, at wall times that follow the events."""

    def __init__(self) -> None:
        self.profiles = ProfileShard(
            0, frozenset({"raw/0"}), frozenset({"identity/0"}), CorePolicy(), lambda _key: None
        )
        self.identity = IdentityShard(0, frozenset({"profiles/0"}), CorePolicy().identity, ())
        self.customers = CustomerShard(0, frozenset({"profiles/0"}), CorePolicy(), ())
        self.told: list[Any] = []
        self.read = self.sent = self.linked = self.owned = 0
        self.day = 5.0

    def feed(self, body: dict[str, Any]) -> None:
        (message,) = messages([body], self.read)
        verdict = Door(CorePolicy().intake, "t").accept(message, now_ms=to_ms(NOW))
        assert isinstance(verdict, Event)
        self._apply(verdict, to_ms(verdict.occurred_at))

    def pass_time(self, until: float) -> None:
        while self.day < until:
            self.day = min(self.day + 0.5, until)
            tick = Tick(source="raw/0", watermark=at(self.day), arrived_ms=0)
            self._apply(tick, to_ms(at(self.day)))

    def _apply(self, record: Any, now_ms: int) -> None:
        self.profiles.apply(self.read, record)
        self.read += 1
        while outputs := self.profiles.flush().outputs:
            for output in outputs:
                told: Any = output.record
                if output.topic is Topic.PROFILE_STATES:
                    self.customers.apply(STATES, self.sent, told, now_ms=now_ms)
                    self.sent += 1
                else:
                    self.identity.apply(self.linked, told, now_ms=now_ms)
                    self.linked += 1
            for output in self.identity.flush().outputs:
                if output.topic is Topic.IDENTITY_ASSIGNMENTS:
                    owned: Any = output.record
                    self.profiles.assign(self.owned, owned)
                    self.owned += 1
        self.told += self.customers.take_outputs()


def returns(live: Live) -> list[tuple[str, str, float]]:
    return [row for row in story(live.told) if row[0] in {"asleep", "warm_return"}]


def sleeper() -> Live:
    live = Live()
    for day in EVERY_TWO_DAYS:
        live.pass_time(day)
        live.feed(track("view", at(day, 43_200), f"m{day}"))
    live.pass_time(22.25)
    return live


def test_a_return_is_told_at_once_and_corrected_at_midnight() -> None:
    live = sleeper()
    live.feed(track("login", at(22.5), "late"))
    assert returns(live)[1:] == [("asleep", "resolved", 22.5), ("warm_return", "open", 22.5)]
    live.feed(track("login", at(22.375), "early"))
    live.pass_time(23.1)
    assert returns(live)[3:] == [("warm_return", "updated", 22.375)]
    live.pass_time(24.1)
    assert len(returns(live)) == 4


def test_a_return_is_told_with_the_login_of_the_day_after_at_once() -> None:
    live = sleeper()
    live.feed(track("view", at(22.99), "view"))
    live.pass_time(23.25)
    assert returns(live)[1:] == [("asleep", "resolved", 22.99)]
    live.feed(track("login", at(23.3), "login"))
    assert returns(live)[2:] == [("warm_return", "open", 23.3)]
    live.pass_time(25.1)
    assert len(returns(live)) == 3


def test_a_login_ahead_of_time_is_told_when_its_day_begins() -> None:
    live = sleeper()
    live.feed(track("login", at(23.01), "m"))
    assert returns(live)[1:] == []
    live.pass_time(23.02)
    assert returns(live)[2:] == [("warm_return", "open", 23.01)]
    live.pass_time(24.1)
    assert len(returns(live)) == 3


def test_what_moves_to_an_account_leaves_nothing_open() -> None:
    live = sleeper()
    assert [row[0] for row in returns(live)] == ["asleep"]
    live.feed(track("view", at(1, 5), "first", **in_account("g1")))
    live.pass_time(23.1)
    person = next(c for c in live.customers.customers.values() if not c.is_account)
    assert sorted(returns(live)[-2:]) == [("asleep", "open", 23.0), ("asleep", "resolved", 23.0)]
    assert (person.alerts, person.score, person.observations, person.due_day) == ({}, None, [], None)
    assert live.customers.record(person).fields["cannot_score_reason"].value == "no_activity"
    assert live.customers.record(person).fields["silence_state"].value is None
    assert (live.customers.time_ms, live.customers.settled_day) == (to_ms(at(23.1)), DAY_0 + 23)


def test_live_does_not_wait_for_a_model() -> None:
    live = sleeper()
    live.pass_time(40)
    assert live.customers.settled_day == DAY_0 + 40


def test_a_backfill_waits_for_the_model_of_the_week() -> None:
    shard = CustomerShard(0, frozenset({"events/0"}), CorePolicy(), ())
    for offset, day in enumerate((1, 30)):
        shard.apply(STATES, offset, Tick(source="events/0", watermark=at(day), arrived_ms=0), now_ms=None)
    assert shard.settled_day == DAY_0
    shard.apply(STATES, 1, Tick(source="events/0", watermark=at(99), arrived_ms=0), now_ms=None)
    assert shard.time_ms == to_ms(at(30))


def tick(source: str, day: float) -> Tick:
    return Tick(source=source, watermark=at(day), arrived_ms=0)


@pytest.mark.parametrize("first", ["learner", "fleet"])
def test_a_backfill_waits_for_both_the_model_and_the_statistics(first: str) -> None:
    shard = CustomerShard(0, frozenset({"events/0"}), CorePolicy(), ())
    for offset, day in enumerate((1, 30)):
        shard.apply(STATES, offset, tick("events/0", day), now_ms=None)
    topics = {"learner": Topic.MODELS.topic_name, "fleet": Topic.FLEET_STATS.topic_name}
    (second,) = topics.keys() - {first}
    settled = []
    for offset, (source, day) in enumerate(((first, 0), (second, 0), (second, 7), (first, 99), (second, 14))):
        shard.apply(topics[source], offset, tick(source, day), now_ms=None)
        assert shard.settled_day is not None
        settled.append(shard.settled_day - DAY_0)
    assert settled == [0, 7, 7, 14, 21]


def test_a_fleet_that_was_never_asked_is_asked_after_a_restart() -> None:
    """The table of a version without a fleet; or the fleet has not answered yet, and hears it again."""
    shard = CustomerShard(3, frozenset({"events/0"}), CorePolicy(), ())
    shard.apply(STATES, 0, tick("events/0", 30), now_ms=None)
    asked = [output for output in shard.take_outputs() if output.topic is Topic.GRID_SUMMARIES]
    assert [output.record for output in asked] == [tick("customers/3", 28)]
    table = {key: value for key, value in shard.flush().writes.items() if value is not None}
    again = CustomerShard(3, frozenset({"events/0"}), CorePolicy(), table.items())
    assert again.take_outputs() == asked
    again.apply(Topic.FLEET_STATS.topic_name, 0, tick("fleet", 28), now_ms=None)
    table = {key: value for key, value in again.flush().writes.items() if value is not None}
    assert CustomerShard(3, frozenset({"events/0"}), CorePolicy(), table.items()).take_outputs() == []


def test_an_instant_is_scored_with_the_newest_model_of_an_earlier_one() -> None:
    def model(day: int) -> Any:
        return Learner().to_model(from_ms(day * 86_400_000), "t").model_copy(update={"model_version": f"m{day}"})

    shelf = ModelShelf(Scorer.from_model(Learner().to_model(None, "t")))
    for day in (20, 10, 30, 20):
        shelf.add(model(day))
    versions = [shelf.scorer("t", settled).model_version for settled in (9, 10, 19, 20, 30, 31)]
    assert versions[1:] == ["m10", "m10", "m20", "m30", "m30"]
    assert versions[0] == shelf.scorer("other", 99).model_version
    first = dict(shelf.take_writes(20))
    assert all(first.values())
    assert len(first) == 3
    dropped = dict(shelf.take_writes(30))
    assert list(dropped.values()) == [None]
    assert list(dict(shelf.take_writes(30)).values()) == [None]
    assert shelf.scorer("t", 31).model_version == "m30"


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="layout"):
        decode(b"\x01")


def test_a_learner_without_time_says_nothing() -> None:
    live = sleeper()
    settled = live.customers.settled_day
    live.customers.apply(
        Topic.MODELS.topic_name, 0, Tick(source="learner", watermark=None, arrived_ms=0), now_ms=to_ms(at(22.25))
    )
    assert live.customers.settled_day == settled
    (customer,) = live.customers.customers.values()
    assert live.customers.view(customer).series.days == [DAY_0 + day for day in EVERY_TWO_DAYS]
    assert all(profile.is_person for profile in live.profiles.profiles)


def test_a_sleeper_whose_past_moved_away_does_not_return() -> None:
    live = sleeper()
    live.feed(track("view", at(1, 5), "first", **in_account("g1")))
    person = next(c for c in live.customers.customers.values() if not c.is_account)
    view = live.customers.view(person)
    view.series.put(DAY_0 + 22, [1, 1, 0, 0, 0, 5, 5, 5, 5])
    assert Evaluator(CorePolicy()).returned(person, view, DAY_0 + 22).alerts == []


def test_more_use_without_a_login_tells_nothing_more() -> None:
    live = sleeper()
    live.feed(track("view", at(22.5), "one"))
    live.feed(track("view", at(22.6), "two"))
    live.pass_time(23.1)
    assert returns(live)[1:] == [("asleep", "resolved", 22.5)]
