"""Messages that count for customers: the newest word of each profile, folded or waiting, over a restart too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.partition_state import Count
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic
from support.raw import DAY_0, at

STATES = Topic.PROFILE_STATES.topic_name
SOURCES = frozenset({"profiles/0", "profiles/1"})
DAY_MS = 86_400_000
ACME = Identifier(IdentifierType.GROUP_ID, "acme")


def state(version: int, accepted: int, **told: Any) -> ProfileState:
    """What a profile says."""
    known: dict[str, Any] = {"customer_id": "c", "profile_id": "p", "partition": 0}
    return ProfileState(
        tenant="t", anchor=ACME, subject=ACME, version=version, accepted=accepted, arrived_ms=0, **(known | told)
    )


def later(day: int) -> dict[str, int]:
    """It holds from a day on."""
    return {"effective_ms": (DAY_0 + day) * DAY_MS}


def midnight(day: int, accepted: int | None = None, source: int = 0) -> Tick:
    return Tick(source=f"profiles/{source}", watermark=at(day), accepted=accepted, arrived_ms=0)


class Shard:
    """A shard, and what one that takes over after the last flush has."""

    def __init__(self, *told: ProfileState | Tick) -> None:
        self.table: dict[bytes, bytes] = {}
        self.shard = CustomerShard(0, SOURCES, CorePolicy(), ())
        self.read = 0
        for source in (0, 1):
            # The first instant is settled: what holds from a later one waits.
            self.tell(midnight(1, source=source))
        for record in told:
            self.tell(record)

    def tell(self, record: ProfileState | Tick) -> None:
        self.shard.apply(STATES, self.read, record, now_ms=to_ms(at(1)))
        self.read += 1
        for key, value in self.shard.flush().writes.items():
            self.table.pop(key, None)
            if value is not None:
                self.table[key] = value

    def held(self, source: int = 0) -> int:
        """What it says when it is asked."""
        name = f"profiles/{source}"
        known = self.shard.counts.get(name)
        self.tell(midnight(50, accepted=0 if known is None else known.told + 1, source=source))
        return self.shard.counts[name].held

    @property
    def successor(self) -> CustomerShard:
        return CustomerShard(0, SOURCES, CorePolicy(), self.table.items())


GONE = {"full": True, "detached": True}


@pytest.mark.parametrize(
    ("told", "messages"),
    [
        ([state(1, 3)], 3),
        ([state(1, 3), state(2, 5)], 5),
        ([state(2, 5), state(1, 3)], 5),
        ([state(1, 3), state(1, 3)], 3),
        ([state(1, 3), state(2, 0, epoch=1, **GONE)], 0),
        ([state(2, 0, epoch=1, **GONE)], 0),
        ([state(1, 3), state(1, 2, profile_id="q"), state(9, 4, customer_id="d")], 9),
        # What waits counts when it is heard.
        ([state(1, 3), state(2, 5, **later(9))], 5),
        ([state(1, 3, **later(9))], 3),
        ([state(2, 0, epoch=1, **later(9), **GONE)], 0),
        ([state(1, 3), state(2, 0, epoch=1, **later(9), **GONE)], 0),
        ([state(1, 3), state(3, 7, **later(9)), state(2, 5, **later(9))], 7),
        ([state(1, 3), state(2, 5, **later(9)), state(3, 7, **later(9))], 7),
        # An older word waits behind a newer one that does not, and the other way round.
        ([state(5, 7, epoch=2), state(2, 5, epoch=1, **later(9))], 7),
        ([state(2, 5, epoch=1, **later(9)), state(5, 7, epoch=2)], 7),
        ([state(2, 5, epoch=1, **later(9)), state(5, 7)], 5),
    ],
)
def test_the_newest_word_counts(told: list[ProfileState], messages: int) -> None:
    shard = Shard(*told)
    assert shard.shard.messages == shard.successor.messages == messages
    assert shard.held() == messages
    for source in (0, 1):
        shard.tell(midnight(60, source=source))
    assert not list(shard.shard._later.records)
    assert shard.shard.messages == shard.successor.messages == messages


STEPS: list[Callable[[int, int], ProfileState]] = [
    # A version says one thing, however often it comes.
    lambda epoch, version: state(version, 3 * version + epoch, epoch=epoch),
    lambda epoch, version: state(version, 3 * version + epoch, epoch=epoch, **later(9)),
    lambda epoch, version: state(version, 3 * version + epoch, epoch=epoch, **later(12), profile_id="q"),
]
TOLD = st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.integers(0, 5))


@given(st.lists(st.one_of(TOLD, st.integers(2, 20)), max_size=25))
def test_it_is_what_the_shares_will_be(steps: list[Any]) -> None:
    shard = Shard()
    for step in steps:
        shard.tell(midnight(step) if isinstance(step, int) else step[0](*step[1:]))
        assert shard.shard.messages == shard.successor.messages
    told = shard.shard.messages
    for source in (0, 1):
        shard.tell(midnight(60, source=source))
    shares = [share for customer in shard.shard.customers.values() for share in customer.shares.values()]
    assert sum(share.accepted for share in shares) == shard.shard.messages == told


def test_sources_count_apart_and_a_profile_that_moves_between_them_counts_once() -> None:
    shard = Shard(state(1, 3), state(1, 4, profile_id="q", partition=1))
    assert (shard.held(0), shard.held(1)) == (3, 4)
    shard.tell(state(2, 6, partition=1))
    assert (shard.held(0), shard.held(1)) == (0, 10)


def test_a_count_stands_until_more_is_told_or_a_later_one() -> None:
    shard = Shard(state(1, 3))
    shard.tell(midnight(2))
    assert shard.shard.counts == {}
    shard.tell(midnight(3, accepted=3))
    expected = Count(to_ms(at(3)), 3, 3)
    shard.tell(state(2, 5))
    for late in (midnight(3, accepted=3), midnight(3, accepted=2), midnight(2, accepted=9), midnight(4)):
        shard.tell(late)
        assert shard.shard.counts == shard.successor.counts == {"profiles/0": expected}
    # A worker that took over has read on before it says the same instant again.
    shard.tell(midnight(3, accepted=5))
    assert shard.shard.counts == {"profiles/0": Count(to_ms(at(3)), 5, 5)}
    shard.tell(midnight(4, accepted=5))
    assert shard.shard.counts == {"profiles/0": Count(to_ms(at(4)), 5, 5)}
