"""Lanes: what waits, in which order, and what a newer version makes needless."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ebbtide.models.delivery.lanes import SUCCESSOR_WAIT_MS, Lanes, Waiting
from ebbtide.schemas.deliveries import DeliveryKind
from support.delivered import alert, message, record, score, waiting


def lanes_with(*offered: Waiting) -> Lanes:
    lanes = Lanes()
    for one in offered:
        assert lanes.offer(one) == []
    return lanes


def test_a_newer_score_takes_the_place_of_one_that_waits() -> None:
    lanes, old, new = Lanes(), waiting(score(version=1)), waiting(score(version=2, offset=1))
    assert lanes.offer(old) == []
    assert lanes.offer(new) == [old]
    assert lanes.take(0, 10) == [new]
    assert lanes.count == 1


def test_an_older_one_is_needless_itself() -> None:
    lanes, new = Lanes(), waiting(score(version=5))
    assert lanes.offer(new) == []
    old = waiting(score(version=4, offset=9))
    assert lanes.offer(old) == [old]
    assert lanes.take(0, 10) == [new]


def test_what_is_under_way_is_not_replaced_but_not_repeated_either() -> None:
    lanes, old, new = Lanes(), waiting(score(version=1)), waiting(score(version=2, offset=1))
    lanes.offer(old)
    assert lanes.take(0, 1) == [old]
    assert lanes.offer(new) == []
    assert lanes.take(0, 1) == [], "one of a customer at a time"
    assert not lanes.again(old, 60_000), "the newer one goes instead"
    assert lanes.take(0, 1) == []
    assert lanes.take(SUCCESSOR_WAIT_MS, 1) == [new], "after a while, not at once: the endpoint just failed"


def test_the_newer_one_need_not_wait_as_long_as_the_one_that_failed() -> None:
    lanes, old = Lanes(), waiting(record(version=1))
    lanes.offer(old)
    lanes.take(0, 1)
    old.failures = 4
    assert lanes.again(old, 7_200_000)
    new = waiting(record(version=2, offset=1), due_ms=1_000)
    assert lanes.offer(new) == [old]
    assert new.due_ms == 1_000 + SUCCESSOR_WAIT_MS


def test_alerts_never_replace_each_other() -> None:
    first, second = waiting(alert(version=1)), waiting(alert(version=2, offset=1))
    lanes = lanes_with(first, second)
    assert lanes.take(0, 10) == [first]
    lanes.finish(first)
    assert lanes.take(0, 10) == [second]


def test_an_alert_that_is_read_twice_waits_once() -> None:
    lanes = lanes_with(waiting(alert(version=1)))
    again = waiting(alert(version=1))
    assert lanes.offer(again) == [again]


def test_a_failed_alert_holds_up_later_ones_of_its_customer_and_nothing_else() -> None:
    failed, later = waiting(alert(version=1)), waiting(alert(version=2, offset=1))
    other, its_score = waiting(alert("other", offset=2)), waiting(score(offset=3))
    lanes = lanes_with(failed, later, other, its_score)
    assert lanes.take(0, 2) == [failed, other]
    assert lanes.again(failed, 5_000)
    assert lanes.take(0, 10) == [its_score]
    lanes.finish(its_score)
    lanes.finish(other)
    assert lanes.next_due_ms() == 5_000
    assert lanes.take(5_000, 10) == [failed]


def test_one_that_must_go_alone_goes_alone() -> None:
    alone = waiting(record("b"), alone=True)
    lanes = lanes_with(waiting(record("a")), alone, waiting(record("c")))
    assert [one.message.key for one in lanes.take(0, 10)] == ["a"]
    assert lanes.take(0, 10) == [alone]
    assert [one.message.key for one in lanes.take(0, 10)] == ["c"]


def test_what_waits_long_is_found_once_with_all_behind_it() -> None:
    first, second = waiting(alert(version=1), due_ms=90_000), waiting(alert(version=2, offset=1))
    lanes = lanes_with(first, second, waiting(score("soon"), due_ms=10))
    assert list(lanes.slow(60_000)) == [first, second]
    first.parked = second.parked = True
    assert list(lanes.slow(60_000)) == []
    third = waiting(alert(version=3, offset=2))
    lanes.offer(third)
    assert list(lanes.slow(60_000)) == [third], "it stands behind one that waits long"
    lanes.finish(first)
    assert list(lanes.slow(60_000)) == []


def test_a_lane_that_is_gone_is_slow_no_more() -> None:
    one = waiting(alert(), due_ms=90_000)
    lanes = lanes_with(one)
    lanes.finish(one)
    assert list(lanes.slow(0)) == []
    lanes.finish(one)
    assert not lanes.again(one, 5)
    assert lanes.next_due_ms() is None
    assert (lanes.count, lanes.bytes) == (0, 0)


def test_a_partition_that_goes_takes_its_records_with_it() -> None:
    ours, theirs = waiting(score("a", partition=1)), waiting(score("b", partition=2))
    lanes = lanes_with(ours, theirs)
    under_way = lanes.take(0, 10)
    assert set(under_way) == {ours, theirs}
    assert lanes.forget(2) == [theirs]
    assert ours in lanes
    assert theirs not in lanes
    assert not lanes.again(theirs, 5)
    assert lanes.count == 1


def test_many_updates_of_a_customer_leave_one_note() -> None:
    lanes = Lanes()
    failed = waiting(score(version=0), due_ms=0)
    lanes.offer(failed)
    for version in range(1, 2_000):
        lanes.offer(waiting(score(version=version, offset=version), due_ms=version))
    assert len(lanes._due) <= 2
    assert lanes.count == 1
    assert lanes.due(10**9) >= 1


def test_a_note_that_comes_too_early_is_put_off() -> None:
    one, other = waiting(alert(version=1), due_ms=5), waiting(score(version=1, offset=1), due_ms=50)
    lanes = lanes_with(one, other)
    assert lanes.next_due_ms() == 5
    taken = lanes.take(5, 1)
    lanes.finish(taken[0])
    assert lanes.next_due_ms() == 50
    assert lanes.take(20, 1) == []
    lanes.offer(waiting(alert(version=2, offset=3), due_ms=10))
    assert lanes.next_due_ms() == 10
    replaced = waiting(score(version=2, offset=9), due_ms=70)
    lanes.offer(replaced)
    first = lanes.take(10, 1)[0]
    lanes.finish(first)
    assert lanes.take(60, 1) == []
    assert lanes.take(70, 1) == [replaced]


def test_a_turn_that_was_put_off_is_not_taken_early() -> None:
    lanes = lanes_with(waiting(score(version=1), due_ms=5))
    later = waiting(score(version=2, offset=1), due_ms=50)
    lanes.offer(later)
    assert lanes.take(20, 1) == []
    assert lanes.take(50, 1) == [later]


class Deliveries(RuleBasedStateMachine):
    """Any order of offers, takes, failures and deliveries keeps what lanes promise."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes()
        self.now, self.offset = 0, 0
        self.version: dict[tuple[DeliveryKind, str], int] = defaultdict(int)
        self.offered: dict[tuple[DeliveryKind, str], list[int]] = defaultdict(list)
        self.delivered: dict[tuple[DeliveryKind, str], list[int]] = defaultdict(list)
        self.replaced: dict[tuple[DeliveryKind, str], set[int]] = defaultdict(set)
        self.under_way: list[Waiting] = []

    def name(self, one: Waiting) -> tuple[DeliveryKind, str]:
        return one.message.kind, one.message.key

    @rule(kind=st.sampled_from(DeliveryKind), customer=st.sampled_from("abc"), later=st.integers(0, 100))
    def offer(self, kind: DeliveryKind, customer: str, later: int) -> None:
        name = kind, customer
        self.version[name] += 1
        self.offset += 1
        told = message(kind, customer, self.version[name], offset=self.offset)
        self.offered[name].append(told.version)
        for needless in self.lanes.offer(waiting(told, self.now + later)):
            assert needless.coalesces
            assert needless.message.version < told.version
            self.replaced[name].add(needless.message.version)

    @rule(most=st.integers(1, 4))
    def take(self, most: int) -> None:
        due = self.lanes.next_due_ms()
        taken = self.lanes.take(self.now, most)
        assert len(taken) <= most
        assert bool(taken) == (due is not None and due <= self.now)
        self.under_way += taken
        customers = [one.message.key for one in self.under_way]
        assert len(customers) == len(set(customers)), "one of a customer at a time"

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        if self.under_way:
            one = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
            self.lanes.finish(one)
            self.delivered[self.name(one)].append(one.message.version)

    @rule(data=st.data(), later=st.integers(0, 300))
    def fail(self, data: st.DataObject, later: int) -> None:
        if self.under_way:
            one = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
            one.failures += 1
            if not self.lanes.again(one, self.now + later):
                assert one.coalesces
                self.replaced[self.name(one)].add(one.message.version)

    @rule(by=st.integers(1, 400))
    def wait(self, by: int) -> None:
        self.now += by

    @invariant()
    def in_order_and_complete(self) -> None:
        left: dict[tuple[DeliveryKind, str], list[int]] = defaultdict(list)
        for one in self.lanes.waiting():
            left[self.name(one)].append(one.message.version)
        assert self.lanes.count == sum(map(len, left.values()))
        assert self.lanes.bytes == sum(one.message.size for one in self.lanes.waiting())
        for name, offered in self.offered.items():
            delivered = self.delivered[name]
            assert delivered == sorted(set(delivered)), "each once, in order"
            assert sorted([*delivered, *left[name], *self.replaced[name]]) == offered, "nothing is lost"
            if name[0] is DeliveryKind.ALERT:
                assert not self.replaced[name]
            else:
                assert len(left[name]) <= 2, "the newest, and at most one that is under way"

    def teardown(self) -> None:
        """In the end everything arrives."""
        self.now += 10_000
        for one in self.under_way:
            self.lanes.again(one, self.now)
        while taken := self.lanes.take(self.now, 3):
            for one in taken:
                self.lanes.finish(one)
            self.now += 10_000
        assert self.lanes.count == 0


TestDeliveries = Deliveries.TestCase


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 50)), max_size=40))
def test_who_is_due_longest_goes_first(offers: list[tuple[str, int]]) -> None:
    lanes = Lanes()
    for number, (customer, due) in enumerate(offers):
        lanes.offer(waiting(alert(customer, number, offset=number), due))
    taken = lanes.take(100, 10)
    firsts: dict[str, int] = {}
    for customer, due in offers:
        firsts.setdefault(customer, due)
    assert [one.due_ms for one in taken] == sorted(firsts.values())
