"""What a customer's past must not see waits for its instant, also over a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ebbtide.models.customer.later import Later
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.outputs import Flush
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Tick
from ebbtide.schemas.topics import Topic
from support.raw import DAY_0, at

STATES = Topic.PROFILE_STATES.topic_name
DAY_MS = 86_400_000
ACME = Identifier(IdentifierType.GROUP_ID, "acme")


def told(version: int, day: int, *, effective_day: int = 0) -> ProfileState:
    """The profile was active on a day; ``effective_day`` counts from ``DAY_0``, 0 holds at once."""
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id="p",
        subject=ACME,
        version=version,
        effective_ms=(DAY_0 + effective_day) * DAY_MS if effective_day else 0,
        days={DAY_0 + day: [1, 0, 0, 0, 0, 5, 5, -1, -1]},
        arrived_ms=0,
    )


class Restarting:
    """A shard of customers that is stored and begins anew after each record."""

    def __init__(self) -> None:
        self.table: dict[bytes, bytes] = {}
        self.shard = self.restarted()
        self.read = 0

    def restarted(self) -> CustomerShard:
        return CustomerShard(0, frozenset({"profiles/0"}), CorePolicy(), self.table.items())

    def apply(self, record: Any, topic: str = STATES) -> None:
        self.shard.apply(topic, self.read, record, now_ms=None)
        self.read += 1
        flush: Flush = self.shard.flush()
        for key, value in flush.writes.items():
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value
        self.shard = self.restarted()

    def pass_to(self, day: int) -> None:
        self.apply(Tick(source="profiles/0", watermark=at(day - 0.4), arrived_ms=0))

    def wait_for_nobody(self) -> None:
        """Learner and fleet have answered for all time."""
        for source, topic in (("learner", Topic.MODELS), ("fleet", Topic.FLEET_STATS)):
            self.apply(Tick(source=source, watermark=at(99), arrived_ms=0), topic.topic_name)

    @property
    def days(self) -> list[int]:
        customer = self.shard.customers["c"]
        return [day - DAY_0 for day in self.shard.view(customer).series.days]


def test_a_record_waits_for_the_instant_it_holds_from() -> None:
    customers = Restarting()
    customers.apply(told(1, 1))
    customers.pass_to(3)
    customers.wait_for_nobody()
    settled = customers.shard.settled_day
    assert settled is not None
    first = settled - DAY_0
    customers.apply(told(2, 2, effective_day=first + 4))
    customers.apply(told(3, 3, effective_day=first + 4))
    assert customers.days == [1]
    customers.pass_to(first + 4)
    assert customers.days == [1, 2, 3]
    # From now on it holds at once.
    customers.apply(told(4, 4, effective_day=first + 4))
    assert customers.days == [1, 2, 3, 4]
    assert not [key for key in customers.table if key.startswith(b"@later")]


def test_a_stored_record_that_will_be_read_again_does_not_wait_twice() -> None:
    """A crash between two writes: the record is in the table already, and the offset behind it was not applied."""
    before = Later((), -1)
    before.put(6, told(1, 1, effective_day=2))
    before.put(7, told(2, 1, effective_day=2))
    stored = [(key, value) for key, value in before.take_writes().items() if value is not None]
    assert len(stored) == 2
    after = Later(stored, 6)
    assert [record.version for record in after.take((DAY_0 + 9) * DAY_MS)] == [1]


def test_a_visitor_nobody_can_name_is_not_due_after_a_restart_either() -> None:
    customers = Restarting()
    customers.apply(replace(told(1, 1), anchor=Identifier(IdentifierType.ANONYMOUS_ID, "a1")))
    customers.pass_to(3)
    customers.wait_for_nobody()
    customers.pass_to(6)
    assert customers.shard.customers["c"].due_day is None
    customers.apply(told(2, 7))
    assert customers.shard.customers["c"].due_day == DAY_0 + 8
