"""What a profile tells about accounts that are used again after another began: enough, in any order, and no more."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.identity.members import Members
from ebbtide.models.identity.membership import heard
from ebbtide.models.identity.renames import MOST_ACCOUNTS, SETTLING_DAYS
from ebbtide.models.intake.accept import Door
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event, IdentifierType
from ebbtide.schemas.identity import IdentityLink, MembershipKind
from support.raw import DAY_0, NOW, at, fact, in_account, iso, messages, track

Use = tuple[str, int]
"""An account and a day."""


def body(n: int, use: Use, **more: Any) -> dict[str, Any]:
    account, day = use
    return {**track("x", at(day, n), f"m{n}", **in_account(account)), **more}


def told(bodies: list[dict[str, Any]]) -> list[Use]:
    """Memberships that are sent, as accounts and days."""
    shard = ProfileShard(0, frozenset({"raw-behavior/0"}), frozenset({"identity/0"}), CorePolicy(), lambda _key: None)
    door = Door(CorePolicy().intake, "t")
    for offset, message in enumerate(messages(bodies)):
        event = door.accept(message, now_ms=to_ms(NOW))
        assert isinstance(event, Event)
        shard.apply(offset, event)
    links = [output.record for output in shard.flush().outputs if isinstance(output.record, IdentityLink)]
    return [
        (link.other.value, to_ms(link.occurred_at) // 86_400_000 - DAY_0)
        for link in links
        if link.other.type is IdentifierType.GROUP_ID
    ]


LATE = 1 + SETTLING_DAYS
STORIES: dict[str, tuple[list[Use], list[Use]]] = {
    "one account": ([("a", 0), ("a", 20), ("a", 40)], [("a", 0)]),
    "one after the other": ([("a", 0), ("b", 1), ("b", 20)], [("a", 0), ("b", 1), ("b", 20)]),
    "one long after the other": ([("a", 0), ("b", 30), ("b", 40)], [("a", 0), ("b", 30)]),
    "in the first days both": ([("a", 0), ("b", 1), ("a", LATE)], [("a", 0), ("b", 1)]),
    "back to the first": ([("a", 0), ("b", 1), ("a", LATE + 1)], [("a", 0), ("b", 1), ("a", LATE + 1)]),
    "back every day": (
        [("a", 0), ("b", 1), *(("a", LATE + n) for n in range(9))],
        [("a", 0), ("b", 1), ("a", LATE + 1)],
    ),
    "twice on one day": ([("a", 0), ("b", 1), ("a", 20), ("a", 20)], [("a", 0), ("b", 1), ("a", 20)]),
    "the second comes to light later": ([("a", 0), ("a", 20), ("a", 30), ("b", 1)], [("a", 0), ("b", 1), ("a", 20)]),
    "days come to light backwards": (
        [("a", 0), ("b", 1), ("a", 30), ("a", 20)],
        [("a", 0), ("b", 1), ("a", 30), ("a", 20)],
    ),
    "work without an account says nothing": ([("a", 0), ("", 1), ("", 20), ("a", 30)], [("a", 0)]),
    "in more accounts than anybody works in": (
        [*((f"a{n}", 0) for n in range(MOST_ACCOUNTS + 1)), ("a0", 20)],
        [(f"a{n}", 0) for n in range(MOST_ACCOUNTS + 1)],
    ),
    "in as many as somebody may": (
        [*((f"a{n}", 0) for n in range(MOST_ACCOUNTS)), ("a0", 20)],
        [*((f"a{n}", 0) for n in range(MOST_ACCOUNTS)), ("a0", 20)],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    uses, expected = STORIES[name]
    assert told([body(n, use) for n, use in enumerate(uses)]) == expected


def test_only_human_use_is_a_return() -> None:
    joined = [body(0, ("a", 0)), body(1, ("b", 1))]
    robot = body(2, ("a", 20), context={"groupId": "a", "machine": True})
    call = {"type": "identify", "userId": "u1", "messageId": "m3", "timestamp": iso(at(21)), **in_account("a")}
    assert told([*joined, robot, call]) == [("a", 0), ("b", 1)]


def test_accounts_themselves_are_nobody() -> None:
    facts = [
        fact("account.upserted", at(day), f"f{day}", {"group_id": group}, name="x")
        for group, day in (("a", 0), ("b", 1), ("a", 20))
    ]
    assert told(facts) == []


uses = st.lists(st.tuples(st.sampled_from(["a", "b", "c", ""]), st.integers(0, 40)), max_size=25)


@given(uses, st.randoms(use_true_random=False))
def test_what_is_told_answers_every_question_at_every_midnight(found: list[Use], random: Random) -> None:
    random.shuffle(found)
    sent = told([body(n, use) for n, use in enumerate(found)])
    for midnight in range(0, 42, 3):
        members = Members()
        for account, day in sent:
            if day < midnight:
                members.add("u1", account, heard(MembershipKind.SEEN, day))
        before = [(account, day) for account, day in found if account and day < midnight]
        first = {account: min(day for one, day in before if one == account) for account, _ in before}
        last = {account: max(day for one, day in before if one == account) for account, _ in before}
        known = {account: (began, until) for account, began, until in members.seen("u1")} if before else {}
        assert {account: began for account, (began, _) in known.items()} == first
        for one in first:
            for other in first.keys() - {one}:
                settled = first[other] + SETTLING_DAYS
                assert (known[one][1] > settled) == (last[one] > settled)


@given(uses)
def test_in_the_order_of_time_it_is_told_once_for_each_two(found: list[Use]) -> None:
    found.sort(key=lambda use: use[1])
    sent = told([body(n, use) for n, use in enumerate(found)])
    accounts = {account for account, _ in found if account}
    assert len(sent) == len(set(sent))
    assert max(Counter(account for account, _ in sent).values(), default=0) <= max(1, len(accounts))
