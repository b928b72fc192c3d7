"""Partitions, crashes and zombies do not matter: four shards of each stage tell what the pipeline of one tells."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.histories import POLICY, history, shuffled
from support.raw import messages
from support.replay_laws import check
from support.topology import Topology

SEEDS = st.integers(0, 10_000)


@settings(max_examples=8)
@given(SEEDS, SEEDS, st.sampled_from([1, 4]))
def test_four_partitions_tell_what_one_tells(seed: int, order: int, partitions: int) -> None:
    bodies = history(seed)
    topology = Topology(POLICY, messages(bodies), partitions)
    topology.run(Random(order))
    check(topology, bodies)


@settings(max_examples=8)
@given(SEEDS, SEEDS)
def test_partitions_and_disorder_together(seed: int, order: int) -> None:
    bodies = history(seed)
    topology = Topology(POLICY, messages(shuffled(bodies, order)), 4)
    topology.run(Random(order))
    check(topology, bodies)


@example(seed=7_338, order=1_482, crashes=6, partitions=1, zombies=False)
@settings(max_examples=15)
@given(SEEDS, SEEDS, st.integers(1, 8), st.sampled_from([1, 2, 4]), st.booleans())
def test_crashes_and_zombies_change_nothing(
    seed: int, order: int, crashes: int, partitions: int, zombies: bool
) -> None:
    bodies = history(seed)
    topology = Topology(POLICY, messages(bodies), partitions)
    topology.run(Random(order), crashes=crashes, zombies=zombies)
    check(topology, bodies)


@pytest.mark.quality
@pytest.mark.parametrize("zombies", [False, True])
@pytest.mark.timeout(600)
def test_four_hundred_runs_with_crashes(zombies: bool) -> None:
    rng = Random(1)
    for _ in range(400):
        seed, order, crashes, partitions = (
            rng.randrange(10_000),
            rng.randrange(10_000),
            rng.randint(1, 8),
            rng.choice([1, 2, 4]),
        )
        bodies = history(seed)
        topology = Topology(POLICY, messages(bodies), partitions)
        topology.run(Random(order), crashes=crashes, zombies=zombies)
        check(topology, bodies)
