"""What partitions tell of leads, channels, trainings and money adds up to the same however customers lie on them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.fleet.business import Business, Trainings
from ebbtide.models.fleet.channel_truth import OTHER, Cost, channel_stats
from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.fleet.lead_lists import lead_lists
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.fleet.rows import lead_of, lead_row, trained_of, trained_row, training_of, training_row
from ebbtide.models.fleet.stage import FleetStage
from ebbtide.models.fleet.summary import PartitionSums
from ebbtide.models.fleet.trainings import TrainingBook, training_stats
from ebbtide.models.leads.interest import Interest
from ebbtide.models.leads.lead_priority import Priority, RankKey, rank_key
from ebbtide.models.policy import (
    ChannelPolicy,
    CorePolicy,
    EconomicsPolicy,
    FleetPolicy,
    LeadPolicy,
    TrainingPolicy,
)
from ebbtide.models.value.attendance import Changes, Group
from ebbtide.models.value.channels import ChannelCounts
from ebbtide.models.value.first_touch import FirstTouch, Stage
from ebbtide.models.value.moments import Moments
from ebbtide.models.value.nps import Answers
from ebbtide.models.value.renewals import Renewals
from ebbtide.schemas.base import Money
from ebbtide.schemas.fleet import FleetStats, GridSummary
from ebbtide.schemas.profile_state import Tick
from support.raw import DAY_0, at

POLICY = CorePolicy(
    fleet=FleetPolicy(min_segment=2),
    economics=EconomicsPolicy(min_renewals=2, min_answers=2),
    lead=LeadPolicy(ranked=3),
    training=TrainingPolicy(min_trained=3, min_untrained=3),
)
WEEK = DAY_0 - 28
MOMENTS = st.builds(Moments, st.integers(1, 5), st.integers(-9_000, 9_000), st.integers(10**9, 10**10))
GROUPS = st.builds(
    Group, st.sampled_from([WEEK, WEEK + 7]), st.sampled_from(["funnels", "replay"]), st.sampled_from(["", "ou"])
)
KEYS = st.builds(
    rank_key,
    st.sampled_from(Priority),
    st.builds(Interest, st.none() | st.integers(0, 5), st.integers(0, 3), st.none() | st.floats(0, 3)),
    st.uuids().map(str),
)
BUSINESS = st.builds(
    Business,
    st.sampled_from([Renewals(), Renewals(renewed=1), Renewals(expanded=1), Renewals(churned=1)]),
    st.sampled_from([Answers(), Answers(promoters=1), Answers(1, 2, 3)]),
    st.none() | st.tuples(st.sampled_from(["USD", "EUR"]), st.floats(1, 1e6)),
    st.none()
    | st.tuples(
        st.builds(FirstTouch, st.sampled_from(["search", "ads"]), st.sampled_from(["", "k"])), st.sampled_from(Stage)
    ),
    st.builds(
        Trainings,
        st.dictionaries(GROUPS, st.builds(Changes, MOMENTS, MOMENTS), max_size=2),
        st.frozensets(st.tuples(st.sampled_from([WEEK, WEEK + 7]), st.sampled_from(["funnels", "unused"])), max_size=2),
    ),
    st.none() | st.tuples(st.sampled_from(["", "kim"]), KEYS),
)
MEMBERS = st.lists(
    st.builds(Contribution, st.sampled_from(["", "a"]), st.just({}), st.just([]), st.just(["funnels"]), BUSINESS)
)


def told(members: list[Contribution], partitions: int, rng: Random) -> FleetStats | None:
    """Through partitions, the wire, and the fleet's stage; some records twice."""
    sources = [f"customers/{n}" for n in range(partitions)]
    stage = FleetStage(frozenset(sources), POLICY, ())
    records: list[GridSummary] = []
    for n, source in enumerate(sources):
        sums = PartitionSums(POLICY.fleet.accuracy, POLICY.lead.ranked, POLICY.look_alike.candidates)
        for each in members[n::partitions]:
            sums.add("t", each)
        records += [GridSummary.from_json(summary.to_json()) for summary in sums.take(at(7), source)]
    records += [record for record in records if rng.random() < 0.3]
    rng.shuffle(records)
    ticks = [Tick(source=source, watermark=at(7), arrived_ms=0) for source in sources]
    heard: list[GridSummary | Tick] = [*records, *ticks]
    for offset, record in enumerate(heard):
        stage.apply(offset, record)
    found = [output.record for output in stage.take_outputs() if isinstance(output.record, FleetStats)]
    return found[0] if found else None


@given(MEMBERS, st.integers(2, 5), st.randoms(use_true_random=False))
def test_partitions_order_and_repeats_do_not_matter(members: list[Contribution], partitions: int, rng: Random) -> None:
    one, many = told(members, 1, Random(0)), told(members, partitions, rng)
    assert (one and one.to_json()) == (many and many.to_json())
    assert (one is None) == (not members)


