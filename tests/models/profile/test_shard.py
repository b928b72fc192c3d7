"""A partition of profiles: who owns what, conservation, order, duplicates, restarts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.view import View, fold
from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.models.identity.links import weight_of
from ebbtide.models.intake.accept import Door
from ebbtide.models.outputs import Flush
from ebbtide.models.policy import CorePolicy, DedupePolicy
from ebbtide.models.profile.profile import mark_of_id
from ebbtide.models.profile.shard import ProfileShard, decode
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.events import Event, Identifier, IdentifierType
from ebbtide.schemas.identity import AccountOf, IdentityAssignment, IdentityLink
from ebbtide.schemas.profile_state import ProfileState
from support.histories import POLICY, history
from support.raw import DAY_0, NOW, at, fact, in_account, iso, messages, track

SEEDS = st.integers(0, 10_000)
SOURCES = frozenset({"raw-behavior/0"})
IDENTITY = frozenset({"identity/0"})


def events(bodies: list[dict[str, Any]]) -> list[Event]:
    """What the door lets in."""
    verdicts = [Door(CorePolicy().intake, "t").accept(m, now_ms=to_ms(NOW)) for m in messages(bodies)]
    return [verdict for verdict in verdicts if isinstance(verdict, Event)]


class Customers:
    """Folds profile states as the customers do."""

    def __init__(self) -> None:
        self.customers: dict[str, tuple[Customer, View]] = {}

    def take(self, flush: Flush) -> None:
        for output in flush.outputs:
            record = output.record
            if isinstance(record, ProfileState):
                if record.customer_id not in self.customers:
                    customer = Customer(record.customer_id, "t", record.anchor.type, record.anchor.value)
                    self.customers[record.customer_id] = (customer, View(customer))
                fold(*self.customers[record.customer_id], ProfileState.from_json(record.to_json()))

    def content(self) -> dict[str, Any]:
        """Everything a customer holds, by id; customers that hold nothing left out."""
        return {
            customer_id: (
                {day: view.series.get(day) for day in view.series.days},
                {name: trait[0] for name, trait in view.traits(customer).items()},
                view.outcomes(customer),
                sum(share.accepted for share in customer.shares.values() if not share.detached),
            )
            for customer_id, (customer, view) in self.customers.items()
            if not all(share.detached for share in customer.shares.values())
        }


def whole(found: list[Event], cuts: Set[int] = frozenset()) -> Customers:
    """Fold all events, flushing after some."""
    shard, customers = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None), Customers()
    for offset, event in enumerate(found):
        shard.apply(offset, replace(event, origin=None))
        if offset in cuts:
            customers.take(shard.flush())
    customers.take(shard.flush())
    return customers


@given(SEEDS, SEEDS, st.sets(st.integers(0, 200), max_size=20))
def test_order_and_flushes_do_not_matter(seed: int, order: int, cuts: set[int]) -> None:
    found = events(history(seed))
    expected = whole(found).content()
    mixed = list(found)
    Random(order).shuffle(mixed)
    assert whole(mixed, cuts).content() == expected
    assert sum(content[3] for content in expected.values()) == len(found)


@example(2441, 0, [4])
@given(SEEDS, SEEDS, st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_a_refold_with_other_flushes_is_the_same(seed: int, order: int, steps: list[int]) -> None:
    """The shard crashes after its outputs were sent, comes back with an older state, and flushes elsewhere."""
    found, rng = events(history(seed)), Random(order)
    table: dict[bytes, bytes | None] = {}
    customers, start = Customers(), 0
    for step in steps:
        shard = ProfileShard(0, SOURCES, IDENTITY, POLICY, table.get)
        for offset in range(start, min(start + step, len(found))):
            shard.apply(offset, found[offset])
            if rng.random() < 0.1:
                flush = shard.flush()
                customers.take(flush)
                table.update(flush.writes)
                start = offset + 1
        flush = shard.flush()
        customers.take(flush)
        if rng.random() < 0.5:
            table.update(flush.writes)
            start = shard.applied + 1
        elif rng.random() < 0.5:
            table.update(dict(list(flush.writes.items())[: rng.randrange(len(flush.writes))]))
    shard = ProfileShard(0, SOURCES, IDENTITY, POLICY, table.get)
    for offset, event in enumerate(found):
        shard.apply(offset, event)
    customers.take(shard.flush())
    assert customers.content() == whole(found).content()


def owner(kind: IdentifierType, value: str) -> str:
    return canonical_id("t", Identifier(type=kind, value=value))


def days_of(bodies: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Active days by the value of the customer's anchor."""
    return {
        customer.anchor_value: [day - DAY_0 for day in view.series.days]
        for customer, view in whole(events(bodies)).customers.values()
        if view.series.days
    }


