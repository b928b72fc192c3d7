"""Whoever takes over a partition of ``profiles`` says again what was said before it hears the echo of it.

The worker before sent links and states, and was gone before it stored anything. Identity has answered by now: if that
is heard first, events are folded under owners, or after instants, that they were not told under. These are the smallest
cases; the crash simulation reads again first (``support.topology``), and breaks in one of a hundred runs without.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.models.outputs import Output
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event, EventKind, Identifier, IdentifierType
from ebbtide.schemas.identity import IdentityAssignment
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic
from support.histories import POLICY
from support.raw import at

VISITOR, USER = Identifier(IdentifierType.ANONYMOUS_ID, "A1"), Identifier(IdentifierType.USER_ID, "U1")
EVENT = Event(
    event_id="m1",
    tenant="t",
    kind=EventKind.ACTIVITY,
    type="track",
    name="query",
    occurred_at=at(1),
    received_at=at(1),
    source="web",
    subject=VISITOR,
    identifiers=[VISITOR],
)
ASSIGNED = IdentityAssignment("t", VISITOR, USER, canonical_id("t", USER), epoch=7, effective_ms=0, arrived_ms=0)
ECHO_FIRST = pytest.param(
    False, id="echo-first", marks=pytest.mark.xfail(strict=True, reason="a stage must not read in this order")
)
ORDERS = pytest.mark.parametrize("again_first", [pytest.param(True, id="again-first"), ECHO_FIRST])


def worker() -> ProfileShard:
    """A worker that finds an empty table."""
    return ProfileShard(0, frozenset({"raw"}), frozenset({"identity/0"}), POLICY, lambda _key: None)


def tick(source: str, day: float) -> Tick:
    return Tick(source=source, watermark=at(day), arrived_ms=0)


def sent(shard: ProfileShard) -> list[Output]:
    return [output for output in shard.flush().outputs if output.topic is Topic.PROFILE_STATES]


def take_over(again_first: bool, again: list[Event | Tick], echo: list[IdentityAssignment | Tick]) -> list[Output]:
    """What a successor sends that reads both inputs, with a flush between, in one order or the other."""
    shard = worker()
    outputs: list[Output] = []
    for is_again in (again_first, not again_first):
        if is_again:
            for offset, record in enumerate(again):
                shard.apply(offset, record)
        else:
            for offset, answer in enumerate(echo):
                shard.assign(offset, answer)
        outputs += sent(shard)
    return outputs


def customers(outputs: Iterable[Output]) -> CustomerShard:
    """The customers after all these."""
    shard = CustomerShard(0, frozenset({"profiles/0"}), POLICY, ())
    for offset, output in enumerate(outputs):
        assert isinstance(output.record, ProfileState | Tick)
        shard.apply(Topic.PROFILE_STATES.topic_name, offset, output.record, now_ms=None)
    return shard


def counted(shard: CustomerShard) -> dict[str, int]:
    """Messages by anchor, of whoever has any."""
    found = {c.anchor_value: sum(share.accepted for share in c.shares.values()) for c in shard.customers.values()}
    return {anchor: messages for anchor, messages in found.items() if messages}


@ORDERS
@pytest.mark.parametrize("late", [False, True], ids=["crash", "zombie"])
def test_an_owner_that_only_the_worker_before_told_does_not_keep_the_message(again_first: bool, late: bool) -> None:
    before = worker()
    before.apply(0, EVENT)
    told, after = sent(before), take_over(again_first, [EVENT], [ASSIGNED])
    assert counted(customers([*after, *told] if late else [*told, *after])) == {"U1": 1}


@ORDERS
def test_time_does_not_pass_events_that_only_the_worker_before_had_read(again_first: bool) -> None:
    # The worker before told identity that day 3 had begun; its states never left it.
    outputs = take_over(again_first, [EVENT, tick("raw", 3)], [tick("identity/0", 3)])
    told = customers(outputs)
    assert told.time_ms == to_ms(at(3))
    [state] = [n for n, output in enumerate(outputs) if isinstance(output.record, ProfileState)]
    [time] = [n for n, output in enumerate(outputs) if isinstance(output.record, Tick)]
    assert state < time
