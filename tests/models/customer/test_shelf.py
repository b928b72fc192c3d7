"""Models that a partition has heard of survive a restart, and each instant is scored with the one before it."""

from __future__ import annotations

from ebbtide.models.churn.learner import Learner
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.learning import Model
from ebbtide.schemas.topics import DAY_MS, Topic

SOURCES = frozenset({"profiles/0"})


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