def test_activity_without_account_belongs_day_by_day_to_the_only_account() -> None:
    alone = [track("x", at(day), f"m{day}") for day in (1, 4, 5, 8, 9)]
    joins = [
        {"type": "group", "userId": "u1", "groupId": "g1", "messageId": "j1", "timestamp": "2025-01-10T12:00:00Z"},
        {"type": "group", "userId": "u1", "groupId": "g2", "messageId": "j2", "timestamp": "2025-01-14T12:00:00Z"},
    ]
    assert days_of(alone) == {"u1": [1, 4, 5, 8, 9]}
    assert days_of(alone + joins[:1]) == {"u1": [1], "g1": [4, 5, 8, 9]}
    assert days_of(alone + joins) == days_of(joins + alone) == {"u1": [1, 8, 9], "g1": [4, 5]}


def test_both_slots_of_a_person_count_for_its_account() -> None:
    body = [track("x", at(1), "m1"), track("x", at(1, 5), "m2", **in_account("g1")), track("x", at(2), "m3")]
    customers = whole(events(body))
    _, view = customers.customers[owner(IdentifierType.GROUP_ID, "g1")]
    assert [view.series.get(DAY_0 + day) for day in (1, 2)] == [
        [2, 0, 0, 0, 0, 0, 5, -1, -1],
        [1, 0, 0, 0, 0, 0, 0, -1, -1],
    ]


def test_machines_count_as_messages_only() -> None:
    found = whole(events([track("login", at(1), "m1", context={"machine": True})])).content()
    assert [(content[0], content[3]) for content in found.values()] == [({}, 1)]


def test_a_late_login_does_not_move_the_last_one_back() -> None:
    body = [track("login", at(2, 50), "m1"), track("login", at(2, 40), "m2"), track("x", at(2, 60), "m3")]
    ((days, _, _, _),) = whole(events(body)).content().values()
    assert days[DAY_0 + 2] == [3, 2, 0, 0, 0, 40, 60, 40, 50]


def test_the_ring_forgets_the_oldest() -> None:
    policy = CorePolicy(dedupe=DedupePolicy(ring_size=2))
    shard = ProfileShard(0, SOURCES, IDENTITY, policy, lambda _key: None)
    for offset, event in enumerate(events([track("x", at(1), name) for name in ("a", "b", "b", "c", "a")])):
        shard.apply(offset, event)
    assert (shard.accepted, shard.duplicates, shard.applied) == (4, 1, 4)


def test_what_a_crashed_door_sent_twice_is_dropped_by_its_origin() -> None:
    shard = ProfileShard(0, SOURCES, IDENTITY, CorePolicy(), lambda _key: None)
    one, two = events([track("x", at(1), "a"), track("x", at(1), "b")])
    for offset, event in enumerate([one, two, one, two]):
        shard.apply(offset, event)
    shard.apply(3, one)
    assert (shard.accepted, shard.duplicates) == (2, 2)


def test_a_bind_is_sent_whenever_it_is_said() -> None:
    shard = ProfileShard(0, SOURCES, IDENTITY, CorePolicy(), lambda _key: None)
    bind = {"type": "alias", "userId": "u1", "context": {"traits": {"phone": "187"}}}
    days = ["2025-01-07", "2025-01-08", "2025-01-06", "2025-01-09"]
    body = [{**bind, "messageId": day, "timestamp": f"{day}T00:00:00Z"} for day in [*days, days[0]]]
    body.insert(
        3, {**body[1], "type": "track", "event": "x", "messageId": "track", "timestamp": "2025-01-09T00:00:00Z"}
    )
    for offset, event in enumerate(events(body)):
        shard.apply(offset, event)
    links = [output for output in shard.flush().outputs if output.topic.topic_name == "identity-links"]
    assert [getattr(output.record, "event_id", None) for output in links] == days


