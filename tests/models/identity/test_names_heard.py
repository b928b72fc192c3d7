"""Identity hears names: they count when links of their time count, and what is found is what the log says."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity.checks import check
from ebbtide.models.identity.generation import policy_of
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.held import HeldLinks
from ebbtide.models.identity.intake import decision, take_link, take_name
from ebbtide.models.identity.members import Members
from ebbtide.models.identity.names import AccountNames
from ebbtide.models.identity.shard import IdentityShard, Record
from ebbtide.models.outputs import Flush
from ebbtide.schemas.identity import AccountName, FindingKind, IdentityLink, IdentityOperation
from support.identity_shard import (
    D1,
    G1,
    G2,
    MUST,
    TWO,
    U1,
    Table,
    assignments,
    at,
    audit,
    decided,
    disturbed,
    link,
    named,
    random_days,
    rebuild,
    save,
    shard,
    tick,
)

END = 120
"""A day after all of them."""


def rows(flush: Flush) -> list[str]:
    """Findings as the audit tells them: kind, identifier, whose name it is, since which day."""
    return [
        f"{row.kind} {row.identifier.value if row.identifier else None} {row.other.value if row.other else None}"
        + ("" if row.first_day is None else f" @{row.first_day}")
        for row in audit(flush)
        if row.reason == FindingKind.NAME_AS_ID
    ]


STORIES: dict[str, tuple[list[Record], list[list[str]]]] = {
    "a name waits for the end of its day": (
        [link(U1, G1, 1.2), named(G1, "G1", 2.5), tick(2.9), tick(3.1)],
        [[], [], [], ["suspected g1 g1 @2"]],
    ),
    "a late name counts at once": ([tick(9), named(G1, "G1", 2.5)], [[], ["suspected g1 g1 @2"]]),
    "of a name that is told twice the first time counts": (
        [tick(9), named(G1, "G1", 5.5), named(G1, "G1 ", 2.5), named(G2, "g1", 3.5)],
        [[], ["suspected g1 g1 @5"], [], ["suspected g1 g2 @3"]],
    ),
    "a group id that comes after the name": (
        [tick(9), named(G2, "g1", 2.5), link(U1, G1, 1.2)],
        [[], [], ["suspected g1 g2 @2"]],
    ),
    "accounts that become one": (
        [tick(9), named(G2, "g1", 2.5), link(U1, G1, 1.2), decided(MUST, G1, G2)],
        [[], [], ["suspected g1 g2 @2"], ["cleared g1 g2"]],
    ),
    "a name of a person says nothing": ([tick(9), named(U1, "g1", 2.5), link(U1, G1, 1.2)], [[], [], []]),
}


@pytest.mark.parametrize(("records", "expected"), STORIES.values(), ids=STORIES)
def test_story(records: list[Record], expected: list[list[str]]) -> None:
    made, found = shard(), []
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        found.append(rows(made.flush()))
    assert found == expected


def test_a_live_name_counts_at_once_and_moves_no_link_to_now() -> None:
    made = shard()
    records: list[Record] = [tick(5), link(U1, "anonymous_id/a", 4.5), named(G1, "G1", 5.2)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=at(5.3) if offset == 2 else None)
    flush = made.flush()
    assert rows(flush) == ["suspected g1 g1 @5"]
    assert {one.effective_ms for one in assignments(flush)} == {at(5) + 1}


def test_nobody_is_told_of_a_name() -> None:
    made = shard()
    records: list[Record] = [tick(9), link(G1, D1, 2.5), named(G1, "G1", 2.5)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        flush = made.flush()
    assert assignments(flush) == []


def test_a_name_of_a_person_is_ignored() -> None:
    made = shard()
    records: list[Record] = [tick(9), named(U1, "g1", 2.5), named(G1, "g1", 2.5)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    assert made.ignored == 1


def test_a_restart_knows_held_names_and_those_that_count() -> None:
    table: Table = {}
    made = shard()
    records: list[Record] = [tick(2), named(G2, "g1", 1.5), named(G1, "g2", 2.5)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    save(table, made.flush().writes.items())
    made = shard(table=table)
    made.apply(3, link(U1, G1, 1.2), now_ms=None)
    assert rows(made.flush()) == ["suspected g1 g2 @1"]
    made.apply(4, tick(3), now_ms=None)
    assert rows(made.flush()) == ["suspected g2 g1 @2"]


def test_a_held_record_of_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="held record layout b'\\\\x7f' is unknown"):
        HeldLinks().restore(b"h\0\0\0\0\0\0\0\1", b"\x7f{}", applied=9, barrier_ms=0)


def test_another_generation_has_the_names_of_the_one_before() -> None:
    made, policy = shard(), shard()._rules
    records: list[Record] = [tick(9), named(G2, "g1", 2.5), link(U1, G1, 1.2)]
    records.append(rebuild(2, policy_of(policy).model_copy(update={"soft_size": 7})))
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    assert rows(made.flush()) == ["suspected g1 g2 @2"]
    assert [watch.kinds[FindingKind.NAME_AS_ID] for watch in made.watches] == [1]


def names_found(made: IdentityShard) -> dict[str, list[str]]:
    return {
        tenant: sorted(one.sentence for one in identity.watch.found.values() if one.kind is FindingKind.NAME_AS_ID)
        for tenant, identity in made._tenants.items()
    }


def from_the_log(made: IdentityShard, records: list[Record]) -> dict[str, list[str]]:
    """The same from all records at once, as commands read the log."""
    found = {}
    for tenant, identity in made._tenants.items():
        graph, members, names = IdentityGraph(tenant, policy_of(identity.generation.rules)), Members(), AccountNames()
        for record in records:
            if isinstance(record, IdentityLink) and record.tenant == tenant:
                take_link(graph, members, record)
            elif isinstance(record, AccountName) and record.tenant == tenant:
                take_name(names, record)
            elif isinstance(record, IdentityOperation) and record.tenant == tenant:
                graph.decide(decision(record))
        graph.settle(1)
        findings = check(graph, members, names, END).findings
        found[tenant] = sorted(one.sentence for one in findings if one.kind is FindingKind.NAME_AS_ID)
    return found


@settings(max_examples=200, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_the_log_says_what_the_worker_found_whatever_crashes_and_in_any_order(rng: Random) -> None:
    records = [record for day in random_days(rng) for record in day]
    ends: list[Record] = [tick(END, 0), tick(END, 1)]
    _, made = disturbed([*records, *ends], rng)
    mixed = shard(TWO)
    evidence = [record for record in records if not isinstance(record, type(ends[0]))]
    shuffled = [*evidence, *rng.choices(evidence, k=5)] if evidence else []
    rng.shuffle(shuffled)
    for offset, record in enumerate([*shuffled, *ends]):
        mixed.apply(offset, record, now_ms=None)
        if rng.random() < 0.3:
            mixed.flush()
    mixed.flush()
    assert names_found(made) == names_found(mixed) == from_the_log(made, records)


def test_generated_logs_have_such_findings() -> None:
    found = set()
    for seed in range(60):
        made = shard(TWO)
        for offset, record in enumerate([record for day in random_days(Random(seed)) for record in day]):
            made.apply(offset, record, now_ms=None)
        made.flush()
        found |= {(one.identifier, one.other) for watch in made.watches for one in watch.found.values() if one.other}
    both = {(one, other) for one in ("group_id/g0", "group_id/g1") for other in ("group_id/g0", "group_id/g1")}
    assert both <= found
