"""The fleet's stage: an instant is told once, when everybody has reported it, whatever happens on the way."""

from __future__ import annotations

from random import Random

import pytest

from ebbtide.models.fleet.business import Business, Trainings
from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.fleet.stage import META_KEY, FleetStage
from ebbtide.models.fleet.summary import PartitionSums
from ebbtide.models.leads.interest import Interest
from ebbtide.models.leads.lead_priority import Priority, rank_key
from ebbtide.models.outputs import EVERY_PARTITION
from ebbtide.models.policy import CorePolicy, FleetPolicy
from ebbtide.models.value.attendance import Changes, Group
from ebbtide.models.value.first_touch import FirstTouch, Stage
from ebbtide.models.value.moments import Moments
from ebbtide.schemas.alert import DayActivity
from ebbtide.schemas.fleet import ChannelSpend, FleetStats, GridSummary
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from support.raw import DAY_0, at
from support.triage import activity

SOURCES = frozenset({"customers/0", "customers/1"})
POLICY = CorePolicy(fleet=FleetPolicy(min_segment=1))
Record = GridSummary | ChannelSpend | DayActivity | Tick


def summary(partition: int, day: int, customers: int, tenant: str = "t") -> GridSummary:
    sums = PartitionSums(POLICY.fleet.accuracy, POLICY.lead.ranked, POLICY.look_alike.candidates)
    for n in range(customers):
        sums.add(tenant, Contribution(f"s{n % 2}", {"value_365d": float(n)}, ["awake"], []))
    (record,) = sums.take(at(day), f"customers/{partition}")
    return record


def report(partition: int, day: int) -> Tick:
    return Tick(source=f"customers/{partition}", watermark=at(day), arrived_ms=0)


def spend(spend_id: str, day: float, amount: int) -> ChannelSpend:
    return ChannelSpend(
        tenant="t", spend_id=spend_id, occurred_at=at(day), channel="search", amount_micros=amount, currency="USD"
    )


def spent(stats: FleetStats) -> list[int]:
    """What was spent on each channel."""
    return [spend.amount_micros for channel in stats.channels for spend in channel.spend]


class Log:
    """A stage with the offsets of its input, and its table."""

    def __init__(self, stored: dict[bytes, bytes] | None = None) -> None:
        self.table = dict(stored or {})
        self.stage = FleetStage(SOURCES, POLICY, self.table.items())
        self.offset = 0

    def add(self, *records: Record) -> list[FleetStats | str]:
        for record in records:
            self.stage.apply(self.offset, record)
            self.offset += 1
        flush = self.stage.flush()
        self.store(flush.writes, len(flush.writes))
        assert all(output[0] is Topic.FLEET_STATS and output[3] == EVERY_PARTITION for output in flush.outputs)
        told = [output.record for output in flush.outputs]
        return [record if isinstance(record, FleetStats) else "tick" for record in told]

    def store(self, writes: dict[bytes, bytes | None], kept: int) -> None:
        for key, value in list(writes.items())[:kept]:
            if value is None:
                self.table.pop(key, None)
            else:
                self.table[key] = value


def told(found: list[FleetStats | str]) -> list[tuple[str, str, int] | str]:
    """Tenant, day and customers of what was told."""
    return [
        record if isinstance(record, str) else (record.tenant, str(record.as_of)[:10], record.segments[""].customers)
        for record in found
    ]


def test_nothing_is_told_before_everybody_has_reported_it() -> None:
    log = Log()
    assert log.add(summary(0, 7, 3), summary(1, 7, 2), summary(0, 14, 3), report(0, 7), report(0, 14)) == []
    assert log.stage.waiting == 6
    assert told(log.add(report(1, 7))) == [("t", "2025-01-13", 5), "tick"]
    assert log.stage.waiting == 2
    assert told(log.add(summary(1, 14, 1), report(1, 14))) == [("t", "2025-01-20", 4), "tick"]
    assert log.table.keys() == {META_KEY}


