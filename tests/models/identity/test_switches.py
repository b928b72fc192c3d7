"""Switches of a tenant to other settings: by a record alone, once, and reversibly."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity.finding import VIOLATIONS
from ebbtide.models.identity.generation import policy_of, rules_of
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.intake import decision, take_link
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.shard import IdentityShard, Record, epoch_of
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.events import IdentifierType as T
from ebbtide.schemas.identity import AuditKind, IdentityAudit, IdentityLink, IdentityOperation, IdentityRebuild
from support.identity_shard import (
    A1,
    A2,
    APART,
    D1,
    E1,
    G1,
    ONE,
    POLICY,
    TWO,
    U1,
    U2,
    Table,
    Told,
    assignments,
    at,
    audit,
    audit_line,
    decided,
    disturbed,
    known,
    link,
    note,
    random_days,
    rebuild,
    save,
    shard,
    state,
    tick,
    told,
    undisturbed,
)

WIDE = IdentityPolicy(limits={T.USER_ID: 5, T.EMAIL: 5, T.GROUP_ID: 2})
NARROW = IdentityPolicy(
    limits={T.USER_ID: 1, T.EMAIL: 1, T.GROUP_ID: 1}, max_owners={T.EMAIL: 1, T.ANONYMOUS_ID: 1}, hard_size=4
)
TURNED = IdentityPolicy(ranks=tuple(sorted(IdentityPolicy().ranks)), blocked=("a0", "group_id/g0"), limit_decided=True)
POLICIES = (POLICY, WIDE, NARROW, TURNED)

TWO_USERS: list[Record] = [tick(2), link(U1, A1, 1.5), link(U2, A1, 1.6), link(U2, G1, 1.7)]
"""Two users on one browser: the limit of one user id each refuses the second."""


def fed(records: Sequence[Record], table: Table | None = None, policy: IdentityPolicy = POLICY) -> IdentityShard:
    made = shard(ONE, table, policy)
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    return made


def test_a_switch_tells_whom_it_moves_at_once_and_says_so_in_the_audit() -> None:
    made = fed(TWO_USERS)
    assert told(made.flush()) == ["a1 > u1 @2", "u1 > u1 @2", "u2 > u2 @2 g1:g1:1"]
    made.apply(4, link(U1, A2, 1.2), now_ms=None)
    made.apply(5, rebuild(2, WIDE), now_ms=None)
    made.apply(6, link(U1, E1, 1.4), now_ms=None)
    flush = made.flush()
    late = at(2) + 1
    assert [(one.identifier.value, one.anchor.value, one.epoch, one.effective_ms) for one in assignments(flush)] == [
        # What came before the switch, in an epoch of its own; the switch; what came after it.
        *((value, "u1", epoch_of(4), late) for value in ("a1", "a2", "u1")),
        ("u2", "u2", epoch_of(4), late),
        *((value, "u2", epoch_of(5), 0) for value in ("a1", "a2", "u1", "u2")),
        *((value, "u2", epoch_of(6), late) for value in ("a1", "a2", "jane@x.com", "u1", "u2")),
    ]
    assert [audit_line(one) for one in audit(flush)] == [
        f"owner {A2} {A2}>{U1}",
        f"generation 2@{epoch_of(5)} other limits jo",
        f"owner {A1} {U1}>{U2}",
        f"owner {A2} {U1}>{U2}",
        f"owner {U1} {U1}>{U2}",
        f"accepted {A1} {U2} limit:user_id",
        f"owner {E1} {E1}>{U2}",
    ]
    (row,) = [one for one in audit(flush) if one.kind is AuditKind.GENERATION]
    assert row.rules == rules_of(WIDE)


def test_neither_a_switch_nor_a_shard_that_is_given_away_waits_for_a_collector() -> None:
    made = fed([tick(2), link(U1, A1, 1.5), link(U2, A1, 1.6), link(U2, E1, 1.7), link(G1, D1, 1.8)])
    made.flush()
    gc.collect()
    gc.disable()
    try:
        made.apply(5, rebuild(2, WIDE), now_ms=None)
        made.flush()
        assert gc.collect() == 0
        made.dissolve()
        del made
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_the_audit_tells_what_a_switch_refuses_and_bars() -> None:
    records: list[Record] = [tick(2), link(U1, A1, 1.5), link(U1, E1, 1.6), link(U1, "email/x", 1.7), link(U2, A1, 1.8)]
    made = fed(records)
    made.flush()
    made.apply(5, rebuild(2, NARROW), now_ms=None)
    assert [audit_line(one) for one in audit(made.flush())][1:] == [
        f"owner {A1} {U1}>{A1}",
        "owner email/x user_id/u1>email/x",
        f"accepted {A1} {U2} limit:user_id",
        "refused email/x user_id/u1 limit:email",
        f"barred {A1} shared",
    ]
    made.apply(6, rebuild(3, POLICY), now_ms=None)
    assert [audit_line(one) for one in audit(made.flush())][1:] == [
        f"owner {A1} {A1}>{U1}",
        "owner email/x email/x>user_id/u1",
        f"refused {A1} {U2} limit:user_id",
        "accepted email/x user_id/u1 limit:email",
        f"admitted {A1} shared",
    ]


def test_a_tenant_begins_under_the_settings_of_its_first_worker_and_that_is_told_once() -> None:
    made = fed(TWO_USERS)
    flush = made.flush()
    (row,) = [one for one in audit(flush) if one.kind is AuditKind.GENERATION]
    assert (row.tenant, row.epoch, row.generation, row.rules) == ("t", 0, 1, rules_of(POLICY))
    assert (row.identifier, row.actor, row.reason) == (None, None, None)
    table: Table = {}
    save(table, flush.writes.items())
    assert audit(made.flush()) == audit(shard(table=table).flush()) == []


def test_a_replay_stores_nothing_and_states_no_generation() -> None:
    flush = fed(TWO_USERS).flush(store=False)
    assert all(one.kind is not AuditKind.GENERATION for one in audit(flush))


def test_a_worker_that_starts_with_other_settings_changes_nothing() -> None:
    table: Table = {}
    made = fed(TWO_USERS)
    assert made.pending == 0
    save(table, made.flush().writes.items())
    again = shard(ONE, table, WIDE)
    assert (again.flush().outputs, again.pending) == ([], 1)
    assert state(again) == state(made)
    again.apply(4, link(U2, A2, 1.8), now_ms=None)
    again.apply(5, link(U1, A2, 1.9), now_ms=None)
    again.apply(6, link(U1, A1, 1.5, tenant="new"), now_ms=None)
    again.apply(7, link(U2, A1, 1.6, tenant="new"), now_ms=None)
    assert again.pending == 1
    flush = again.flush()
    graphs = again.graphs
    assert (graphs["t"].anchor(U1), graphs["t"].anchor(U2), graphs["t"].anchor(A2)) == (U1, U2, U2)
    assert graphs["new"].anchor(U1) == U2
    save(table, flush.writes.items())
    again.apply(8, rebuild(2, WIDE), now_ms=None)
    assert again.pending == 0
    assert graphs["t"] is not again.graphs["t"]
    assert again.graphs["t"].anchor(U1) == U2
    save(table, again.flush().writes.items())
    assert (shard(ONE, table, WIDE).pending, shard(ONE, table, POLICY).pending) == (0, 2)


def test_a_table_of_before_there_were_generations_begins_its_first() -> None:
    table: Table = {}
    save(table, fed(TWO_USERS).flush().writes.items())
    del table[b"pt\0"]
    made = shard(ONE, table)
    flush = made.flush()
    assert [audit_line(one) for one in audit(flush)] == ["generation 1@0"]
    assert (assignments(flush), made.pending) == ([], 0)
    assert b"pt\0" in flush.writes


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (rebuild(3, WIDE), "3@5 rebuild: generation 3 does not follow generation 1, which is in force jo"),
        (
            replace(rebuild(2, WIDE), rules=replace(rules_of(WIDE), ranks=[])),
            "2@5 rebuild: ranks must name each of user_id, crm_contact_id, email, phone, crm_lead_id, device_id, "
            "anonymous_id, group_id, crm_account_id, billing_id, domain exactly once jo",
        ),
    ],
)
def test_a_switch_that_cannot_be_changes_nothing_and_is_audited(record: IdentityRebuild, why: str) -> None:
    made = fed(TWO_USERS)
    made.flush()
    before = state(made)
    made.apply(4, record, now_ms=None)
    flush = made.flush()
    assert (state(made), made.ignored, assignments(flush)) == (before, 1, [])
    assert [audit_line(one) for one in audit(flush)] == [f"refused {why}"]


def test_of_two_people_at_once_the_second_is_refused() -> None:
    made = fed([*TWO_USERS, rebuild(2, WIDE, actor="ann"), rebuild(2, NARROW, actor="bob")])
    rows = [audit_line(one) for one in audit(made.flush()) if one.generation]
    assert rows == [
        "generation 1@0",
        "generation 2@5 other limits ann",
        "refused 2@6 rebuild: generation 2 does not follow generation 2, which is in force bob",
    ]
    assert made.graphs["t"].anchor(U1) == U2


def test_a_switch_read_again_after_a_crash_changes_nothing() -> None:
    records = [*TWO_USERS, rebuild(2, WIDE), rebuild(3, NARROW)]
    flush = fed(records).flush()
    writes = list(flush.writes.items())
    stored = next(n for n, (key, _) in enumerate(writes) if key == b"pt\0") + 1
    # Read again the switch tells nobody, so that all whom it told must be known as told by then.
    assert [key for key, _ in writes[stored:] if key.startswith(b"t")] == []
    assert any(key.startswith(b"t") for key, _ in writes[:stored])
    for count in range(stored, len(writes)):
        table: Table = {}
        save(table, writes[:count])
        made = fed(records, table)
        again = made.flush()
        assert [one for one in audit(again) if one.generation] == []
        assert (made.ignored, state(made)) == (0, state(fed(records)))


def test_owners_that_move_back_in_the_same_batch_are_told_both() -> None:
    """A crash may have told the one alone; read again, both may come in one batch, after which nothing has moved."""
    records = [*TWO_USERS, rebuild(2, WIDE), rebuild(3, POLICY)]
    table: Table = {}
    newest: Told = {}
    flush = fed(records[:4]).flush()
    note(newest, flush)
    save(table, flush.writes.items())
    note(newest, fed(records[:5], table).flush())
    assert newest["t", A1].anchor.value == "u2"
    made = fed(records, table)
    note(newest, made.flush())
    assert known(newest, made) == state(made)
    assert newest["t", A1].anchor.value == "u1"


def test_what_waits_to_be_stored_is_stored_after_a_switch() -> None:
    table: Table = {}
    records = [*TWO_USERS, decided(APART, U1, A1), rebuild(2, WIDE), link(U1, A2, 1.8)]
    made = fed(records)
    save(table, made.flush().writes.items())
    assert state(shard(ONE, table)) == state(made)
    restored = shard(ONE, table).graphs["t"]
    assert restored.decisions == made.graphs["t"].decisions
    assert {key: restored.epoch(key) for key in restored.nodes} == {
        key: made.graphs["t"].epoch(key) for key in made.graphs["t"].nodes
    }


# Laws


def with_switches(rng: Random, records: Iterable[Record]) -> list[Record]:
    """The records, and switches at random places; some have a number that is not the next."""
    numbers = {"s": 1, "t": 1}
    mixed: list[Record] = []
    for record in records:
        if rng.random() < 0.2:
            tenant = rng.choice("st")
            wrong = rng.random() < 0.2
            number = max(2, numbers[tenant] + (rng.choice([0, 2]) if wrong else 1))
            numbers[tenant] += number == numbers[tenant] + 1
            mixed.append(rebuild(number, rng.choice(POLICIES), tenant=tenant, actor=rng.choice(["ann", "bob"])))
        mixed.append(record)
    return [*mixed, tick(99, 0), tick(99, 1)]


def random_log(rng: Random) -> list[Record]:
    return with_switches(rng, (record for day in random_days(rng) for record in day))


def from_the_log(made: IdentityShard, records: Sequence[Record]) -> dict[tuple[str, str], str]:
    """Anchors of all identifiers, by the last rules of each tenant and all of its links and decisions, at once."""
    found = {}
    for tenant, identity in made._tenants.items():
        graph, members = IdentityGraph(tenant, policy_of(identity.generation.rules)), Members()
        for record in records:
            if isinstance(record, IdentityLink) and record.tenant == tenant:
                take_link(graph, members, record)
            elif isinstance(record, IdentityOperation) and record.tenant == tenant:
                graph.decide(decision(record))
        graph.settle(1)
        assert graph.refused == identity.graph.refused
        found.update({(tenant, key): graph.anchor(key) for key in graph.nodes})
    return found


def anchors(made: IdentityShard) -> dict[tuple[str, str], str]:
    return {(tenant, key): graph.anchor(key) for tenant, graph in made.graphs.items() for key in graph.nodes}


@settings(max_examples=300, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_the_log_gives_the_live_state_whatever_crashes_and_whatever_the_settings(rng: Random) -> None:
    records = random_log(rng)
    expected, whole = undisturbed(records, rng)
    newest, made = disturbed(records, rng, POLICIES)
    assert known(newest, made) == state(made) == state(whole) == known(expected, whole)
    assert anchors(made) == from_the_log(made, records)
    assert [sum(watch.kinds[kind] for kind in VIOLATIONS) for watch in made.watches] == [0 for _ in made.graphs]
    for tenant, identity in whole._tenants.items():
        assert made._tenants[tenant].generation == identity.generation


@settings(max_examples=150, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_epochs_only_grow_and_none_is_told_twice_with_another_owner(rng: Random) -> None:
    records = random_log(rng)
    made = shard(TWO)
    last = 0
    said: dict[tuple[str, str, int, int], str] = {}
    rows: list[IdentityAudit] = []
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        if rng.random() < 0.5:
            continue
        flush = made.flush()
        rows += audit(flush)
        for one in assignments(flush):
            assert last <= one.epoch <= epoch_of(offset)
            last = one.epoch
            owner = said.setdefault((one.tenant, one.identifier.key, one.epoch, one.effective_ms), one.owner_id)
            assert owner == one.owner_id
    rows += audit(made.flush())
    for tenant, identity in made._tenants.items():
        assert identity.generation.epoch < epoch_of(len(records))
        mine = [row for row in rows if row.tenant == tenant]
        switches = [row.generation for row in mine if row.kind is AuditKind.GENERATION and row.epoch]
        assert switches == list(range(2, identity.generation.number + 1))
        refused = {}
        for row in mine:
            if row.kind in {AuditKind.REFUSED, AuditKind.ACCEPTED} and row.actor is None:
                assert row.identifier is not None
                assert row.other is not None
                pair = (row.identifier.key, row.other.key)
                refused[pair] = row.reason if row.kind is AuditKind.REFUSED else None
        assert {pair: reason for pair, reason in refused.items() if reason} == identity.graph.refused


@settings(max_examples=100, deadline=None)
@given(rng=st.randoms(use_true_random=False), other=st.sampled_from(POLICIES))
def test_there_and_back_gives_the_owners_exactly(rng: Random, other: IdentityPolicy) -> None:
    records = [*(record for day in random_days(rng) for record in day), tick(99, 0), tick(99, 1)]
    newest, made = undisturbed(records, rng)
    before, refused = state(made), {tenant: dict(graph.refused) for tenant, graph in made.graphs.items()}
    offset = len(records)
    for tenant in made.graphs:
        for number, policy in ((2, other), (3, POLICY)):
            made.apply(offset, rebuild(number, policy, tenant=tenant), now_ms=None)
            offset += 1
    assert {tenant: graph.refused for tenant, graph in made.graphs.items()} == refused
    assert before == state(made)
    assert {one.tenant for one in assignments(made.flush())} <= set(made.graphs)
    assert known(newest, made) == before
