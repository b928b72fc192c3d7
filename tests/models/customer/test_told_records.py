"""A record is sent where it says something new: not again, again after a change, and not again after a restart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.outputs import Tombstone
from ebbtide.models.policy import CorePolicy
from ebbtide.models.record.build import content_of
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Tick, Trait
from ebbtide.schemas.topics import Topic
from support.raw import DAY_0, at

STATES, ANSWERS = Topic.PROFILE_STATES.topic_name, (Topic.MODELS.topic_name, Topic.FLEET_STATS.topic_name)
USER = Identifier(IdentifierType.USER_ID, "u1")
NAME = [Trait("Acme", (DAY_0 + 1) * DAY_MS, 7, "crm")]


def state(version: int, **told: Any) -> ProfileState:
    return ProfileState(
        tenant="t", customer_id="c", anchor=USER, profile_id="p", subject=USER, version=version, arrived_ms=0, **told
    )


def _days(*days: int) -> dict[int, list[int]]:
    return {DAY_0 + day: [1, 0, 0, 0, 0, 5, 5, -1, -1] for day in days}


def used(version: int, *days: int, **more: Any) -> ProfileState:
    return state(version, epoch=0, days=_days(*days), accepted=len(days), totals=[len(days), 0, 0, 0, 0, 0], **more)


class Worker:
    """A shard of customers, flushed after every record, with what it stores."""

    def __init__(self, *, paced: bool = True) -> None:
        self.paced = paced
        self.table: dict[bytes, bytes] = {}
        self.read = dict.fromkeys((STATES, *ANSWERS), 0)
        self.restart()

    def restart(self) -> None:
        self.shard = CustomerShard(0, frozenset({"profiles/0"}), CorePolicy(), self.table.items())

    def midnight(self, day: int, now_ms: int | None = None) -> list[Any]:
        """Let a day begin, by the learner and the fleet too."""
        tick = Tick(source="profiles/0", watermark=at(day), arrived_ms=0)
        return [record for topic in (STATES, *ANSWERS) for record in self.tell(tick, topic, now_ms)]

    def tell(self, record: Any, topic: str = STATES, now_ms: int | None = None) -> list[Any]:
        """The records that are sent then; live with a wall clock."""
        self.shard.apply(topic, self.read[topic], record, now_ms=now_ms)
        self.read[topic] += 1
        flush = self.shard.flush(now_ms if self.paced else None)
        for key, value in flush.writes.items():
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value
        return [output.record for output in flush.outputs if output.topic is Topic.CUSTOMER_RECORDS]

    def owed(self, now_ms: int) -> list[Any]:
        """The records that are sent without anything new."""
        return [output.record for output in self.shard.owed_records(now_ms, 9)]


def test_the_same_again_is_not_told_again() -> None:
    worker = Worker()
    (first,) = worker.tell(used(1, 1))
    assert isinstance(first, CustomerRecord)
    assert first.fields["total_event_count"].value == 1
    # A newer version of the profile that says nothing new, then the same record once more.
    assert worker.tell(used(2, 1)) == []
    assert worker.tell(used(2, 1)) == []


def test_a_change_is_told_with_a_greater_version() -> None:
    worker = Worker()
    (first,) = worker.tell(used(1, 1))
    (second,) = worker.tell(used(2, 1, traits={"name": NAME}))
    assert second.version > first.version
    assert (first.fields["name"].value, second.fields["name"].value) == (None, "Acme")
    (third,) = worker.tell(used(3, 1, 2))
    assert third.version > second.version
    assert third.fields["total_event_count"].value == 2


def test_days_that_pass_are_told_where_they_change_something() -> None:
    worker = Worker()
    worker.tell(used(1, 1))
    (settled,) = worker.midnight(2)
    assert settled.fields["p_churn"].value is not None
    assert worker.midnight(2) == []
    (monday,) = worker.midnight(7)
    assert monday.fields["silence_days"].value == 6


def test_after_a_restart_it_is_known_what_was_told() -> None:
    worker = Worker()
    worker.tell(used(1, 1))
    (told,) = worker.midnight(2)
    worker.restart()
    (customer,) = worker.shard.customers.values()
    assert customer.told == content_of(told)
    assert worker.tell(used(2, 1)) == []
    (more,) = worker.tell(used(3, 1, 2))
    assert more.version > told.version


def test_a_table_that_does_not_say_what_was_told_tells_it_once() -> None:
    worker = Worker()
    worker.tell(used(1, 1))
    for customer in worker.shard.customers.values():
        customer.told = None
    assert len(worker.tell(used(2, 1))) == 1
    assert worker.tell(used(3, 1)) == []


def test_a_record_that_goes_is_told_once_and_told_again_when_it_is_back() -> None:
    worker = Worker()
    worker.tell(used(1, 1))
    (gone,) = worker.tell(state(2, epoch=1, full=True, detached=True))
    assert isinstance(gone, Tombstone)
    assert worker.tell(state(3, epoch=1, full=True, detached=True)) == []
    (back,) = worker.tell(state(4, epoch=2, full=True, days=_days(1), accepted=1))
    assert isinstance(back, CustomerRecord)
    assert back.version > gone.version


def test_what_a_record_says_is_its_values_and_not_its_time() -> None:
    worker = Worker()
    (first,) = worker.tell(used(1, 1))
    assert content_of(_with(first, version=first.version + 9, as_of=at(9))) == content_of(first)
    other = {**first.fields, "name": first.fields["total_event_count"]}
    assert content_of(_with(first, fields=other)) != content_of(first)


def _with(record: CustomerRecord, **changed: Any) -> CustomerRecord:
    held = {name: getattr(record, name) for name in ("tenant", "customer_id", "anchor", "version", "as_of", "fields")}
    return CustomerRecord.unchecked(**{**held, **changed})


def test_live_a_customer_is_told_once_a_second_and_stored_at_once() -> None:
    worker = Worker()
    assert len(worker.tell(used(1, 1), now_ms=10_000)) == 1  # written whole
    assert len(worker.tell(used(2, 1, 2), now_ms=10_999)) == 0
    assert worker.owed(10_999) == []
    assert len(worker.tell(used(3, 1, 2, 3), now_ms=11_000)) == 1
    assert worker.tell(used(4, 1, 2, 3, 4), now_ms=11_500) == []
    (late,) = worker.owed(12_000)
    assert late.fields["total_event_count"].value == 4
    assert worker.owed(12_000) == []
    assert worker.owed(13_000) == []
    # Another clock, or one that was set back, keeps nobody waiting.
    assert len(worker.tell(used(5, 1, 2, 3, 4, 5), now_ms=500)) == 1


def test_what_was_owed_is_told_by_who_takes_over() -> None:
    worker = Worker()
    worker.tell(used(1, 1), now_ms=10_000)
    worker.tell(used(2, 1, 2), now_ms=10_500)
    worker.restart()
    (told,) = worker.owed(10_600)
    assert told.fields["total_event_count"].value == 2
    worker.restart()
    assert worker.owed(10_700) == [told]  # that it was told is not stored yet
    worker.tell(used(2, 1, 2), now_ms=10_800)
    assert worker.owed(20_000) == []


def test_what_an_instant_decided_is_told_at_once() -> None:
    worker = Worker()
    worker.tell(used(1, 1), now_ms=10_000)
    worker.tell(used(2, 1, traits={"name": NAME}), now_ms=10_001)
    told = worker.midnight(2, now_ms=10_002)
    assert told[-1].fields["name"].value == "Acme"
    assert told[-1].fields["p_churn"].value is not None


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["use", "use", "use", "midnight", "crash", "owed"]), st.integers(0, 700)), max_size=25
)


@given(ACTIONS)
def test_the_last_record_is_that_of_who_tells_each_whoever_crashes_when(actions: list[tuple[str, int]]) -> None:
    worker, at_once, now_ms, day, version = Worker(), Worker(paced=False), 10_000, 1, 0
    told, wanted = list[Any](), list[Any]()
    for action, wait in actions:
        now_ms += wait
        match action:
            case "use":
                version += 1
                record = used(version, *range(1, day + 1), uses={DAY_0: {"x": version}})
                told += worker.tell(record, now_ms=now_ms)
                wanted += at_once.tell(record, now_ms=now_ms)
            case "midnight":
                day += 1
                told += worker.midnight(day, now_ms=now_ms)
                wanted += at_once.midnight(day, now_ms=now_ms)
            case "crash":
                worker.restart()
            case _:
                told += worker.owed(now_ms)
    told += worker.owed(now_ms + 1_000)
    versions = [record.version for record in told]
    assert versions == sorted(versions)
    assert [content_of(record) for record in told[-1:]] == [content_of(record) for record in wanted[-1:]]


def test_after_a_restart_they_are_told_some_at_a_time() -> None:
    worker = Worker()
    for number, customer in enumerate("abc"):
        for days in ((1,), (1, 2)):
            worker.tell(replace(used(2 * number + len(days), *days), customer_id=customer), now_ms=10_000)
    worker.restart()
    told = [[output.key for output in worker.shard.owed_records(10_000, 2)] for _ in range(3)]
    assert [len(some) for some in told] == [2, 1, 0]
    assert sorted(told[0] + told[1]) == ["a", "b", "c"]
