"""What a customer heard since its value was written whole: small, and never less than the value would say."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.news import NEWS_KEY, catch_up, news_key
from ebbtide.models.customer.packed import encode
from ebbtide.models.customer.series import SUMMED
from ebbtide.models.customer.shard import META_KEY, CustomerShard
from ebbtide.models.customer.view import View
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import Outcome, ProfileState, Tick, Trait
from ebbtide.schemas.topics import Topic
from support.raw import DAY_0, at

STATES = Topic.PROFILE_STATES.topic_name
ACME = Identifier(IdentifierType.GROUP_ID, "acme")
DAY = DAY_0
Table = dict[bytes, bytes]
Record = ProfileState | Tick


def told(version: int, profile: str = "ann", days: Iterable[int] = (), events: int = 1, **more: Any) -> ProfileState:
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id=profile,
        subject=Identifier(IdentifierType.USER_ID, profile),
        version=version,
        days={DAY + day: [events, 0, events, 0, 0, 10, 20 + version, -1, -1] for day in days},
        totals=[version, 0, version, 0, 0, 0],
        arrived_ms=0,
        partition=0,
        accepted=version,
        **more,
    )


def tick(day: float) -> Tick:
    return Tick(source="profiles/0", watermark=at(day), arrived_ms=0)


def shard(table: Table) -> CustomerShard:
    return CustomerShard(0, frozenset({"profiles/0"}), CorePolicy(), list(table.items()))


def store(table: Table, writes: Iterable[tuple[bytes, bytes | None]]) -> None:
    for key, value in writes:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


def held(made: CustomerShard) -> dict[str, bytes]:
    return {customer_id: encode(customer) for customer_id, customer in made.customers.items()}


def contributed(made: CustomerShard) -> dict[str, Any]:
    """By profile what is held of it, but for the times of day, which are forgotten when a value is written."""
    found = {}
    for customer in made.customers.values():
        for profile, share in customer.shares.items():
            own = msgspec.structs.asdict(share)
            days = {day: numbers[:SUMMED] for day, numbers in share.days.items()}
            found[profile] = {**own, "days": days, "old_last": None, "old_login": None}
    return found


def read(made: CustomerShard, records: Iterable[Record], offset: int) -> None:
    """Live: nothing waits for a model."""
    for number, record in enumerate(records, offset):
        made.apply(STATES, number, record, now_ms=0)


class World:
    """A shard that reads a log, and its table."""

    def __init__(self) -> None:
        self.table: Table = {}
        self.shard = shard(self.table)
        self.log: list[Record] = []

    def hear(self, *records: Record) -> dict[bytes, bytes | None]:
        """Read these, flush, store; what was written."""
        read(self.shard, records, len(self.log))
        self.log += records
        writes = self.shard.flush().writes
        store(self.table, writes.items())
        del writes[META_KEY]
        return writes


def test_a_value_is_written_whole_when_an_instant_passed_and_news_between() -> None:
    world = World()
    assert list(world.hear(told(1, days=[1]))) == [b"c"]
    assert list(world.hear(told(2, days=[1]))) == [news_key("c")]
    assert list(world.hear(told(3, "bob", days=[1]))) == [news_key("c")]
    written = world.hear(tick(2.5))
    # First the value: a crash may come between.
    assert list(written) == [b"c", news_key("c")]
    assert written[news_key("c")] is None
    assert NEWS_KEY not in b"".join(world.table)
    assert list(world.hear(tick(2.6))) == []
    assert list(world.hear(tick(3.5), told(4, days=[3]))) == [news_key("c")]


def test_news_is_much_smaller_than_the_value() -> None:
    world = World()
    rng = Random(1)
    for n in range(1, 200):
        world.hear(told(n, f"u{n % 20}", days=rng.sample(range(90), 5), events=rng.randint(1, 99)))
    world.hear(tick(90))
    [news] = world.hear(told(200, "u1", days=[90])).values()
    assert news is not None
    assert 2 * len(news) < len(world.table[b"c"])


def test_a_record_that_tells_all_of_what_one_before_told_takes_its_place() -> None:
    world = World()
    world.hear(told(1, days=[1]))
    sizes = [len(world.hear(told(n, days=[1]))[news_key("c")] or b"") for n in range(2, 60)]
    assert sizes[-1] < sizes[0] + 20
    assert len(world.hear(told(60, days=[2]))[news_key("c")] or b"") > sizes[-1] + 100


def test_much_news_is_written_with_the_value() -> None:
    world = World()
    world.hear(told(1, days=[1]))
    written = [list(world.hear(told(n, f"u{n}", days=[1]))) for n in range(2, 30)]
    assert written.count([b"c", news_key("c")]) >= 2
    assert written.count([news_key("c")]) >= 10
    assert held(shard(world.table)) == held(world.shard)


def test_what_is_no_news_is_not_kept() -> None:
    world = World()
    world.hear(told(5, days=[1], events=7))
    before = world.hear(told(6, days=[1], events=8))
    assert len(world.hear(told(4, days=[1], events=3))[news_key("c")] or b"") <= len(before[news_key("c")] or b"") + 2
    assert held(shard(world.table)) == held(world.shard)


def test_news_of_another_value_counts_nothing() -> None:
    """A crash came after the value was written, before its news was deleted."""
    world = World()
    world.hear(told(1, days=[1]))
    world.hear(told(2, days=[1]))
    old = world.table[news_key("c")]
    world.hear(tick(2.5))
    now = held(world.shard)
    world.table[news_key("c")] = old
    again = shard(world.table)
    assert held(again) == now
    # It goes with the next value.
    read(again, [tick(9)], 3)
    assert again.flush().writes[news_key("c")] is None


def test_news_of_a_layout_that_is_not_known() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    with pytest.raises(ValueError, match=r"layout b'\\x07' of a customer's news is unknown"):
        catch_up(customer, View(customer), b"", b"\x07")


def _record(draw: st.DrawFn, version: int) -> ProfileState:
    days = draw(st.lists(st.integers(0, 4), max_size=3, unique=True))
    kind = draw(st.sampled_from(["part", "part", "part", "part", "full", "detached"]))
    more: dict[str, Any] = {"full": kind != "part", "detached": kind == "detached"}
    if draw(st.booleans()):
        more["traits"] = {"plan": [Trait(draw(st.sampled_from(["a", "b"])), (DAY + 1) * DAY_MS, version, "crm")]}
    if draw(st.booleans()):
        more["uses"] = {DAY + day: {draw(st.sampled_from(["x", "y"])): version} for day in days}
    if draw(st.booleans()):
        more["sources"] = {DAY + day: ["web"] for day in days}
    if draw(st.integers(0, 4)) == 0:
        more["outcomes"] = {f"o{version % 3}": Outcome("touchpoint.logged", (DAY + 1) * DAY_MS, {"kind": "call"})}
    return told(version, draw(st.sampled_from(["ann", "bob", "eve"])), days, **more)


@st.composite
def logs(draw: st.DrawFn) -> list[list[Record]]:
    """Batches of what is told, with time that passes now and then; some of it comes once more, late."""
    batches: list[list[Record]] = []
    sent: list[ProfileState] = []
    day = 1.0
    version = 0
    for _ in range(draw(st.integers(1, 12))):
        batch: list[Record] = []
        for _ in range(draw(st.integers(1, 3))):
            if sent and draw(st.integers(0, 5)) == 0:
                batch.append(draw(st.sampled_from(sent)))
                continue
            version += 1
            sent.append(_record(draw, version))
            batch.append(sent[-1])
        if draw(st.integers(0, 3)) == 0:
            day += 1
            batch.append(tick(day))
        batches.append(batch)
    return batches


@settings(max_examples=40)
@given(logs())
def test_whoever_takes_over_holds_what_was_held(batches: list[list[Record]]) -> None:
    world = World()
    for batch in batches:
        world.hear(*batch)
        assert held(shard(world.table)) == held(world.shard)


@settings(max_examples=40)
@given(logs(), st.data())
def test_a_crash_between_any_two_values_loses_nothing(batches: list[list[Record]], data: st.DataObject) -> None:
    world, table, offset = World(), dict[bytes, bytes](), 0
    crashed = shard(table)
    for batch in batches:
        world.hear(*batch)
        read(crashed, batch, offset)
        if data.draw(st.booleans()):
            writes = list(crashed.flush().writes.items())
            store(table, writes[: data.draw(st.integers(0, len(writes)))])
            crashed = shard(table)
            read(crashed, world.log, 0)
        offset += len(batch)
        store(table, crashed.flush().writes.items())
        crashed = shard(table)
    assert contributed(crashed) == contributed(world.shard)
