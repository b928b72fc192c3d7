"""Statistics from summaries: the same however customers lie on partitions; and how a customer reads them."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.fleet.reader import Fleet, Segment
from ebbtide.models.fleet.stats import SHARES, STEPS, TenantTotals, fleet_stats
from ebbtide.models.fleet.summary import PartitionSums
from ebbtide.models.policy import CorePolicy, FleetPolicy
from ebbtide.schemas.fleet import FleetStats, GridSummary, SegmentSummary
from support.raw import DAY_0, at

POLICY = FleetPolicy(min_segment=2)
QUINTILES = (0.2, 0.4, 0.6, 0.8)
COUNTERS = st.lists(st.sampled_from(["awake", "comparable", "dropping", "won", "won"]))
MEMBERS = st.builds(
    Contribution,
    st.sampled_from(["", "a", "b"]),
    st.dictionaries(st.sampled_from(["value_365d", "usage_28d"]), st.integers(-5, 1_000).map(float)),
    COUNTERS,
    st.lists(st.sampled_from(["funnel", "overview"]), unique=True),
)


def member(value: float, segment: str = "a", *counters: str) -> Contribution:
    return Contribution(segment, {"value_365d": value}, list(counters), [])


def summaries(members: list[Contribution], source: str = "customers/0") -> list[GridSummary]:
    sums = PartitionSums(POLICY.accuracy, 200, 25)
    for each in members:
        sums.add("t", each)
    return list(sums.take(at(7), source))


def parts(found: list[GridSummary]) -> list[tuple[str, SegmentSummary]]:
    return [part for summary in found for part in summary.segments.items()]


def stats(members: list[Contribution], policy: FleetPolicy = POLICY) -> FleetStats:
    return fleet_stats("t", at(7), parts(summaries(members)), TenantTotals(), CorePolicy(fleet=policy))


def segment(members: list[Contribution], name: str = "a") -> Segment:
    return Fleet(stats(members)).of(name)


@given(st.lists(MEMBERS, max_size=40), st.integers(1, 5), st.randoms(use_true_random=False))
def test_the_number_of_partitions_and_their_order_do_not_matter(
    members: list[Contribution], partitions: int, rng: Random
) -> None:
    told: list[tuple[str, SegmentSummary]] = []
    for n in range(partitions):
        for summary in summaries(members[n::partitions], f"customers/{n}"):
            told += parts([GridSummary.from_json(summary.to_json())])
    rng.shuffle(told)
    found = fleet_stats("t", at(7), told, TenantTotals(), CorePolicy(fleet=POLICY))
    assert found.to_json() == stats(members).to_json()


@given(st.lists(MEMBERS, min_size=1, max_size=40))
def test_everybody_is_in_and_quantiles_ascend(members: list[Contribution]) -> None:
    everybody = stats(members).segments[""]
    assert everybody.customers == len(members)
    assert everybody.counters == {
        name: count for name in ("awake", "comparable", "dropping", "won") if (count := _times(members, name))
    }
    for quantiles in everybody.quantiles.values():
        assert tuple(quantiles) == STEPS
        assert all(before <= after for before, after in pairwise(quantiles.values()))


def _times(members: list[Contribution], counter: str) -> int:
    return sum(member.counters.count(counter) for member in members)


def test_a_summary_of_many_segments_comes_in_several_records(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [member(n, f"s{n % 9}") for n in range(90)]
    (whole,) = summaries(members)
    monkeypatch.setattr("ebbtide.models.fleet.summary.NUMBERS_A_RECORD", 20)
    cut = summaries(members)
    assert len(cut) == 5
    assert [part for summary in cut for part in summary.segments] == list(whole.segments)
    assert dict(parts(cut)) == whole.segments


def test_tenants_are_told_apart_and_once() -> None:
    sums = PartitionSums(0.01, 200, 25)
    for tenant in ("u", "t", "u"):
        sums.add(tenant, member(1))
    first = list(sums.take(at(7), "customers/3"))
    assert [(s.tenant, s.source, s.instant, s.segments["a"].customers) for s in first] == [
        ("t", "customers/3", at(7), 1),
        ("u", "customers/3", at(7), 2),
    ]
    assert list(sums.take(at(14), "customers/3")) == []


def test_a_small_segment_falls_back_to_everybody() -> None:
    fleet = Fleet(stats([member(1, "a"), member(2, "a"), member(3, "b"), member(4, "")]))
    assert (fleet.day, fleet.channels) == (DAY_0 + 7, [])
    assert [(fleet.of(name).name, fleet.of(name).customers) for name in ("a", "b", "", "never heard of")] == [
        ("a", 2),
        ("", 4),
        ("", 4),
        ("", 4),
    ]


def test_only_the_greatest_segments_are_told() -> None:
    members = [member(1, name) for name in "aabbbcc"]
    assert list(stats(members, FleetPolicy(min_segment=1, max_segments=2)).segments) == ["", "a", "b"]
    assert list(stats(members, FleetPolicy(min_segment=1, max_segments=0)).segments) == [""]


def test_the_pareto_set_makes_four_fifths_of_all_value() -> None:
    """Of 1,000 the first makes 700, the second 200: these two. Whoever pays nothing is never in it."""
    found = segment([member(value) for value in (700, 200, 60, 40, 0, -10)])
    assert [found.is_pareto(value) for value in (700, 200, 150, 60, 0, -10)] == [True, True] + [False] * 4
    assert found.stats.pareto_value == pytest.approx(200, rel=0.01)
    nobody_paid = segment([member(0), member(0)])
    assert nobody_paid.stats.pareto_value is None
    assert not nobody_paid.is_pareto(0)


def test_five_bins_of_a_hundred_customers() -> None:
    found = segment([member(float(n)) for n in range(1, 101)])
    edges = found.edges("value_365d", QUINTILES)
    assert edges == pytest.approx((20, 40, 60, 80), rel=0.01)
    bins = [found.bin_of("value_365d", value, QUINTILES) for value in (0, 1, 20, 22, 41, 60, 63, 83, 100, 1e9)]
    assert bins == [1, 1, 1, 2, 3, 3, 4, 5, 5, 5]


def test_whoever_is_like_most_is_in_the_lowest_bin_of_them() -> None:
    found = segment([member(0)] * 70 + [member(5)] * 30)
    assert [found.bin_of("value_365d", value, QUINTILES) for value in (0, 5, 6)] == [1, 4, 5]
    assert found.quantile_rank("value_365d", 0) == pytest.approx(0.35, abs=0.026)


@pytest.mark.parametrize(
    ("value", "rank"), [(0, 0.025), (5, 0.05), (7.5, 0.075), (50, 0.5), (52.5, 0.525), (95, 0.95), (99, 0.975)]
)
def test_the_rank_is_the_share_below(value: float, rank: float) -> None:
    found = segment([member(float(n)) for n in range(0, 101, 5)])
    assert found.quantile_rank("value_365d", value) == pytest.approx(rank)


def test_all_alike_are_in_the_middle() -> None:
    found = segment([member(3)] * 8)
    assert found.quantile_rank("value_365d", 3) == 0.5


def test_what_nobody_has_is_unknown() -> None:
    found = segment([member(1)])
    assert found.edges("usage_28d", QUINTILES) is None
    assert found.bin_of("usage_28d", 1, QUINTILES) is None
    assert found.quantile_rank("usage_28d", 1) is None
    with pytest.raises(KeyError, match=r"0\.33"):
        found.edges("value_365d", (0.33,))


def test_shares_come_from_counters() -> None:
    found = segment(
        [member(1, "a", "comparable", "dropping"), member(1, "a", "comparable"), member(1, "a"), member(1, "a")]
    )
    assert (found.share_dropping, found.share("dropping"), found.share("dropping", of="comparable")) == (0.5, 0.25, 0.5)
    assert (found.share("won", of="lost"), found.share("won"), found.count("won")) == (None, 0, 0)
    assert segment([member(1), member(1)]).share_dropping is None


def test_penetration_is_the_share_of_users_of_a_module() -> None:
    members = [Contribution("a", {}, [], modules) for modules in (["funnel"], ["funnel", "overview"], [], [])]
    found = segment(members)
    assert [found.penetration(module) for module in ("funnel", "overview", "unused")] == [0.5, 0.25, 0]


def test_steps_are_five_hundredths_apart() -> None:
    assert STEPS[0] == "0.05"
    assert (len(STEPS), STEPS[-1]) == (19, "0.95")
    assert tuple(float(step) for step in STEPS) == SHARES
