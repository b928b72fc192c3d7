"""A customer that is left with nothing: its alerts are resolved, then its record goes, until it comes back."""

from __future__ import annotations

from typing import Any

from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.outputs import Tombstone
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.alert import AlertCandidate
from ebbtide.schemas.customer_record import CustomerRecord
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Tick, Trait
from ebbtide.schemas.topics import Topic
from support.raw import DAY_0, at

STATES, MODELS = Topic.PROFILE_STATES.topic_name, Topic.MODELS.topic_name
FLEET = Topic.FLEET_STATS.topic_name
USER = Identifier(IdentifierType.USER_ID, "u1")
EVERY_TWO_DAYS = {DAY_0 + 6 + 2 * n: [1, 0, 0, 0, 0, 5, 5, -1, -1] for n in range(6)}


def state(version: int, **told: Any) -> ProfileState:
    """What a profile says to the customer."""
    return ProfileState(
        tenant="t", customer_id="c", anchor=USER, profile_id="p", subject=USER, version=version, arrived_ms=0, **told
    )


def active(version: int, epoch: int = 0) -> ProfileState:
    return state(version, epoch=epoch, full=True, days=EVERY_TWO_DAYS, accepted=6)


def detached(version: int, epoch: int) -> ProfileState:
    return state(version, epoch=epoch, full=True, detached=True)


def midnight(day: int, *, observe: bool = False) -> Tick:
    return Tick(source="profiles/0", watermark=at(day), observe=observe, arrived_ms=0)


class Shard:
    """A shard of customers, flushed after every record."""

    def __init__(self) -> None:
        self.table: dict[bytes, bytes] = {}
        self.read = {STATES: 0, MODELS: 0, FLEET: 0}
        self.versions: list[int] = []
        self.restart()

    def restart(self) -> None:
        self.shard = CustomerShard(0, frozenset({"profiles/0"}), CorePolicy(), self.table.items())

    def tell(self, record: Any, topic: str = STATES) -> list[str]:
        """What is sent of records and alerts then, in order."""
        self.shard.apply(topic, self.read[topic], record, now_ms=None)
        self.read[topic] += 1
        flush = self.shard.flush()
        self.table.update({key: value for key, value in flush.writes.items() if value is not None})
        said = []
        for output in flush.outputs:
            told = output.record
            if isinstance(told, CustomerRecord | Tombstone):
                self.versions.append(told.version)
                alerts = [] if isinstance(told, Tombstone) else [str(name) for name in told.fields["open_alerts"].value]
                said.append("gone" if isinstance(told, Tombstone) else f"record {alerts}")
            elif isinstance(told, AlertCandidate):
                said.append(f"{told.alert.type} {told.alert.state}")
        return said

    def trained(self, day: int) -> list[str]:
        said = self.tell(Tick(source="learner", watermark=at(day), arrived_ms=0), MODELS)
        return said + self.tell(Tick(source="fleet", watermark=at(day), arrived_ms=0), FLEET)


def test_a_merge_takes_the_record_away_and_an_unmerge_brings_it_back() -> None:
    shard = Shard()
    assert shard.tell(active(1)) == ["record []"]
    assert shard.tell(midnight(17)) == []  # The first week waits for its model.
    assert shard.trained(99)[-1] == "record []"
    assert shard.tell(midnight(20))[-2:] == ["asleep open", "record ['asleep']"]
    # Merged: nobody may believe that the alert is open still, so it is resolved before the record goes.
    assert shard.tell(detached(2, epoch=1)) == ["record ['asleep']"]
    assert shard.tell(midnight(21)) == ["asleep resolved", "gone"]
    # A late word of before says nothing; where it is heard, nothing is said but what was.
    assert shard.tell(active(1)) == []
    # Nothing is left to look at, whatever time it is.
    assert shard.tell(midnight(22)) == []
    assert shard.tell(midnight(23, observe=True)) == []
    shard.restart()
    assert shard.tell(active(3, epoch=2)) == ["record []"]
    assert shard.tell(detached(4, epoch=3)) == ["gone"]
    assert shard.versions == sorted(set(shard.versions))


def test_a_visitor_of_whom_no_alert_is_open_is_gone_at_once_and_again_after_a_crash() -> None:
    shard = Shard()
    assert shard.tell(active(1)) == ["record []"]
    before = dict(shard.table)
    assert shard.tell(detached(2, epoch=1)) == ["gone"]
    for stored, again in ((before, ["gone"]), (shard.table | {b"@partition": before[b"@partition"]}, [])):
        # Sent, and not stored, or stored in part: it is read again. What is stored of it was sent before.
        shard.table, shard.read[STATES] = dict(stored), 1
        shard.restart()
        assert shard.tell(detached(2, epoch=1)) == again
    assert len(set(shard.versions)) == 2


def test_whoever_never_had_a_record_has_none_to_take_away() -> None:
    assert Shard().tell(detached(2, epoch=1)) == []


def test_versions_grow_with_what_is_known_though_models_come_in_between() -> None:
    """A worker that died had heard more of the models, its successor hears more of the customer."""
    died, successor = Shard(), Shard()
    for day in range(5):
        died.trained(day)
    assert died.tell(active(1)) == ["record []"]
    successor.tell(active(1))
    assert successor.tell(detached(2, epoch=1)) == ["gone"]
    assert successor.versions[-1] > died.versions[-1]
    successor.trained(1)
    successor.tell(detached(3, epoch=2))
    assert successor.versions == sorted(set(successor.versions))


def test_who_is_known_by_facts_alone_after_a_move_has_no_open_alert() -> None:
    """All activity counts for another customer now; what the CRM told of it stays."""
    shard = Shard()
    known = ProfileState(
        tenant="t",
        customer_id="c",
        anchor=USER,
        profile_id="q",
        subject=USER,
        version=1,
        arrived_ms=0,
        traits={"name": [Trait("Acme", DAY_0 * 86_400_000, 1, "crm")]},
    )
    shard.tell(active(1))
    shard.tell(known)
    shard.tell(midnight(17))
    shard.trained(99)
    assert shard.tell(midnight(20))[-2:] == ["asleep open", "record ['asleep']"]
    shard.tell(detached(2, epoch=1))
    assert shard.tell(midnight(21)) == ["asleep resolved", "record []"]
    (customer,) = shard.shard.customers.values()
    assert (customer.score, customer.tier, customer.observations) == (None, None, [])
    assert customer.states["lifecycle"].value == "acquisition"