def test_links_are_sent_once_unless_the_evidence_is_better() -> None:
    shard = ProfileShard(0, SOURCES, IDENTITY, CorePolicy(), lambda _key: None)
    body: list[dict[str, Any]] = [
        {"type": "page", "userId": "u1", "anonymousId": "a1", "messageId": "1", "timestamp": "2025-01-07T00:00:00Z"},
        {"type": "page", "userId": "u1", "anonymousId": "a1", "messageId": "2", "timestamp": "2025-01-08T00:00:00Z"},
        {"type": "page", "userId": "u1", "anonymousId": "a1", "messageId": "3", "timestamp": "2025-01-06T00:00:00Z"},
        {"type": "identify", "userId": "u1", "anonymousId": "a1", "messageId": "4"},
        {"type": "group", "userId": "u1", "groupId": "g1", "messageId": "5"},
    ]
    for offset, event in enumerate(events(body)):
        shard.apply(offset, event)
    links = [output for output in shard.flush().outputs if output.topic.topic_name == "identity-links"]
    assert [getattr(output.record, "event_id", None) for output in links] == ["1", "3", "4", "5"]


def test_facts_no_table_could_keep_are_cut_down() -> None:
    ids = {"group_id": "g1"}
    deep = [{"big": 2**64, "huge": 10**400, "small": -1, "flag": True}]
    ((_, _, outcomes, _),) = (
        whole(events([fact("touchpoint", at(1), "f", ids, kind="call", deep=deep)])).content().values()
    )
    cut = [{"big": float(2**64), "huge": None, "small": -1, "flag": True}]
    assert outcomes[0][2] == {"kind": "call", "deep": cut}


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="layout"):
        decode(b"\x02")


def test_values_of_a_day_are_added_once() -> None:
    body = [track("login", at(1), f"m{n % 3}") for n in range(9)]
    ((days, _, _, _),) = whole(events(body)).content().values()
    assert Counter({day: bucket[0] for day, bucket in days.items()}) == {DAY_0 + 1: 3}


def test_an_assignment_moves_what_was_done_and_an_older_one_changes_nothing() -> None:
    shard, customers = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None), Customers()
    (event,) = events([{"type": "page", "anonymousId": "a1", "messageId": "1", "timestamp": "2025-01-07T00:00:00Z"}])
    shard.apply(0, event)
    customers.take(shard.flush())

    def assign(offset: int, user: str, epoch: int) -> dict[str, Any]:
        anchor = Identifier(IdentifierType.USER_ID, user)
        owner_id = owner(IdentifierType.USER_ID, user)
        shard.assign(offset, IdentityAssignment("t", event.subject, anchor, owner_id, epoch, 0, 0))
        customers.take(shard.flush())
        return customers.content()

    before = customers.content()
    assert list(before) == [owner(IdentifierType.ANONYMOUS_ID, "a1")]
    after = assign(0, "u1", 5)
    assert list(after) == [owner(IdentifierType.USER_ID, "u1")]
    assert list(after.values()) == list(before.values())
    # Read again, and an older one that comes late.
    assert assign(0, "u2", 9) == after
    assert assign(1, "u2", 5) == assign(2, "u2", 4) == after
    assert list(assign(3, "u2", 6)) == [owner(IdentifierType.USER_ID, "u2")]


def test_what_changed_before_an_assignment_is_told_with_it_once() -> None:
    shard = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None)
    first, second, third = events([track("login", at(1), f"m{n}") for n in range(3)])
    anchor = Identifier(IdentifierType.USER_ID, "u9")

    def told() -> list[tuple[str, bool, int]]:
        records = [output.record for output in shard.flush().outputs]
        return [(one.anchor.value, one.full, one.accepted) for one in records if isinstance(one, ProfileState)]

    shard.apply(0, first)
    shard.assign(0, IdentityAssignment("t", first.subject, anchor, owner(anchor.type, anchor.value), 1, 0, 0))
    assert told() == [("u9", True, 1)]
    shard.apply(1, second)
    shard.assign(1, IdentityAssignment("t", first.subject, first.subject, "", 2, 0, 0))
    shard.apply(2, third)
    # All of it to the new owner, the old one's part away, then what came after.
    assert told() == [(first.subject.value, True, 2), ("u9", True, 0), (first.subject.value, False, 3)]
    # Identity says it again: nobody hears of it, but what comes after is told under the newer epoch.
    shard.assign(2, IdentityAssignment("t", first.subject, first.subject, "", 3, DAY_MS, 0))
    assert told() == []
    [profile] = shard.profiles
    assert (profile.epoch, profile.assigned_ms, profile.effective_ms) == (3, DAY_MS, 0)


def test_what_a_profile_took_for_granted_is_not_told() -> None:
    shard = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None)
    (event,) = events([track("login", at(1), "m1")])
    shard.apply(0, event)
    assert len(shard.flush().outputs) == 1
    shard.assign(0, IdentityAssignment("t", event.subject, event.subject, "", 1, 0, 0))
    assert shard.flush().outputs == []


