"""What a profile tells about the names of accounts: each once, with its earliest time, and also after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.identity.names import MOST_NAMES, AccountNames, folded
from ebbtide.models.intake.accept import Door
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.identity import AccountName
from support.raw import DAY_0, NOW, at, fact, iso, messages, track

Body = dict[str, Any]
DAY_MS = 86_400_000


def worker(table: Mapping[bytes, bytes | None] | None = None) -> ProfileShard:
    sources = frozenset({"raw-behavior/0"}), frozenset({"identity/0"})
    return ProfileShard(0, *sources, CorePolicy(), (table or {}).get)


def events(bodies: list[Body]) -> list[Event]:
    door = Door(CorePolicy().intake, "t")
    found = [door.accept(message, now_ms=to_ms(NOW)) for message in messages(bodies)]
    return [event for event in found if isinstance(event, Event)]


def told(shard: ProfileShard) -> list[AccountName]:
    return [output.record for output in shard.flush().outputs if isinstance(output.record, AccountName)]


def lines(bodies: list[Body]) -> list[str]:
    """Names that are sent: account, name and day."""
    shard = worker()
    for offset, event in enumerate(events(bodies)):
        shard.apply(offset, event)
    return [
        f"{one.account.key} {one.name!r} {to_ms(one.occurred_at) // DAY_MS - DAY_0} {one.event_id}"
        for one in told(shard)
    ]


def group(n: int, day: int, name: Any, group_id: str | None = "g", **more: Any) -> Body:
    """A call of a user that says what the account is called."""
    body = {"type": "group", "userId": "u", "messageId": f"m{n}", "timestamp": iso(at(day)), "traits": {"name": name}}
    return {**body, **({"groupId": group_id} if group_id else {}), **more}


def upserted(n: int, day: int, name: Any, **ids: str) -> Body:
    return fact("account.upserted", at(day), f"f{n}", ids, name=name)


STORIES: dict[str, tuple[list[Body], list[str]]] = {
    "a group call": ([group(0, 3, " Acme Ltd ")], ["group_id/g 'Acme Ltd' 3 m0"]),
    "a fact about an account": ([upserted(0, 3, "Acme", group_id="g")], ["group_id/g 'Acme' 3 f0"]),
    "an account with an id of the CRM too": (
        [upserted(0, 3, "Acme", group_id="g", crm_account_id="c")],
        ["group_id/g 'Acme' 3 f0"],
    ),
    "an account that only the CRM has": (
        [upserted(0, 3, "Acme", crm_account_id="c")],
        ["crm_account_id/c 'Acme' 3 f0"],
    ),
    "the same again, however it is spelt": (
        [group(0, 3, "Acme"), group(1, 4, "ACME"), group(2, 3, "acme ")],
        ["group_id/g 'Acme' 3 m0"],
    ),
    "the same, earlier": (
        [group(0, 3, "Acme"), group(1, 2, "ACME")],
        ["group_id/g 'Acme' 3 m0", "group_id/g 'ACME' 2 m1"],
    ),
    "another name, and the first again": (
        [group(0, 3, "Acme"), group(1, 4, "Globex"), group(2, 5, "Acme")],
        ["group_id/g 'Acme' 3 m0", "group_id/g 'Globex' 4 m1"],
    ),
    "two accounts of one user": (
        [group(0, 3, "Acme"), group(1, 4, "Acme", "h")],
        ["group_id/g 'Acme' 3 m0", "group_id/h 'Acme' 4 m1"],
    ),
    "a user without an account": ([group(0, 3, "Acme", None)], []),
    "what is no name": ([group(n, 3, name) for n, name in enumerate([None, ["Acme"], "  ", "x" * 1025])], []),
    "a number, as databases send them": ([group(0, 3, 7)], ["group_id/g '7' 3 m0"]),
    "as long as a name may be": ([group(0, 3, "x" * 1024)], [f"group_id/g '{'x' * 1024}' 3 m0"]),
    "a machine": ([group(0, 3, "Acme", context={"machine": True})], []),
    "the name of a person": (
        [{"type": "identify", "userId": "u", "groupId": "g", "messageId": "m", "traits": {"name": "Acme"}}],
        [],
    ),
    "an event with a property of that name": ([track("x", at(3), "m", groupId="g", properties={"name": "Acme"})], []),
    "in more names than any account has": (
        [group(n, 3 + n, f"Acme {n}") for n in range(MOST_NAMES + 3)],
        [f"group_id/g 'Acme {n}' {3 + n} m{n}" for n in range(MOST_NAMES)],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    bodies, expected = STORIES[name]
    assert lines(bodies) == expected


def test_what_a_lost_worker_told_is_told_again_and_what_was_stored_is_not() -> None:
    first, second = events([group(0, 3, "Acme"), group(1, 4, "Globex")])
    lost = worker()
    lost.apply(0, first)
    stored = lost.flush().writes
    lost.apply(1, second)
    assert [one.name for one in told(lost)] == ["Globex"]
    after = worker(stored)
    after.apply(0, first)
    after.apply(1, second)
    assert [one.name for one in told(after)] == ["Globex"]


def test_a_profile_of_before_names_were_told_learns_them_now() -> None:
    first, second = events([group(0, 3, "Acme"), group(1, 4, "Acme")])
    shard = worker()
    shard.apply(0, first)
    stored = dict(shard.flush().writes)
    profile = msgspec.msgpack.decode((stored[b"t/user_id/u"] or b"")[1:])
    del profile["slots"]["g"]["names"]
    stored[b"t/user_id/u"] = b"\x01" + msgspec.msgpack.encode(profile)
    after = worker(stored)
    after.apply(1, second)
    assert [one.name for one in told(after)] == ["Acme"]


names = st.lists(st.tuples(st.sampled_from(["Acme", "acme", "Globex", " globex"]), st.integers(0, 9)), max_size=12)


@given(names, st.randoms(use_true_random=False))
def test_what_is_told_is_the_earliest_of_each_name_in_any_order(said: list[tuple[str, int]], random: Random) -> None:
    random.shuffle(said)
    shard, heard = worker(), AccountNames()
    for offset, event in enumerate(events([group(n, day, name) for n, (name, day) in enumerate(said)])):
        shard.apply(offset, event)
        for one in told(shard):
            heard.add(one.account.key, one.name, to_ms(one.occurred_at))
    for name in {folded(name) for name, _ in said}:
        first = min(day for other, day in said if folded(other) == name)
        assert list(heard.bearers(name)) == [((DAY_0 + first) * DAY_MS, "group_id/g")]


@pytest.mark.parametrize("name", ["  ", "x" * 1_025])
def test_a_blank_or_endless_name_is_none(name: str) -> None:
    (event,) = events([group(1, 1, "Acme")])
    event.properties["name"] = name
    shard = worker()
    shard.apply(0, event)
    assert told(shard) == []
