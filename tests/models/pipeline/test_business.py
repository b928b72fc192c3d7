"""Economics, channels, trainings and lead ranks do not depend on partitions, order, repeats, or crashes."""

from __future__ import annotations

import json
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.policy import EconomicsPolicy, FleetPolicy, TrainingPolicy
from ebbtide.schemas.fleet import FleetStats
from support.business import with_business
from support.histories import POLICY, history, shuffled
from support.raw import messages
from support.replay_laws import Replay, reading_again_changes_nothing, what_is_told_is_that_of_the_replay
from support.told import drive
from support.topology import Topology

SEEDS = st.integers(0, 10_000)
DAYS = 75
BUSINESS = POLICY.model_copy(
    update={
        "fleet": FleetPolicy(min_segment=1),
        "economics": EconomicsPolicy(min_renewals=1, min_answers=1),
        "training": TrainingPolicy(min_trained=3, min_untrained=3, weeks=2, max_untrained=10),
    }
)


def replay(bodies: list[dict[str, object]]) -> Replay:
    return Replay(*drive(bodies, BUSINESS, decorated=False))


def last(found: Replay) -> FleetStats:
    return FleetStats.from_json(json.dumps(found.told["fleet-stats"][-1]))


@settings(max_examples=8)
@given(SEEDS, SEEDS, st.sampled_from([1, 4]), st.integers(0, 6))
def test_partitions_and_crashes_tell_what_one_partition_tells(
    seed: int, order: int, partitions: int, crashes: int
) -> None:
    bodies = with_business(seed, history(seed), DAYS)
    topology = Topology(BUSINESS, messages(bodies), partitions)
    topology.run(Random(order), crashes=crashes)
    expected = replay(bodies)
    what_is_told_is_that_of_the_replay(topology, expected)
    reading_again_changes_nothing(topology, expected)


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_order_and_repeats_change_nothing(seed: int, order: int) -> None:
    bodies = with_business(seed, history(seed), DAYS)
    assert replay(shuffled(bodies, order)).told["fleet-stats"] == replay(bodies).told["fleet-stats"]


def test_these_histories_have_all_of_it() -> None:
    """Else the laws above would say nothing."""
    found = [last(replay(with_business(seed, history(seed), DAYS))) for seed in range(12)]
    everybody = [stats.segments[""].economics for stats in found]
    assert any(one.lifetime is not None and one.ltv for one in everybody)
    assert any(one.nps is not None for one in everybody)
    assert any(0 < (one.referral.share or 0) < 1 for one in everybody)
    assert any(channel.paid and channel.cac is not None for stats in found for channel in stats.channels)
    assert any(len(channel.spend) == 2 for stats in found for channel in stats.channels)
    assert any(row.trained for stats in found for row in stats.trainings)
    assert any(len(leads) > 1 for stats in found for leads in stats.leads.values())
