"""Blind sources: known from the set of heartbeats alone, wherever a partition is, after any trouble."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.shard import META_KEY
from ebbtide.models.customer.sources import MOST_DAYS, SOURCES_KEY, SourceBook
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy, SourcesPolicy
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.fleet import SourceHeartbeat
from support.histories import POLICY, history
from support.raw import DAY_0, NOW, at, fact, messages
from support.topology import Topology

HOUR_MS = 3_600_000
Beat = tuple[int, float]
"""Hour since day 0, and hours to the next."""
beats: st.SearchStrategy[list[Beat]] = st.lists(
    st.tuples(st.integers(0, 30 * 24), st.sampled_from([1.0, 6.0, 24.0])), max_size=40
)


def heartbeat(hour: float, every_hours: float, source: str = "web") -> SourceHeartbeat:
    when = from_ms(DAY_0 * DAY_MS + round(hour * HOUR_MS))
    return SourceHeartbeat(tenant="t", source=source, occurred_at=when, interval_seconds=round(every_hours * 3_600))


def book(told: list[Beat], policy: SourcesPolicy | None = None) -> SourceBook:
    found = SourceBook(policy or SourcesPolicy())
    for hour, every in told:
        found.put(heartbeat(hour, every))
    return found


def daily(*days: int) -> list[Beat]:
    """Heartbeats every six hours, on some days."""
    return [(24 * day + hour, 6) for day in days for hour in (0, 6, 12, 18)]


def blind(found: SourceBook, day: int) -> list[int]:
    return [one - DAY_0 for one in found.blind_days("t", "web", DAY_0 + day)]


@pytest.mark.parametrize(
    ("told", "day", "days", "now"),
    [
        ([], 5, [], False),
        (daily(0, 1, 2, 3, 4), 5, [], False),
        # Nothing on day 2: known once it is longer than 18 hours, and still known when the source is back.
        (daily(0, 1), 2, [], False),
        (daily(0, 1), 3, [2], True),
        (daily(0, 1), 5, [2, 3, 4], True),
        (daily(0, 1, 3, 4), 3, [2], True),
        (daily(0, 1, 3, 4), 5, [2], False),
        # Exactly three intervals are not too long.
        ([(0, 8), (24, 8)], 2, [], False),
        ([(0, 8)], 1, [], False),
        ([(0, 8)], 2, [0, 1], True),
        # Two gaps of a day count together.
        ([(24, 1), (32, 1), (42, 1), (48, 1)], 3, [1, 2], True),
        ([(24, 1), (28, 1), (32, 1), (36, 1), (48, 1)], 2, [1], True),
        # What a source promised once holds, whatever it promises then.
        ([(0, 24), (1, 1)], 2, [], False),
        ([(0, 24), (1, 1)], 4, [0, 1, 2, 3], True),
        # Nothing was heard before the first, and nothing is seen of what comes later.
        (daily(3), 3, [], False),
        (daily(3), 4, [], False),
    ],
)
def test_blind_days(told: list[Beat], day: int, days: list[int], now: bool) -> None:
    found = book(told)
    assert blind(found, day) == days
    assert found.is_blind("t", "web", DAY_0 + day) is now


def test_settings() -> None:
    told = [*daily(0, 1), (24 * 2 + 13, 6)]
    assert blind(book(told), 3) == [2]
    assert blind(book(told, SourcesPolicy(blind_day_share=0.75)), 3) == []
    assert blind(book(told, SourcesPolicy(blind_after_intervals=4)), 3) == []
    assert book([(0, 6)], SourcesPolicy(blind_after_intervals=4)).is_blind("t", "web", DAY_0 + 1) is False


def test_sources_and_tenants_are_apart() -> None:
    found = book(daily(0))
    found.put(heartbeat(0, 24 * 31, "crm"))
    assert found.sources("t") == ["crm", "web"]
    assert found.sources("other") == []
    assert found.is_blind("t", "web", DAY_0 + 9)
    assert not found.is_blind("t", "crm", DAY_0 + 9)
    assert not found.is_blind("other", "web", DAY_0 + 9)


@given(beats, st.integers(0, 40))
def test_it_is_what_every_single_hour_says(told: list[Beat], day: int) -> None:
    """Hour by hour: dark is what lies between two heartbeats when some of it is covered by none."""
    known = sorted(beat for beat in told if beat[0] < 24 * day)
    edges = [hour for hour, _ in known] + [24 * day]
    dark: dict[int, int] = {}
    for number, (hour, _) in enumerate(known):
        back = edges[number + 1]
        if max(before + 3 * every for before, every in known[: number + 1]) < back:
            for one in range(hour, back):
                dark[one // 24] = dark.get(one // 24, 0) + 1
    found = book(told)
    assert blind(found, day) == [one for one, hours in sorted(dark.items()) if hours >= 12]


@given(beats, st.integers(0, 1_000), st.integers(0, 300))
def test_neither_order_nor_repeats_matter_and_a_restart_forgets_nothing(
    told: list[Beat], seed: int, later: int
) -> None:
    # Some of it is forgotten when the newest is more than ``MOST_DAYS`` later.
    told = [*told, (24 * later, 6)]
    rng, shuffled = Random(seed), [*told, *told[::2]]
    rng.shuffle(shuffled)
    once, again, stored = book(told), SourceBook(SourcesPolicy()), None
    for hour, every in shuffled:
        again.put(heartbeat(hour, every))
        if rng.random() < 0.2:
            stored = again.take_write() or stored
            again = SourceBook(SourcesPolicy(), stored)
    assert [blind(once, day) for day in range(0, later + 40, 7)] == [
        blind(again, day) for day in range(0, later + 40, 7)
    ]


def test_it_stays_small() -> None:
    found = book([(hour, 1 / 60) for hour in range(0, 24 * 300, 6)])
    value = found.take_write()
    assert value is not None
    assert len(value) < 25_000
    assert found.take_write() is None
    found.put(heartbeat(24 * 50, 6))
    assert found.take_write() is None
    assert blind(found, 900) == list(range(900 - MOST_DAYS, 900))


def beating(seed: int) -> list[dict[str, Any]]:
    """A history with heartbeats, and with days on which a source sends none."""
    rng = Random(seed)
    silent = {rng.randrange(75) for _ in range(10)}
    bodies = history(seed, days=75)
    for day in range(75):
        if day not in silent:
            for hour in (0, 8, 16):
                beat = fact("source.heartbeat", at(day, hour * 3_600), f"h{day}-{hour}", {}, expected_interval_s=28_800)
                bodies.insert(rng.randrange(len(bodies)), beat)
    return bodies


@pytest.mark.parametrize("seed", range(6))
def test_every_partition_knows_after_any_trouble(seed: int) -> None:
    partitions, zombies = 1 + seed % 3, seed % 2 == 1
    raw = messages(sorted(beating(seed), key=lambda body: str(body.get("occurred_at") or body.get("timestamp") or "9")))
    pipeline = Pipeline(POLICY)
    list(pipeline.feed(raw, now=NOW))
    told = pipeline.customers.sources
    topology = Topology(POLICY, raw, partitions)
    topology.run(Random(seed), crashes=5, zombies=zombies)
    for stage in topology.customers:
        stage.restart()
        for day in (DAY_0 + 30, DAY_0 + 75):
            known = stage.shard.sources
            assert known.blind_days("default", "crm", day) == told.blind_days("default", "crm", day)
            assert known.is_blind("default", "crm", day) is told.is_blind("default", "crm", day)
    assert told.sources("default") == ["crm"]


def test_heartbeats_are_stored_before_what_says_that_they_were_read() -> None:
    shard = Pipeline(CorePolicy()).customers
    shard.apply("profile-states", 0, heartbeat(0, 6), now_ms=None)
    assert list(shard.flush().writes) == [SOURCES_KEY, META_KEY]


def test_with_until_no_later_heartbeat_is_heard() -> None:
    pipeline = Pipeline(CorePolicy(), until=at(1))
    raw = [fact("source.heartbeat", at(day), f"h{day}", {}, expected_interval_s=60) for day in (0, 1)]
    assert list(pipeline.feed(messages(raw), now=NOW)) == []
    assert (pipeline.profiles.heartbeats, pipeline.intake.ignored) == (1, {"after_until": 1})