def test_records_are_cut_and_add_up_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [
        Contribution(
            "a",
            {},
            [],
            [],
            Business(
                touch=(FirstTouch("search", f"k{n}"), Stage.PAID),
                lead=("kim", rank_key(Priority.A, Interest(n, 0, None), f"c{n:02d}")),
            ),
        )
        for n in range(40)
    ]
    whole = told(members, 1, Random(0))
    assert whole is not None
    assert whole.leads == {"kim": ["c00", "c01", "c02"]}
    assert sum(row.paid for row in whole.channels[0].keywords) == whole.channels[0].paid == 40
    monkeypatch.setattr("ebbtide.models.fleet.summary.NUMBERS_A_RECORD", 30)
    sums = PartitionSums(0.01, 3, 25)
    for each in members:
        sums.add("t", each)
    records = list(sums.take(at(7), "customers/0"))
    assert [record.part for record in records] == list(range(len(records)))
    assert len(records) > 15
    assert told(members, 1, Random(1)) == whole


@given(KEYS, GROUPS, MOMENTS, MOMENTS)
def test_rows_come_back_as_they_went(key: RankKey, group: Group, own: Moments, relative: Moments) -> None:
    assert lead_of(lead_row("kim", key)) == ("kim", key)
    assert training_of(training_row(group, Changes(own, relative))) == (group, Changes(own, relative))
    assert trained_of(trained_row(group.week, group.module)) == (group.week, group.module)


# Leads


def test_leads_over_all_owners_are_bounded_by_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    leads = [(owner, rank_key(Priority.A, Interest(n, 0, None), f"{owner}{n}")) for owner in "ab" for n in range(4)]
    assert lead_lists(leads, 3) == {"a": ["a0", "a1", "a2"], "b": ["b0", "b1", "b2"]}
    assert lead_lists([*leads, *leads], 3) == lead_lists(leads[::-1], 3)
    monkeypatch.setattr("ebbtide.models.fleet.lead_lists.MOST_LEADS", 3)
    assert lead_lists(leads, 3) == {"a": ["a0", "a1"], "b": ["b0"]}


def test_statistics_without_a_lead_rank_nobody() -> None:
    found = told([Contribution("a", {}, [], [], Business(renewals=Renewals(renewed=1)))] * 3, 1, Random(0))
    assert found is not None
    fleet = Fleet(found)
    assert (fleet.rank("c"), fleet.channels, found.trainings, found.trained) == (None, [], [], [])


# Economics


def member(segment: str, renewals: Renewals) -> Contribution:
    return Contribution(segment, {}, [], [], Business(renewals=renewals, value=("USD", 100.0)))


def test_a_segment_of_few_renewals_takes_the_economics_of_everybody() -> None:
    members = [
        member("a", Renewals(renewed=1)),
        member("a", Renewals(churned=1)),
        member("b", Renewals(renewed=1)),
        member("b", Renewals()),
    ]
    found = told(members, 1, Random(0))
    assert found is not None
    fleet = Fleet(found)
    a, b = fleet.of("a").economics, fleet.of("b").economics
    assert (a.name, a.renewal_rate, a.lifetime) == ("a", 0.5, 2.0)
    assert a.ltv(100) == pytest.approx(160)
    assert (b.name, b.renewal_rate) == ("", 2 / 3)
    assert b.lifetime == pytest.approx(3)
    assert fleet.of("b").stats.economics.verdict == "too_few"
    nobody = told([member("a", Renewals())] * 2, 1, Random(0))
    assert nobody is not None
    unknown = Fleet(nobody).of("a").economics
    assert (unknown.renewal_rate, unknown.lifetime, unknown.ltv(100)) == (None, None, None)


def test_of_many_currencies_those_of_most_customers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebbtide.models.fleet.economics.CURRENCIES", 2)
    members = [
        Contribution("a", {}, [], [], Business(Renewals(renewed=1), value=(currency, 10.0)))
        for currency in ("JPY", "EUR", "EUR", "CHF")
    ]
    found = told(members, 1, Random(0))
    assert found is not None
    assert [row.currency for row in found.segments[""].economics.ltv] == ["EUR", "CHF"]


# Channels


def channels(leads: dict[FirstTouch, ChannelCounts], costs: dict[FirstTouch, Cost]) -> list[tuple[str, list[str]]]:
    found = channel_stats(leads, costs, {}, ChannelPolicy(), EconomicsPolicy())
    return [(row.channel, [keyword.keyword for keyword in row.keywords]) for row in found]


