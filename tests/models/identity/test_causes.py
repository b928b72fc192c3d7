"""Every audit row names the record that brought it about, whatever the order of arrival."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity import causes
from ebbtide.models.identity.evidence import Operation
from ebbtide.models.identity.graph import IdentityGraph
from ebbtide.models.identity.shard import IdentityShard, Record
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import (
    AccountName,
    AuditKind,
    FindingKind,
    IdentityAudit,
    IdentityLink,
    OperationKind,
)
from ebbtide.schemas.profile_state import Tick
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
    POLICY,
    U1,
    U2,
    UNBLOCK,
    Table,
    at,
    audit,
    audit_line,
    decided,
    link,
    named,
    random_days,
    rebuild,
    save,
    shard,
    tick,
)

C1 = "crm_account_id/c1"
UNLINK, UNBIND = OperationKind.UNLINK, OperationKind.UNBIND
P1 = "phone/+1"


def id_of(record: Record) -> str:
    """As ``cause`` has it."""
    assert not isinstance(record, Tick)
    return record.event_id if isinstance(record, IdentityLink | AccountName) else record.operation_id


def lines(rows: Iterable[IdentityAudit], records: list[Record]) -> list[str]:
    """Rows to read, each with the number of the record that is its cause; without that of the first generation."""
    numbers = {id_of(record): str(n) for n, record in enumerate(records) if not isinstance(record, Tick)}
    return [f"{audit_line(row)} < {numbers.get(row.cause or '', '-')}" for row in rows if row.epoch > 0]


STORIES: dict[str, tuple[list[Record], list[str]]] = {
    "a link": ([link(U1, A1, 1.5), tick(2)], [f"owner {A1} {A1}>{U1} < 0"]),
    "each has its own, though one limit connects them": (
        [link(U1, A1, 1.5), link(U2, A1, 1.6), link(U2, A2, 1.7), tick(2)],
        [f"owner {A1} {A1}>{U1} < 0", f"owner {A2} {A2}>{U2} < 2", f"refused {A1} {U2} limit:user_id < 1"],
    ),
    "the newest of two about one": (
        [link(E1, A1, 1.5), link(U1, E1, 1.6), tick(2)],
        [f"owner {A1} {A1}>{U1} < 0", f"owner {E1} {E1}>{U1} < 1"],
    ),
    "who is moved by a link of others": (
        [link(A1, A2, 1.5), tick(2), link(U1, A2, 2.5), tick(3)],
        [f"owner {A2} {A2}>{A1} < 0", f"owner {A1} {A1}>{U1} < 2", f"owner {A2} {A1}>{U1} < 2"],
    ),
    "at one time the greater id": (
        [link(A1, E1, 1.5), link(A1, U1, 1.5), tick(2)],
        [f"owner {A1} {A1}>{U1} < 1", f"owner {E1} {E1}>{U1} < 0"],
    ),
    "evidence that better evidence outweighs": (
        [link(U1, A1, 1.7, evidence=4), link(U1, A1, 1.5, evidence=2), tick(2)],
        [f"owner {A1} {A1}>{U1} < 1"],
    ),
    "better evidence for another": (
        [link(U1, A1, 1.5, evidence=4), tick(2), link(U2, A1, 2.5), tick(3)],
        [
            f"owner {A1} {A1}>{U1} < 0",
            f"owner {A1} {U1}>{U2} < 2",
            f"refused {A1} {U1} limit:user_id < 2",
        ],
    ),
    "a value that is shared": (
        [*(link(f"user_id/u{n}", A1, 1.5 + n / 100) for n in range(4)), link(A1, A2, 1.2), tick(2)],
        [f"barred {A1} shared < 3"],
    ),
    "a value that becomes shared, and those it held together": (
        [
            *(link(f"user_id/u{n}", E1, 1.1 + n / 100) for n in range(3)),
            link(E1, A1, 1.2),
            tick(2),
            link("user_id/u3", E1, 2.5),
            tick(3),
        ],
        [
            f"owner {A1} {A1}>user_id/u0 < 3",
            f"owner {E1} {E1}>user_id/u0 < 3",
            f"refused {E1} user_id/u1 limit:user_id < 1",
            f"refused {E1} user_id/u2 limit:user_id < 2",
            f"owner {A1} user_id/u0>{A1} < 5",
            f"owner {E1} user_id/u0>{E1} < 5",
            f"accepted {E1} user_id/u1 limit:user_id < 5",
            f"accepted {E1} user_id/u2 limit:user_id < 5",
            f"barred {E1} shared < 5",
        ],
    ),
    "a phone that is unbound, with all that it held together": (
        [
            link(P1, U1, 1.2),
            link(P1, A1, 1.3),
            link(P1, A2, 1.4),
            tick(2),
            link(U2, E1, 2.5),
            decided(UNBIND, P1, day=2.2),
            tick(3),
        ],
        [
            f"owner {A1} {A1}>{U1} < 1",
            f"owner {A2} {A2}>{U1} < 2",
            f"owner {P1} {P1}>{U1} < 2",
            f"decided {P1} unbind: said so jo < 5",
            f"owner {A1} {U1}>{A1} < 5",
            f"owner {A2} {U1}>{A2} < 5",
            f"owner {P1} {U1}>{P1} < 5",
            f"refused {A1} {P1} unbound < 5",
            f"refused {A2} {P1} unbound < 5",
            f"refused {P1} {U1} unbound < 5",
            f"owner {E1} {E1}>{U2} < 4",
        ],
    ),
    "an unbind, and what binds anew": (
        [
            link(P1, U1, 1.2, evidence=4),
            decided(UNBIND, P1, day=1.4),
            tick(2),
            link(P1, U2, 2.2),
            link(P1, U1, 2.3, evidence=1),
            tick(3),
        ],
        [
            f"decided {P1} unbind: said so jo < 1",
            f"refused {P1} {U1} unbound < 0",
            f"owner {P1} {P1}>{U1} < 4",
            f"accepted {P1} {U1} unbound < 4",
            f"refused {P1} {U2} limit:user_id < 3",
        ],
    ),
    "a bind that says nothing new": (
        [
            link(P1, U1, 1.2, evidence=1),
            link(A1, A2, 1.3),
            tick(2),
            link(P1, A1, 2.2),
            link(P1, U1, 2.3, evidence=1),
            tick(3),
        ],
        [
            f"owner {A2} {A2}>{A1} < 1",
            f"owner {P1} {P1}>{U1} < 0",
            f"owner {A1} {A1}>{U1} < 3",
            f"owner {A2} {A1}>{U1} < 3",
        ],
    ),
    "a bind that is the same as before": (
        [
            link(P1, U1, 1.2, evidence=1),
            tick(2),
            decided(UNBIND, P1, day=2.1),
            link(P1, U1, 2.2, evidence=2),
            link(P1, U1, 2.3, evidence=1),
            tick(3),
        ],
        [
            f"owner {P1} {P1}>{U1} < 0",
            f"decided {P1} unbind: said so jo < 2",
            f"owner {P1} {U1}>{P1} < 2",
            f"refused {P1} {U1} unbound < 2",
            f"owner {P1} {P1}>{U1} < 4",
            f"accepted {P1} {U1} unbound < 4",
        ],
    ),
    "a user that is blocked, and a value that is shared no more": (
        [
            *(link(f"user_id/u{n}", E1, 1.1 + n / 100) for n in range(4)),
            tick(2),
            decided(BLOCK, "user_id/u3"),
        ],
        [
            f"barred {E1} shared < 3",
            "decided user_id/u3 block: said so jo < 5",
            f"owner {E1} {E1}>user_id/u0 < 5",
            f"refused {E1} user_id/u1 limit:user_id < 5",
            f"refused {E1} user_id/u2 limit:user_id < 5",
            f"admitted {E1} shared < 5",
            "barred user_id/u3 blocked < 5",
        ],
    ),
    "by hand": (
        [link(U1, A1, 1.5), tick(2), decided(APART, U1, A1, day=3), decided(UNLINK, U1, A1, day=4)],
        [
            f"owner {A1} {A1}>{U1} < 0",
            f"decided {U1} {A1} cannot_link: said so jo < 2",
            f"owner {A1} {U1}>{A1} < 2",
            f"refused {A1} {U1} cannot_link < 2",
            f"decided {U1} {A1} unlink: said so jo < 3",
            f"owner {A1} {A1}>{U1} < 3",
            f"accepted {A1} {U1} cannot_link < 3",
        ],
    ),
    "what cannot be decided": (
        [decided(MUST, U1, G1)],
        [f"refused {U1} {G1} must_link: {G1} and {U1}: people and accounts are two graphs and are never joined jo < 0"],
    ),
    "a domain that two accounts claim, until they are one": (
        [link(G1, D1, 1.5), tick(2), link(G2, D1, 2.5), link(U1, G2, 2.7), tick(3), decided(MUST, G1, G2)],
        [
            f"owner {D1} {D1}>{G1} < 0",
            f"owner {D1} {G1}>{D1} < 2",
            f"barred {D1} shared < 2",
            f"suspected {D1} moved_domain < 2",
            f"decided {G1} {G2} must_link: said so jo < 5",
            f"owner {G2} {G2}>{G1} < 5",
            f"cleared {D1} moved_domain < 5",
        ],
    ),
    "a name": (
        [tick(1), link(C1, G2, 0.2), named(C1, "g1", 0.5), link(U1, G1, 0.4)],
        [f"owner {C1} {C1}>{G2} < 1", f"suspected {G1} {G2} name_as_id < 3"],
    ),
    "a name that another bore before": (
        [tick(1), link(U1, G1, 0.4), named(C1, "g1", 0.5), named(G2, "G1", 0.3)],
        [
            f"suspected {G1} {C1} name_as_id < 2",
            f"cleared {G1} {C1} name_as_id < 3",
            f"suspected {G1} {G2} name_as_id < 3",
        ],
    ),
    "a switch": (
        [tick(1), link(U1, A1, 0.5), link(U2, A1, 0.6), rebuild(2, POLICY.model_copy(update={"blocked": (A1,)}))],
        [
            f"owner {A1} {A1}>{U1} < 1",
            f"refused {A1} {U2} limit:user_id < 2",
            "generation 2@4 other limits jo < 3",
            f"owner {A1} {U1}>{A1} < 3",
            f"accepted {A1} {U2} limit:user_id < 3",
            f"barred {A1} blocked < 3",
        ],
    ),
    "a switch that is refused": (
        [tick(1), rebuild(9, POLICY)],
        ["refused 9@2 rebuild: generation 9 does not follow generation 1, which is in force jo < 1"],
    ),
}


@pytest.mark.parametrize(("records", "expected"), STORIES.values(), ids=STORIES)
def test_story(records: list[Record], expected: list[str]) -> None:
    made, found = shard(), []
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        found += lines(audit(made.flush()), records)
    assert found == expected


MOVED: list[Record] = [
    *(link(f"user_id/{n}", G1, 1.5) for n in range(2)),
    *(link(f"user_id/{n}", G2, 10.5) for n in range(2)),
    tick(60),
]
RENAME = f"{G1} {G2} suspected_rename"


def test_a_rename_is_suspected_by_days_and_cleared_by_somebody() -> None:
    records = [*MOVED, decided(MUST, G1, G2), decided(UNLINK, G1, G2, day=2)]
    made, found = shard(), []
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        found += [line for line in lines(audit(made.flush()), records) if "rename" in line]
    assert found == [f"suspected {RENAME} < -", f"cleared {RENAME} < 5", f"suspected {RENAME} < 6"]


def test_a_decision_that_a_later_one_took_back_is_no_cause() -> None:
    records: list[Record] = [
        tick(1),
        link(U1, A1, 0.5),
        decided(BLOCK, A1, day=7),
        decided(UNBLOCK, A1, day=6),
        decided(UNBLOCK, A1, day=5),
    ]
    made = shard()
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    rows = [line for line in lines(audit(made.flush()), records) if not line.startswith("decided")]
    assert rows == [f"barred {A1} blocked < 2"]


def test_of_several_records_that_touch_nothing_of_it_none_is_the_cause() -> None:
    """The first to bear a name is blocked, and another's name it is then: nothing connects the two."""
    made = shard()
    records: list[Record] = [tick(1), link(U1, G1, 0.4), named(C1, "g1", 0.3), named(G2, "g1", 0.5)]
    together: list[Record] = [decided(BLOCK, C1), link(U2, A2, 0.5)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    made.flush()
    for offset, record in enumerate(together, len(records)):
        made.apply(offset, record, now_ms=None)
    found = lines(audit(made.flush()), [*records, *together])
    assert [line for line in found if "name" in line] == [
        f"cleared {G1} {C1} name_as_id < 4",
        f"suspected {G1} {G2} name_as_id < -",
    ]


def test_what_a_restart_tells_has_no_cause() -> None:
    table: Table = {}
    made = shard()
    records: list[Record] = [tick(2), link(U1, A1, 1.5)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    save(table, made.flush().writes.items())
    for key in [key for key in table if key.startswith(b"gt\0n")]:
        del table[key]
    [row] = audit(shard(table=table).flush())
    assert (row.kind, row.cause) == (AuditKind.OWNER, None)


def brought_by_one(row: IdentityAudit) -> bool:
    return row.reason != FindingKind.SUSPECTED_RENAME and (row.kind, row.generation) != (AuditKind.GENERATION, 1)


@settings(max_examples=200, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_a_record_that_counts_alone_is_the_cause_of_all_that_follows(rng: Random) -> None:
    records = [one for day in random_days(rng) for one in day if not isinstance(one, Tick)]
    made = shard(policy=POLICY.model_copy(update={"soft_size": 2}))
    made.apply(0, tick(200), now_ms=None)
    for offset, record in enumerate(records, 1):
        made.apply(offset, record, now_ms=None)
        assert {row.cause for row in audit(made.flush()) if brought_by_one(row)} <= {id_of(record)}


def told(made: IdentityShard, records: Iterable[Record]) -> list[str]:
    found = []
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    for row in audit(made.flush()):
        row.epoch = 0
        found.append(row.to_json().decode())
    return found


def order_does_not_matter(rng: Random) -> None:
    """Nor do duplicates, of records that come before time passes them."""
    records = [one for day in random_days(rng, by_hand=False) for one in day if not isinstance(one, Tick)]
    ends: list[Record] = [tick(day) for day in range(1, 9)]
    mixed = [*records, *rng.choices(records, k=4)] if records else []
    rng.shuffle(mixed)
    assert told(shard(), [*mixed, *ends]) == told(shard(), [*records, *ends])


@settings(max_examples=200, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(rng: Random) -> None:
    order_does_not_matter(rng)


Touched = Iterable[tuple[Any, causes.Cause]]


def the_last_to_come_is_the_cause(touched: Touched) -> dict[Any, causes.Cause]:
    return dict(touched)


def the_first_to_come_is_the_cause(touched: Touched) -> dict[Any, causes.Cause]:
    return dict(reversed(list(touched)))


def test_a_value_that_nothing_told_turned_has_no_cause() -> None:
    graph = IdentityGraph("t", IdentityPolicy())
    graph.decide(Operation(OperationKind.BLOCK, "email/a@x.com", 1, "op", "me", ""))
    graph.settle(1)
    assert [barred.identifier for barred in graph.audit.barred] == ["email/a@x.com"]
    assert causes.Causes(graph, []).of_value("email/a@x.com") is None


def broken(rng: Random) -> bool:
    try:
        order_does_not_matter(rng)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    "fault", [the_last_to_come_is_the_cause, the_first_to_come_is_the_cause], ids=lambda fault: fault.__name__
)
def test_the_law_catches(monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    monkeypatch.setattr(causes, "_newest", fault)
    assert any(broken(Random(seed)) for seed in range(200))


def test_generated_records_have_causes_of_all_kinds() -> None:
    made, kinds = shard(), set()
    days = (day for seed in range(50) for day in random_days(Random(seed)))
    for offset, record in enumerate(one for day in days for one in day):
        made.apply(offset, record, now_ms=at(0))
        kinds |= {row.kind for row in audit(made.flush()) if row.cause is not None}
    assert kinds == set(AuditKind) - {AuditKind.GENERATION}