def test_several_instants_at_once_are_told_in_their_order_and_tenants_apart() -> None:
    """Live nobody waits: a partition may be ahead, and one that begins later says nothing of the first instants."""
    log = Log()
    log.add(*(summary(0, day, day // 7, tenant) for day in (14, 7) for tenant in ("u", "t")), report(0, 14))
    assert told(log.add(report(1, 21))) == [
        ("t", "2025-01-13", 1),
        ("u", "2025-01-13", 1),
        ("t", "2025-01-20", 2),
        ("u", "2025-01-20", 2),
        "tick",
    ]


def test_order_of_arrival_does_not_matter() -> None:
    found: list[Record] = [
        summary(0, 7, 3),
        summary(1, 7, 2),
        summary(0, 7, 4, "u"),
        spend("s1", 3, 5),
        spend("s2", 3, 7),
    ]
    one, two = Log(), Log()
    assert one.add(*found, report(0, 7), report(1, 7)) == two.add(*found[::-1], report(1, 7), report(0, 7))


def test_what_is_told_first_counts() -> None:
    """After a crash between two values of the table some customers are evaluated already; the rest is told alone."""
    log = Log()
    stats, _ = log.add(summary(0, 7, 3), summary(0, 7, 2), report(0, 7), report(1, 7))
    assert isinstance(stats, FleetStats)
    assert stats.segments[""].customers == 3


def test_told_twice_counts_once() -> None:
    log = Log()
    again: list[Record] = [summary(0, 7, 3), summary(0, 7, 3), spend("s", 3, 5), spend("s", 3, 5)]
    stats, _ = log.add(*again, report(0, 7), report(1, 7), summary(0, 7, 3))
    assert isinstance(stats, FleetStats)
    assert stats.segments[""].customers == 3
    assert spent(stats) == [5]
    assert (log.stage.repeats, log.stage.waiting) == (4, 0)
    log.stage.apply(0, summary(0, 14, 1))
    assert log.stage.waiting == 0


def test_spend_counts_from_its_day_on_for_a_year() -> None:
    log = Log()
    log.add(spend("s", 7, 5), spend("t", 6.9, 7))
    amounts = {}
    for day in (7, 14, 371, 378):
        stats, _ = log.add(summary(0, day, 1), report(0, day), report(1, day))
        assert isinstance(stats, FleetStats)
        amounts[day] = spent(stats)
    assert amounts == {7: [7], 14: [12], 371: [12], 378: []}
    assert log.table.keys() == {META_KEY}


@pytest.mark.parametrize("kept", range(8))
def test_a_flush_that_is_cut_in_two_tells_the_same_again(kept: int) -> None:
    log = Log()
    # These two are stored, and not read again.
    log.add(summary(0, 7, 3), spend("s", 3, 5))
    rest: list[Record] = [spend("t", 4, 6), summary(1, 7, 2), summary(0, 14, 1), report(0, 7), report(1, 7)]
    for offset, record in enumerate(rest, log.offset):
        log.stage.apply(offset, record)
    flush = log.stage.flush()
    writes = list(flush.writes)
    assert len(writes) == 7
    log.store(flush.writes, kept)
    again = Log(log.table)
    again.offset = log.offset
    repeated = again.add(*rest)
    marked = kept > writes.index(META_KEY)
    assert repeated == (
        [] if marked else [output.record if n == 0 else "tick" for n, output in enumerate(flush.outputs)]
    )
    assert again.stage.waiting == 1
    following, _ = again.add(report(0, 14), report(1, 14))
    assert isinstance(following, FleetStats)
    assert following.segments[""].customers == 1
    assert spent(following) == [11]
    assert len([key for key in again.table if key.startswith(b"summary/")]) == 0


def days(first: int, until: int, *, quiet: frozenset[int] = frozenset()) -> list[Record]:
    """What two partitions tell of the days from ``first`` on: three tenths of the usual on the ``quiet`` ones."""
    return [
        activity(day + 1, {"eu": share * (3 if day in quiet else 10)}, partition=f"customers/{partition}")
        for day in range(first, until)
        for partition, share in ((0, 6), (1, 4))
    ]


def down(found: list[FleetStats | str]) -> list[int]:
    """The days of the last statistics on which the fleet was down."""
    (stats,) = [record for record in found if isinstance(record, FleetStats)][-1:]
    return [(day - at(0)).days for day in stats.down_days]


QUIET = frozenset(range(58, 61))


def test_days_on_which_all_did_less_are_told_with_the_statistics() -> None:
    log = Log()
    log.add(*days(0, 57, quiet=QUIET), summary(0, 56, 1), report(0, 56), report(1, 56))
    # What is told of later days waits for the next instant.
    told_at = log.add(*days(57, 70, quiet=QUIET), summary(0, 63, 1), report(0, 63), report(1, 63))
    assert down(told_at) == [58, 59, 60]
    assert down(log.add(summary(0, 70, 1), report(0, 70), report(1, 70))) == [58, 59, 60]
    # Told again they change nothing, whether they wait or were judged.
    repeats = log.stage.repeats
    log.add(*days(69, 71), *days(70, 71))
    assert log.stage.repeats - repeats == 4
    # They go when no habit reaches them any more, be it after weeks without any report.
    kept = 28 + 7 * (2 + 8 + 1) + 7
    assert 58 + kept == 170
    assert down(log.add(*days(71, 168), summary(0, 168, 1), report(0, 168), report(1, 168))) == [58, 59, 60]
    assert down(log.add(*days(168, 175), summary(0, 175, 1), report(0, 175), report(1, 175))) == []


@pytest.mark.parametrize("seed", range(6))
def test_down_days_follow_from_the_days_alone(seed: int) -> None:
    """Whatever the order, however many instants are told at once, and whenever the worker starts anew."""
    rng = Random(seed)
    instants = range(7, 85, 7)
    usual = Log()
    expected = []
    for day in instants:
        told_at = usual.add(*days(day - 7, day, quiet=QUIET), summary(0, day, 1), report(0, day), report(1, day))
        expected += [down(told_at)]
    log, found = Log(), []
    pending: list[Record] = []
    for day in instants:
        pending += rng.sample(rest := days(day - 7, day, quiet=QUIET), len(rest))
        pending += [summary(0, day, 1), report(0, day)]
        if rng.random() < 0.5:
            continue
        for record in [*pending, report(1, day)]:
            told_at = log.add(record)
            found += [down([one]) for one in told_at if isinstance(one, FleetStats)]
            if rng.random() < 0.3:
                offset = log.offset
                log = Log(log.table)
                log.offset = offset
        pending = []
    assert found == expected[: len(found)]
    assert len(found) > 3


@pytest.mark.parametrize("kept", range(24))
def test_a_flush_of_judged_days_that_is_cut_in_two_judges_the_same_again(kept: int) -> None:
    log = Log()
    log.add(*days(0, 56, quiet=QUIET), summary(0, 56, 1), report(0, 56), report(1, 56))
    log.add(*days(56, 63, quiet=QUIET))
    rest: list[Record] = [summary(0, 63, 1), report(0, 63), report(1, 63)]
    for offset, record in enumerate(rest, log.offset):
        log.stage.apply(offset, record)
    flush = log.stage.flush()
    log.store(flush.writes, kept)
    again = Log(log.table)
    again.offset = log.offset
    repeated = again.add(*rest)
    assert not repeated or down(repeated) == [58, 59, 60]
    assert bool(repeated) is (kept <= list(flush.writes).index(META_KEY))
    assert down(again.add(*days(63, 70), summary(0, 70, 1), report(0, 70), report(1, 70))) == [58, 59, 60]
    assert sorted(key[:5] for key in again.table) == [b"@part", b"down/"]


def business(partition: int, day: int) -> GridSummary:
    """A lead of a channel, and somebody trained beside somebody who was not."""
    week = DAY_0 + day - 35
    change = Changes(Moments(1, 1_000, 1_000_000), Moments(1, 500, 250_000))
    groups = {Group(week, "funnels", trainer): change for trainer in ("ou", "")}
    touch = FirstTouch("search", ""), Stage.LEAD
    lead = "kim", rank_key(Priority.A, Interest(day, 0, None), f"lead-{partition}")
    sums = PartitionSums(POLICY.fleet.accuracy, POLICY.lead.ranked, POLICY.look_alike.candidates)
    told = Business(touch=touch, lead=lead, trainings=Trainings(groups, frozenset({(week, "funnels")})))
    sums.add("t", Contribution("s", {}, [], ["funnels"], told))
    (record,) = sums.take(at(day), f"customers/{partition}")
    return record


def leads_and_trained(stats: FleetStats | str) -> tuple[int, list[str], int]:
    """Leads that came by channels, those ranked, and customers trained."""
    assert isinstance(stats, FleetStats)
    trained = stats.trainings[0].trained if stats.trainings else 0
    return sum(row.leads for row in stats.channels), stats.leads.get("kim", []), trained


@pytest.mark.parametrize("kept", range(13))
def test_leads_and_trainings_survive_a_flush_that_is_cut_in_two(kept: int) -> None:
    log = Log()
    log.add(business(0, 7), business(0, 14))
    rest: list[Record] = [business(1, 7), business(1, 14), *(report(n, day) for n in (0, 1) for day in (7, 14))]
    for offset, record in enumerate(rest, log.offset):
        log.stage.apply(offset, record)
    flush = log.stage.flush()
    writes = list(flush.writes)
    # The weeks of trainings, the mark, then the two parts of four records that go.
    assert (len(writes), writes.index(META_KEY)) == (11, 2)
    log.store(flush.writes, kept)
    again = Log(log.table)
    again.offset = log.offset
    repeated = again.add(*rest)
    if kept <= 2:
        first, second = (record for record in repeated if isinstance(record, FleetStats))
        assert leads_and_trained(first) == (2, ["lead-0", "lead-1"], 2)
        assert leads_and_trained(second) == (2, ["lead-0", "lead-1"], 4)
        assert repeated == [
            output.record if isinstance(output.record, FleetStats) else "tick" for output in flush.outputs
        ]
    else:
        assert repeated == []
    assert again.stage.waiting == 0
    assert sorted(key.split(b"/")[0] for key in again.table) == [META_KEY, b"training", b"training"]
    # Each week counts for a year, and leads for the instant they were told of.
    later, _ = again.add(summary(0, 7 + 51 * 7, 1), report(0, 364), report(1, 364))
    assert leads_and_trained(later) == (0, [], 4)
    latest, _ = again.add(summary(0, 371, 1), report(0, 371), report(1, 371))
    assert leads_and_trained(latest) == (0, [], 2)
    again.add(report(0, 378), report(1, 378))
    assert again.table.keys() == {META_KEY}