def test_small_keywords_and_small_channels_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    leads = {FirstTouch(f"c{n % 3}", f"k{n}"): ChannelCounts(leads=9 - n) for n in range(9)}
    costs = {FirstTouch("c2", "k2"): Cost(5)}
    assert channels(leads, costs) == [
        ("c2", ["k2", "k5", "k8"]),
        ("c0", ["k0", "k3", "k6"]),
        ("c1", ["k1", "k4", "k7"]),
    ]
    monkeypatch.setattr("ebbtide.models.fleet.channel_truth.CHANNELS", 2)
    monkeypatch.setattr("ebbtide.models.fleet.channel_truth.KEYWORDS", 3)
    assert channels(leads, costs) == [("c2", ["k2", OTHER]), (OTHER, [OTHER]), ("c0", [OTHER, "k0", "k3"])]


def test_nothing_spent_is_no_cost() -> None:
    place = FirstTouch("fair", "")
    cost = Cost(3)
    cost.spend["USD"] = 0
    leads = {place: ChannelCounts(leads=2, qualified=2, deals=1, paid=1)}
    (row,) = channel_stats(leads, {place: cost}, {"USD": 9.0}, ChannelPolicy(), EconomicsPolicy())
    assert (row.spend, row.cac, row.ltv_to_cac, row.healthy) == ([], None, None, None)
    cost.spend["USD"] = 3_000_000
    (row,) = channel_stats(leads, {place: cost}, {"USD": 9.0}, ChannelPolicy(), EconomicsPolicy())
    assert (row.cac, row.ltv_to_cac, row.healthy) == (Money(amount=3.0, currency="USD"), 3.0, True)
    (row,) = channel_stats(leads, {place: cost}, {"EUR": 9.0}, ChannelPolicy(), EconomicsPolicy())
    assert (row.ltv_to_cac, row.healthy) == (None, None)


# Trainings

ONE = Changes(Moments(4, 20_000, 104_000_000), Moments(4, 8_000, 17_000_000))
BESIDE = Changes(Moments(5, 5_000, 6_000_000), Moments(5, 0, 1_000_000))


def week_of(day: int) -> dict[Group, Changes]:
    return {
        Group(day - 35, "funnels", "ou"): ONE,
        Group(day - 35, "funnels", ""): BESIDE,
        Group(day - 35, "replay", ""): BESIDE,
    }


def test_a_week_told_twice_counts_once_and_goes_after_a_year() -> None:
    book = TrainingBook()
    for day in (DAY_0, DAY_0 + 7, DAY_0 + 7):
        book.put("t", day, week_of(day))
    book.put("t", DAY_0 + 14, {Group(0, "replay", ""): BESIDE})  # nobody trained
    book.put("u", DAY_0, week_of(DAY_0))
    assert sorted(book.groups("t", DAY_0 + 7, 52)) == [
        Group(DAY_0 - 35, "funnels", ""),
        Group(DAY_0 - 35, "funnels", "ou"),
        Group(DAY_0 - 28, "funnels", ""),
        Group(DAY_0 - 28, "funnels", "ou"),
    ]
    assert {group.week for group in book.groups("t", DAY_0 + 7, 1)} == {DAY_0 - 28}
    # An instant that is told again after a crash sees nothing of later ones.
    assert {group.week for group in book.groups("t", DAY_0, 52)} == {DAY_0 - 35}
    table = dict(book.take_writes())
    assert len(table) == 3
    again = TrainingBook()
    for key, value in table.items():
        assert value is not None
        again.restore(key, value)
    assert again.groups("t", DAY_0 + 7, 52) == book.groups("t", DAY_0 + 7, 52)
    again.forget(DAY_0)
    assert [value for _, value in again.take_writes()] == [None, None]
    assert {group.week for group in again.groups("t", DAY_0 + 7, 52)} == {DAY_0 - 28}


def test_the_effect_is_told_of_all_of_modules_and_of_trainers() -> None:
    policy = TrainingPolicy(min_trained=3, min_untrained=3, max_modules=1)
    groups = week_of(DAY_0) | {Group(DAY_0 - 35, "replay", "pia"): Changes(Moments(1, 1_000, 10**6), Moments(1, 1, 1))}
    found = training_stats(groups, policy)
    assert [(row.module, row.trainer, row.trained) for row in found] == [
        (None, None, 5),
        ("funnels", None, 4),
        (None, "ou", 4),
        (None, "pia", 1),
    ]
    of_ou = found[2].against_customers
    assert of_ou is not None
    assert (of_ou.uses, of_ou.trained, of_ou.untrained, of_ou.proven) == (4.0, 4, 5, True)
    assert of_ou.low < 4.0 < of_ou.high
    assert found[3].against_customers is found[3].against_features is found[3].against_both is None
    assert training_stats({}, policy) == []