def test_an_assignment_moves_only_what_it_says() -> None:
    """A person in two accounts, told of both: one of them turns out to be another, and back."""
    mine = [track("view", at(1), "m1", **in_account("g1")), track("view", at(2), "m2", **in_account("g2"))]
    one, two, three = events([*mine, track("view", at(3), "m3", **in_account("g1"))])
    shard, customers = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None), Customers()
    for offset, event in enumerate((one, two)):
        shard.apply(offset, replace(event, origin=None))
        customers.take(shard.flush())
    for epoch, group in ((1, "g3"), (2, "g1")):
        accounts = [AccountOf("g1", Identifier(IdentifierType.GROUP_ID, group), [(DAY_0 + 1, None)])]
        shard.assign(epoch, IdentityAssignment("t", one.subject, one.subject, "", epoch, 0, 0, accounts))
        customers.take(shard.flush())
        assert set(customers.content()) == {owner(IdentifierType.GROUP_ID, name) for name in (group, "g2")}
    shard.apply(2, replace(three, origin=None))
    customers.take(shard.flush())
    assert [content[3] for content in customers.content().values()] == [2, 1]


def test_what_names_no_account_goes_to_that_of_its_day_after_an_assignment_too() -> None:
    one, two = (replace(event, origin=None) for event in events([track("view", at(day), f"m{day}") for day in (1, 2)]))
    shard, customers = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None), Customers()
    shard.apply(0, one)
    customers.take(shard.flush())
    accounts = [AccountOf("g1", Identifier(IdentifierType.GROUP_ID, "g1"), [(DAY_0, None)])]
    shard.assign(0, IdentityAssignment("t", one.subject, one.subject, "", 1, 0, 0, accounts))
    customers.take(shard.flush())
    shard.apply(1, two)
    customers.take(shard.flush())
    [(customer_id, content)] = customers.content().items()
    assert (customer_id, list(content[0])) == (owner(IdentifierType.GROUP_ID, "g1"), [DAY_0 + 1, DAY_0 + 2])
    [profile] = shard.stored
    assert list(profile.seen) == [mark_of_id("m1"), mark_of_id("m2")]


def test_an_account_in_which_a_profile_did_nothing_does_not_hear_of_it() -> None:
    shard = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None)
    (event,) = events([track("login", at(1), "m1", **in_account("acme"))])
    shard.apply(0, event)
    anchors = [Identifier(IdentifierType.GROUP_ID, group) for group in ("acme", "other")]
    accounts = [AccountOf(anchor.value, anchor, [(DAY_0, None)]) for anchor in anchors]
    shard.assign(0, IdentityAssignment("t", event.subject, event.subject, "", 1, 0, 0, accounts))
    records = [output.record for output in shard.flush().outputs]
    assert [one.anchor.value for one in records if isinstance(one, ProfileState)] == ["acme"]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["track", "identify", "alias"])), min_size=1), st.randoms()
)
def test_the_best_evidence_before_any_instant_is_sent_in_any_order(calls: list[tuple[int, str]], rng: Random) -> None:
    """A partition of raw records that is read fast brings later evidence first; owners are decided as of instants."""
    bodies: list[dict[str, Any]] = [
        {
            "type": kind,
            "event": "x",
            "userId": "u1",
            "anonymousId": "a1",
            "messageId": f"m{n}",
            "timestamp": iso(at(day)),
        }
        for n, (day, kind) in enumerate(calls)
    ]
    rng.shuffle(bodies)
    shard = ProfileShard(0, SOURCES, IDENTITY, POLICY, lambda _key: None)
    found = events(bodies)
    sent: list[IdentityLink] = []
    for offset, event in enumerate(found):
        shard.apply(offset, replace(event, origin=None))
        sent += [output.record for output in shard.flush().outputs if isinstance(output.record, IdentityLink)]
    for day in range(8):
        known = [weight_of(event) for event in found if event.occurred_at < at(day)]
        told = [(int(link.evidence), to_ms(link.occurred_at)) for link in sent if link.occurred_at < at(day)]
        assert min(told, default=None) == min(known, default=None)
        # A bind counts anew after an unbind: all of them are sent.
        assert sorted(weight for weight in told if weight[0] == 1) == sorted(
            weight for weight in known if weight[0] == 1
        )
    assert len(sent) <= len(found)
