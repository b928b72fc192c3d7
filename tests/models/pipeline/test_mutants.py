"""Faults that the crash simulation must catch: each law holds on these runs without a fault (identity §4).

Several guards keep an event from counting twice: its offset, the place of its raw record, its message id. On these runs
each hides the loss of the others, so that fault takes away all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from ebbtide.models.clock.watermark import SourceClock
from ebbtide.models.customer import shard as customers
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.shard import CustomerShard
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.view import View, fold
from ebbtide.models.fleet.stage import FleetStage
from ebbtide.models.identity import tenant
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.intake import take_link
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.shard import IdentityShard
from ebbtide.models.profile.parts import Part
from ebbtide.models.profile.profile import SlotChange
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.events import Event
from ebbtide.schemas.fleet import ChannelSpend, GridSummary
from ebbtide.schemas.identity import IdentityLink
from ebbtide.schemas.profile_state import ProfileState, Tick
from support.histories import POLICY, history, shuffled
from support.raw import messages
from support.replay_laws import (
    LAWS,
    Law,
    Replay,
    every_message_counts_once,
    owners_are_those_of_the_replay,
    reading_again_changes_nothing,
    replay,
    totals_are_those_of_the_replay,
    what_is_told_is_that_of_the_replay,
)
from support.topology import Stage, Topology

DAYS = 20
RUNS = 40
Fault = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def expected() -> list[Replay]:
    """What each run must leave; made before any fault."""
    return [replay(history(seed, days=DAYS)) for seed in range(RUNS)]


def disturbed(seed: int) -> Topology:
    """A run with crashes and zombies; its records come out of order and twice."""
    rng = Random(seed)
    topology = Topology(POLICY, messages(shuffled(history(seed, days=DAYS), seed)), rng.choice([1, 2, 4]))
    topology.run(rng, crashes=8, zombies=True)
    return topology


def test_without_a_fault_the_laws_hold(expected: list[Replay]) -> None:
    for seed in range(RUNS):
        topology = disturbed(seed)
        for law in LAWS:
            law(topology, expected[seed])


def profiles_without_guards(patch: pytest.MonkeyPatch) -> None:
    """A record that is read again meets none of offset, place of the raw record, version of the profile, message id."""
    apply, fold_event = ProfileShard.apply, ProfileShard._fold

    def unguarded(self: ProfileShard, offset: int, record: Any) -> None:
        self._meta.applied = -1
        self._meta.origins.clear()
        apply(self, offset, record)

    def unversioned(self: ProfileShard, offset: int, event: Event) -> None:
        known = self._profiles.get(event.key) or self._take_up(event.key, event.tenant, event.subject)
        if offset <= known.profile.version:
            known.profile.version = -1
            known.profile.seen.clear()
            known.ids.clear()
        fold_event(self, offset, event)

    patch.setattr(ProfileShard, "apply", unguarded)
    patch.setattr(ProfileShard, "_fold", unversioned)


def identity_without_guard(patch: pytest.MonkeyPatch) -> None:
    apply = IdentityShard.apply

    def unguarded(self: IdentityShard, offset: int, record: Any, *, now_ms: int | None) -> None:
        self._meta.applied = -1
        apply(self, offset, record, now_ms=now_ms)

    patch.setattr(IdentityShard, "apply", unguarded)


def customers_without_guard(patch: pytest.MonkeyPatch) -> None:
    apply = CustomerShard.apply

    def unguarded(self: CustomerShard, topic: str, offset: int, record: Any, *, now_ms: int | None) -> None:
        self._meta.applied.clear()
        apply(self, topic, offset, record, now_ms=now_ms)

    patch.setattr(CustomerShard, "apply", unguarded)


def _fold_as(patch: pytest.MonkeyPatch, change: Callable[[Share, ProfileState], None]) -> None:
    """Fold a record after a change of what was known."""

    def changed(customer: Customer, view: View, record: ProfileState) -> list[int] | None:
        share = customer.shares.get(record.profile_id)
        if share is not None:
            change(share, record)
        return fold(customer, view, record)

    patch.setattr(customers, "fold", changed)


def the_last_arrival_wins(patch: pytest.MonkeyPatch) -> None:
    def forget(share: Share, _record: ProfileState) -> None:
        share.epoch = share.effective_ms = share.version = -1

    _fold_as(patch, forget)


def the_first_arrival_wins(patch: pytest.MonkeyPatch) -> None:
    def keep(share: Share, record: ProfileState) -> None:
        share.epoch = max(share.epoch, record.epoch + 1)

    _fold_as(patch, keep)


def the_epoch_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    def level(share: Share, record: ProfileState) -> None:
        share.epoch, share.effective_ms = record.epoch, record.effective_ms

    _fold_as(patch, level)


def the_version_is_not_compared(patch: pytest.MonkeyPatch) -> None:
    def forget(share: Share, _record: ProfileState) -> None:
        share.version = -1

    _fold_as(patch, forget)


def a_repeat_adds(patch: pytest.MonkeyPatch) -> None:
    """``+=`` on replay."""

    def add(share: Share, record: ProfileState) -> None:
        if (record.epoch, record.effective_ms, record.version) == (share.epoch, share.effective_ms, share.version):
            share.accepted += record.accepted

    _fold_as(patch, add)


def nothing_is_detached(patch: pytest.MonkeyPatch) -> None:
    tell = ProfileShard._tell_part

    def attached(self: ProfileShard, live: Any, part: Part, change: SlotChange | None) -> None:
        if not part.is_empty:
            tell(self, live, part, change)

    patch.setattr(ProfileShard, "_tell_part", attached)


def state_is_stored_before_outputs_are_acknowledged(patch: pytest.MonkeyPatch) -> None:
    store = Stage.store

    def hasty(self: Stage, rng: Random, *, crash: bool, zombie: bool = False) -> None:
        if not crash:
            store(self, rng, crash=False)
            return
        for key, value in self.flush(self.shard).writes.items():
            self.table.pop(key, None)
            if value is not None:
                self.table[key] = value
        self.restart()

    patch.setattr(Stage, "store", hasty)


def a_known_link_is_not_told_again(patch: pytest.MonkeyPatch) -> None:
    def only_news(graph: IdentityGraph, members: Members, link: IdentityLink) -> bool:
        before = list(graph._unwritten_links)
        return take_link(graph, members, link) and list(graph._unwritten_links) != before

    patch.setattr(tenant, "take_link", only_news)


def the_fleet_waits_for_one_partition_alone(patch: pytest.MonkeyPatch) -> None:
    apply = FleetStage.apply

    def hasty(self: FleetStage, offset: int, record: GridSummary | ChannelSpend | Tick) -> None:
        if isinstance(record, Tick):
            first = min(self._clock.expected)
            if record.source != first:
                return
            self._clock.expected = frozenset({first})
            self._clock.sources = {first: self._clock.sources.get(first, SourceClock())}
        apply(self, offset, record)

    patch.setattr(FleetStage, "apply", hasty)


ONCE, TOTALS = every_message_counts_once, totals_are_those_of_the_replay
OWNERS, AGAIN = owners_are_those_of_the_replay, reading_again_changes_nothing
SAID = what_is_told_is_that_of_the_replay


@pytest.mark.parametrize(
    ("fault", "laws"),
    [
        (profiles_without_guards, [ONCE, TOTALS, AGAIN]),
        (identity_without_guard, [AGAIN]),
        (customers_without_guard, [AGAIN]),
        (the_last_arrival_wins, [ONCE, TOTALS]),
        (the_first_arrival_wins, [ONCE, TOTALS]),
        (the_epoch_is_not_compared, [ONCE, TOTALS]),
        (the_version_is_not_compared, [ONCE, TOTALS]),
        (a_repeat_adds, [ONCE, TOTALS]),
        (nothing_is_detached, [ONCE, TOTALS]),
        (state_is_stored_before_outputs_are_acknowledged, [ONCE, TOTALS, OWNERS]),
        (a_known_link_is_not_told_again, [TOTALS]),
        (the_fleet_waits_for_one_partition_alone, [SAID]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "-".join(law.__name__ for law in value),
)
def test_the_laws_catch(monkeypatch: pytest.MonkeyPatch, expected: list[Replay], fault: Fault, laws: list[Law]) -> None:
    fault(monkeypatch)
    unbroken = laws
    for seed in range(RUNS):
        topology = disturbed(seed)
        unbroken = [law for law in unbroken if _holds(law, topology, expected[seed])]
        if not unbroken:
            return
    pytest.fail(f"not caught by {[law.__name__ for law in unbroken]}")


def _holds(law: Law, topology: Topology, expected: Replay) -> bool:
    try:
        law(topology, expected)
    except AssertionError:
        return False
    return True
