"""What a partition has heard of survives a restart, and each instant is judged with what was told of one before it."""

from __future__ import annotations

from ebbtide.models.churn.learner import Learner
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.customer.shelf import MODEL_KEY, StatsShelf
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.fleet import FleetStats, SegmentStats
from ebbtide.schemas.learning import Model, ModelRole
from ebbtide.schemas.topics import Topic

SOURCES = frozenset({"profiles/0"})
FLEET = Topic.FLEET_STATS.topic_name


def trained(day: int) -> Model:
    return Learner().to_model(from_ms(day * DAY_MS), "t").model_copy(update={"model_version": f"m{day}"})


def test_a_restarted_partition_scores_with_the_models_it_knew() -> None:
    shard = CustomerShard(0, SOURCES, CorePolicy(), ())
    for offset, day in enumerate((7, 14)):
        shard.apply(Topic.MODELS.topic_name, offset, trained(day), now_ms=None)
    table = {key: value for key, value in shard.flush().writes.items() if value is not None}
    again = CustomerShard(0, SOURCES, CorePolicy(), table.items())
    for one in (shard, again):
        versions = [one._models.scorer("t", day).model_version for day in (7, 13, 14, 20)]
        assert versions == ["m7", "m7", "m14", "m14"]
        assert one._models.scorer("t", 6).model_version != "m7"


def test_an_older_model_that_was_taken_back_holds_from_then_on() -> None:
    shard = CustomerShard(0, SOURCES, CorePolicy(), ())
    back = trained(7).model_copy(update={"in_force_from": from_ms(14 * DAY_MS)})
    challenger = trained(21).model_copy(update={"role": ModelRole.CHALLENGER})
    for offset, model in enumerate((trained(7), trained(14), back, challenger)):
        shard.apply(Topic.MODELS.topic_name, offset, model, now_ms=None)
    versions = [shard._models.scorer("t", day).model_version for day in (7, 14, 21)]
    assert versions == ["m7", "m7", "m7"]


def test_a_model_that_fails_its_checks_is_refused_and_the_last_good_one_goes_on() -> None:
    shard = CustomerShard(0, SOURCES, CorePolicy(), ())
    spoilt = trained(14).model_copy(update={"intercept": 9.0, "blend": 1.0})
    for offset, model in enumerate((trained(7), spoilt)):
        shard.apply(Topic.MODELS.topic_name, offset, model, now_ms=None)
    assert shard._models.scorer("t", 20).model_version == "m7"
    (reason,) = shard.refused_models
    assert reason.startswith("model m14 gives logit ")
    # One for other features, from before Ebbtide was brought up to date, is of no use after a restart either.
    table = {key: value for key, value in shard.flush().writes.items() if value is not None}
    table[MODEL_KEY + b"21/t"] = trained(21).model_copy(update={"means": {"age": 1.0}}).to_json()
    again = CustomerShard(0, SOURCES, CorePolicy(), table.items())
    assert again._models.scorer("t", 30).model_version == "m7"


def stats(day: int, customers: int = 1) -> FleetStats:
    segment = SegmentStats(
        customers=customers, quantiles={}, counters={}, modules={}, share_dropping=None, pareto_value=None
    )
    return FleetStats(tenant="t", as_of=from_ms(day * DAY_MS), accuracy=0.01, segments={"": segment}, channels=[])


def test_a_restarted_partition_reads_the_statistics_it_knew() -> None:
    shard = CustomerShard(0, SOURCES, CorePolicy(), ())
    for offset, day in enumerate((7, 14)):
        shard.apply(FLEET, offset, stats(day), now_ms=None)
    shard.apply(FLEET, 1, stats(15), now_ms=None)
    table = {key: value for key, value in shard.flush().writes.items() if value is not None}
    again = CustomerShard(0, SOURCES, CorePolicy(), table.items())
    for one in (shard, again):
        found = [one._fleet.stats("t", settled) for settled in (6, 7, 13, 14, 20)]
        assert [fleet and fleet.day for fleet in found] == [None, 7, 7, 14, 14]
        assert one._fleet.stats("u", 20) is None


def test_statistics_go_one_flush_after_they_were_needed_last() -> None:
    shelf = StatsShelf()
    for day in (14, 7, 7):
        shelf.add(stats(day))
    assert len(dict(shelf.take_writes(13))) == 2
    assert dict(shelf.take_writes(14)) == {}
    assert list(dict(shelf.take_writes(14)).values()) == [None]
    kept = shelf.stats("t", 14)
    assert kept is not None
    assert (kept.day, shelf.stats("t", 13)) == (14, None)
