"""Conservation, seen from inside: whenever they count, `customers` together hold what each of `profiles` told."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.customer import shard as customers
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.view import View, fold
from ebbtide.models.profile.parts import Part
from ebbtide.models.profile.profile import Profile, SlotChange
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.profile_state import ProfileState
from support.counts import Sum, calm, distinct, every_count, last_counts
from support.histories import POLICY, history, shuffled
from support.raw import at, messages
from support.topology import Topology

SEEDS = st.integers(0, 10_000)
LATER = at(400)
RUNS = 20


def run(seed: int, order: int, partitions: int, *, crashes: int = 0, zombies: bool = False) -> Topology:
    topology = Topology(POLICY, messages(shuffled(history(seed), order)), partitions)
    topology.run(Random(order), crashes=crashes, zombies=zombies)
    return topology


def assert_all_agree(topology: Topology) -> int:
    found = every_count(topology)
    for total in found.values():
        assert total.told == {total.held}
    return len(found)


def assert_the_last_agree(topology: Topology) -> None:
    expected = {source: Sum(frozenset({count}), count) for source, count in distinct(topology).items()}
    assert last_counts(topology) == expected


@settings(max_examples=15)
@given(SEEDS, SEEDS, st.sampled_from([1, 2, 4]))
def test_partitions_agree_whenever_they_count(seed: int, order: int, partitions: int) -> None:
    topology = run(seed, order, partitions)
    assert assert_all_agree(topology) > 10 * partitions
    calm(topology, LATER)
    assert_the_last_agree(topology)


@settings(max_examples=25)
@given(SEEDS, SEEDS, st.integers(1, 8), st.sampled_from([1, 2, 4]), st.booleans())
def test_they_agree_again_after_crashes_and_zombies(
    seed: int, order: int, crashes: int, partitions: int, zombies: bool
) -> None:
    topology = run(seed, order, partitions, crashes=crashes, zombies=zombies)
    calm(topology, LATER)
    assert_the_last_agree(topology)


def broken(seed: int) -> bool:
    """Whether some count of a run with crashes and zombies does not agree."""
    rng = Random(seed)
    topology = run(seed, seed, rng.choice([1, 2, 4]), crashes=8, zombies=True)
    calm(topology, LATER)
    try:
        assert_all_agree(topology)
        assert_the_last_agree(topology)
    except AssertionError:
        return True
    return False


def a_share_adds(patch: pytest.MonkeyPatch) -> None:
    def adding(customer: Customer, view: View, record: ProfileState) -> list[int] | None:
        share = customer.shares.get(record.profile_id)
        before = 0 if share is None else share.accepted
        days = fold(customer, view, record)
        customer.shares[record.profile_id].accepted = before + record.accepted
        return days

    patch.setattr(customers, "fold", adding)


def what_was_detached_still_counts(patch: pytest.MonkeyPatch) -> None:
    def keeping(customer: Customer, view: View, record: ProfileState) -> list[int] | None:
        share = customer.shares.get(record.profile_id)
        before = 0 if share is None else share.accepted
        days = fold(customer, view, record)
        if record.detached:
            customer.shares[record.profile_id].accepted = before
        return days

    patch.setattr(customers, "fold", keeping)


def nobody_is_told_of_what_goes_away(patch: pytest.MonkeyPatch) -> None:
    tell = ProfileShard._tell_part

    def attached(self: ProfileShard, live: Any, part: Part, change: SlotChange | None) -> None:
        if not part.is_empty:
            tell(self, live, part, change)

    patch.setattr(ProfileShard, "_tell_part", attached)


def what_a_crash_kept_of_a_profile_is_left_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Profile, "accepted", 0)


def time_is_told_before_what_it_covers(patch: pytest.MonkeyPatch) -> None:
    pass_owners = ProfileShard._pass_owners

    def hasty(self: ProfileShard, before_ms: int | None) -> None:
        changed, self._changed = self._changed, []
        pass_owners(self, before_ms)
        self._changed = changed + self._changed

    patch.setattr(ProfileShard, "_pass_owners", hasty)


@pytest.mark.parametrize(
    "fault",
    [
        a_share_adds,
        what_was_detached_still_counts,
        nobody_is_told_of_what_goes_away,
        what_a_crash_kept_of_a_profile_is_left_out,
        time_is_told_before_what_it_covers,
    ],
)
def test_counts_show_a_fault(monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]) -> None:
    assert not any(map(broken, range(3)))
    fault(monkeypatch)
    assert any(map(broken, range(RUNS)))
