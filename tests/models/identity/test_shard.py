"""Stories of the identity shard: who is told what, and when it counts (identity §2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ebbtide.models.identity.shard import Record, epoch_of
from ebbtide.models.outputs import EVERY_PARTITION
from ebbtide.schemas.identity import IdentityOperation
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic
from support.identity_shard import (
    A1,
    A2,
    APART,
    BLOCK,
    D1,
    E1,
    G1,
    G2,
    MUST,
    TWO,
    U1,
    U2,
    UNBLOCK,
    assignment_line,
    assignments,
    at,
    audit,
    audit_line,
    decided,
    link,
    run,
    shard,
    tick,
    ticks,
    told,
)

STORIES: dict[str, tuple[list[Record], list[str]]] = {
    "nothing counts before its day is over": ([link(U1, A1, 1.5), tick(1.9)], []),
    "anonymous history goes to the user": ([link(U1, A1, 1.5), tick(2.1)], ["a1 > u1 @2", "u1 > u1 @2"]),
    "links of one day count together": (
        [link(U1, A1, 1.5), link(U1, E1, 1.2), tick(2.1)],
        ["a1 > u1 @2", "jane@x.com > u1 @2", "u1 > u1 @2"],
    ),
    "time that leaps stops at each midnight after a link": (
        [link(U1, A1, 1.5), link(U1, A2, 3.5), tick(9.5)],
        ["a1 > u1 @2", "u1 > u1 @2", "a1 > u1 @4", "a2 > u1 @4", "u1 > u1 @4"],
    ),
    "a midnight comes before a later observation": (
        [link(U1, A1, 1.5), link(U1, A2, 2.2), tick(2.5, observe=True)],
        ["a1 > u1 @2", "u1 > u1 @2", "a1 > u1 @2.5", "a2 > u1 @2.5", "u1 > u1 @2.5"],
    ),
    "an account of one's own is known": ([link(U1, G1, 1.5), tick(2)], []),
    "a membership holds for all of a person": (
        [link(U1, A1, 1.5), link(U1, G1, 1.6), tick(2)],
        ["a1 > u1 @2 g1:g1:1", "u1 > u1 @2 g1:g1:1"],
    ),
    "the first day of a group is that of whoever was there first": (
        [link(U1, G1, 3.1), link(A1, G1, 1.6), link(A1, G1, 2), link(U1, A1, 3.2), tick(4)],
        ["a1 > u1 @4 g1:g1:1", "u1 > u1 @4 g1:g1:1"],
    ),
    "groups come sorted": (
        [link(U1, G2, 1.1), link(U1, G1, 1.2), link(U1, A1, 1.3), tick(2)],
        ["a1 > u1 @2 g1:g1:1 g2:g2:1", "u1 > u1 @2 g1:g1:1 g2:g2:1"],
    ),
    "a late link counts at once, from the barrier on": (
        [tick(5.5), link(U1, A1, 1.5)],
        ["a1 > u1 @5", "u1 > u1 @5"],
    ),
    "an account that another names is told with its people": (
        [link(U1, G2, 1.5), link(A1, G2, 1.5), link(U1, A1, 1.6), tick(2), decided(MUST, G1, G2)],
        [
            "a1 > u1 @2 g2:g2:1",
            "u1 > u1 @2 g2:g2:1",
            "a1 > u1 @0 g2:g1:1",
            "g1 > g1 @0",
            "g2 > g1 @0",
            "u1 > u1 @0 g2:g1:1",
        ],
    ),
    "a link with oneself, and one of a person with a domain, say nothing": (
        [link(U1, U1, 1.1), link(U1, D1, 1.2), link(G1, U1, 1.3), tick(2)],
        [],
    ),
    "an account's domain belongs to it": ([link(G1, D1, 1.5), tick(2)], ["x.com > g1 @2", "g1 > g1 @2"]),
    "an account has its id in the CRM": (
        [link(G1, "crm_account_id/c1", 1.5), tick(2)],
        ["c1 > g1 @2", "g1 > g1 @2"],
    ),
    "an e-mail may be of the account of its domain": (
        [link(E1, D1, 1.1), link(G1, D1, 1.5), tick(2)],
        ["x.com > g1 @2", "jane@x.com > jane@x.com @2 ~g1", "g1 > g1 @2"],
    ),
    "who is blocked links nobody": (
        [link("user_id/robot", A1, 1.5), tick(2)],
        ["a1 > a1 @2", "robot > robot @2"],
    ),
    "who was told is told also that all is as if nothing had been": (
        [link(U1, A1, 1.5), tick(2), decided(APART, U1, A1)],
        ["a1 > u1 @2", "u1 > u1 @2", "a1 > a1 @0", "u1 > u1 @0"],
    ),
    "who stays behind loses the accounts of who leaves": (
        [link(U1, A1, 1.5), link(A1, G1, 1.5), link(U1, A2, 1.5), tick(2), decided(BLOCK, A1)],
        [
            "a1 > u1 @2 g1:g1:1",
            "a2 > u1 @2 g1:g1:1",
            "u1 > u1 @2 g1:g1:1",
            "a1 > a1 @0 g1:g1:1",
            "a2 > u1 @0",
            "u1 > u1 @0",
        ],
    ),
    "a decision that cannot be changes nothing": ([decided(MUST, U1, G1), decided(BLOCK, U1, U2)], []),
}


@pytest.mark.parametrize(("records", "expected"), STORIES.values(), ids=STORIES)
def test_story(records: list[Record], expected: list[str]) -> None:
    made = shard()
    lines = []
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        if isinstance(record, Tick | IdentityOperation):
            lines += told(made.flush())
    assert [*lines, *told(made.flush())] == expected


def test_the_fast_partition_waits_for_the_slow() -> None:
    made = shard(TWO)
    records: list[Record] = [link(U1, A1, 1.5), tick(2.5, 0), link(U1, A2, 3.5), tick(4, 0)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    assert made.flush().outputs == []
    made.apply(4, tick(2.1, 1), now_ms=None)
    assert made.time_ms == at(2.1)
    flush = made.flush()
    assert told(flush) == ["a1 > u1 @2", "u1 > u1 @2"]
    assert ticks(flush) == [(2.1, False)]


def test_a_live_link_counts_at_once_and_all_that_counts_with_it() -> None:
    records: list[Record] = [tick(5.5), link(U1, A1, 8.5), link(U1, A2, 3), link(U2, E1, 6.4)]
    flush = run(records, now_ms=at(8.5))
    assert told(flush) == ["a1 > u1 @0", "a2 > u1 @0", "u1 > u1 @0"]
    assert told(run(records)) == ["a2 > u1 @5", "u1 > u1 @5"]


def test_a_live_link_is_no_older_than_two_days() -> None:
    assert told(run([link(U1, A1, 3)], now_ms=at(5))) == ["a1 > u1 @0", "u1 > u1 @0"]
    assert told(run([link(U1, A1, 3)], now_ms=at(5) + 1)) == []


def test_tenants_are_apart_also_in_what_holds_at_once() -> None:
    records: list[Record] = [tick(5.5), link(U1, A1, 3, tenant="s"), link(U1, A2, 5.5)]
    flush = run(records, now_ms=at(7.2))
    assert [(one.tenant, assignment_line(one)) for one in assignments(flush)] == [
        ("s", "a1 > u1 @5"),
        ("s", "u1 > u1 @5"),
        ("t", "a2 > u1 @0"),
        ("t", "u1 > u1 @0"),
    ]


def test_where_outputs_go_and_in_which_epochs() -> None:
    flush = run([link(U1, A1, 1.5), link(U1, A2, 2.2), link(U1, E1, 3), tick(2.5, observe=True)])
    assert [(one.topic, one.key, one.partition) for one in flush.outputs] == [
        (Topic.IDENTITY_AUDIT, "t", None),
        (Topic.IDENTITY_ASSIGNMENTS, "t/anonymous_id/a1", None),
        (Topic.IDENTITY_ASSIGNMENTS, "t/user_id/u1", None),
        (Topic.IDENTITY_AUDIT, "t", None),
        (Topic.IDENTITY_ASSIGNMENTS, "t/anonymous_id/a1", None),
        (Topic.IDENTITY_ASSIGNMENTS, "t/anonymous_id/a2", None),
        (Topic.IDENTITY_ASSIGNMENTS, "t/user_id/u1", None),
        (Topic.IDENTITY_AUDIT, "t", None),
        (Topic.IDENTITY_ASSIGNMENTS, "@tick", EVERY_PARTITION),
        (Topic.IDENTITY_ASSIGNMENTS, "@tick", EVERY_PARTITION),
    ]
    assert ticks(flush) == [(2.5, True), (2.5, False)]
    assert [one.epoch for one in assignments(flush)] == [epoch_of(3)] * 5
    assert {output.record.arrived_ms for output in flush.outputs if isinstance(output.record, Tick)} == {2}
    sources = {output.record.source for output in flush.outputs if isinstance(output.record, Tick)}
    assert sources == {"identity/3"}


def test_time_of_one_day_is_told_once_a_flush() -> None:
    made = shard()
    for offset, day in enumerate((1.1, 1.2, 1.3)):
        made.apply(offset, tick(day), now_ms=None)
    assert ticks(made.flush()) == [(1.1, False), (1.3, False)]
    made.apply(3, replace(tick(1.3), idle=True), now_ms=None)
    assert ticks(made.flush()) == []


def test_audit_tells_every_change() -> None:
    records: list[Record] = [
        *(link(f"user_id/u{n}", E1, 1.5 + n / 100) for n in range(4)),
        link(U1, A1, 1.5),
        link(U2, A1, 1.6),
        decided(MUST, U1, G1),
        decided(BLOCK, "user_id/u3"),
        tick(2),
        decided(UNBLOCK, "user_id/u3"),
        decided(BLOCK, U1),
    ]
    made = shard()
    rows = []
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        rows += [audit_line(one) for one in audit(made.flush())]
    assert rows == [
        "generation 1@0",
        "refused user_id/u1 group_id/g1 must_link: group_id/g1 and user_id/u1: people and accounts are two graphs "
        "and are never joined jo",
        "decided user_id/u3 block: said so jo",
        "barred user_id/u3 blocked",
        "owner anonymous_id/a1 anonymous_id/a1>user_id/u1",
        f"owner {E1} {E1}>user_id/u0",
        "refused anonymous_id/a1 user_id/u2 limit:user_id",
        f"refused {E1} user_id/u1 limit:user_id",
        f"refused {E1} user_id/u2 limit:user_id",
        # A fourth user: nobody's address any more. A link of a shared value is not refused, it is none.
        "decided user_id/u3 unblock: said so jo",
        f"owner {E1} user_id/u0>{E1}",
        f"accepted {E1} user_id/u1 limit:user_id",
        f"accepted {E1} user_id/u2 limit:user_id",
        f"barred {E1} shared",
        "admitted user_id/u3 blocked",
        "decided user_id/u1 block: said so jo",
        "owner anonymous_id/a1 user_id/u1>user_id/u2",
        f"owner {E1} {E1}>user_id/u0",
        "accepted anonymous_id/a1 user_id/u2 limit:user_id",
        f"refused {E1} user_id/u2 limit:user_id",
        f"refused {E1} user_id/u3 limit:user_id",
        f"admitted {E1} shared",
        "barred user_id/u1 blocked",
    ]
    assert made.ignored == 1


def test_flush_keeps_values_back_where_nothing_is_stored() -> None:
    made = shard()
    made.apply(0, link(U1, A1, 1.5), now_ms=None)
    made.apply(1, tick(2), now_ms=None)
    flush = made.flush(store=False)
    assert (told(flush), flush.writes) == (["a1 > u1 @2", "u1 > u1 @2"], {})
