"""Stories of the identity shard: who is told what, when it counts, and crashes that change nothing (identity §2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.identity.identifiers import identifier_of
from ebbtide.models.identity.shard import META_KEY, IdentityShard, epoch_of
from ebbtide.models.outputs import EVERY_PARTITION, Flush
from ebbtide.models.policy import IdentityPolicy
from ebbtide.schemas.identity import (
    AuditKind,
    EvidenceClass,
    IdentityAssignment,
    IdentityAudit,
    IdentityLink,
    IdentityOperation,
    MembershipKind,
    OperationKind,
    Span,
)
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import DAY_MS, Topic

Record = IdentityLink | IdentityOperation | Tick
Told = dict[tuple[str, str], IdentityAssignment]
Table = dict[bytes, bytes]

POLICY = IdentityPolicy(blocked=("user_id/robot",))
STRICT = POLICY.model_copy(update={"soft_size": 2})
ONE = frozenset({"profiles/0"})
TWO = frozenset({"profiles/0", "profiles/1"})
U1, U2, A1, A2, E1 = "user_id/u1", "user_id/u2", "anonymous_id/a1", "anonymous_id/a2", "email/jane@x.com"
G1, G2, D1 = "group_id/g1", "group_id/g2", "domain/x.com"


def at(day: float) -> int:
    return int(day * DAY_MS)


def link(a: str, b: str, day: float, *, tenant: str = "t", evidence: int = 2) -> IdentityLink:
    ms = at(day)
    subject, other = identifier_of(a), identifier_of(b)
    return IdentityLink(tenant, subject, other, EvidenceClass(evidence), from_ms(ms), f"{a} {b} {ms}")


def tick(day: float, source: int = 0, *, observe: bool = False) -> Tick:
    return Tick(source=f"profiles/{source}", watermark=from_ms(at(day)), observe=observe, arrived_ms=int(day))


def decided(
    kind: OperationKind, a: str, b: str | None = None, *, tenant: str = "t", day: float = 1
) -> IdentityOperation:
    other = None if b is None else identifier_of(b)
    when = from_ms(at(day))
    return IdentityOperation(tenant, f"{kind} {a} {b}", kind, identifier_of(a), when, "jo", "said so", other)


def shard(sources: frozenset[str] = ONE, table: Table | None = None, policy: IdentityPolicy = POLICY) -> IdentityShard:
    return IdentityShard(3, sources, policy, (table or {}).items())


def run(records: Sequence[Record], sources: frozenset[str] = ONE, *, now_ms: int | None = None) -> Flush:
    """What follows from all the records, flushed once."""
    made = shard(sources)
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=now_ms)
    return made.flush()


def assignments(flush: Flush) -> list[IdentityAssignment]:
    return [output.record for output in flush.outputs if isinstance(output.record, IdentityAssignment)]


def audit(flush: Flush) -> list[IdentityAudit]:
    return [output.record for output in flush.outputs if isinstance(output.record, IdentityAudit)]


def ticks(flush: Flush) -> list[tuple[float, bool]]:
    found = [output.record for output in flush.outputs if isinstance(output.record, Tick)]
    return [((one.watermark.timestamp() if one.watermark else -1) * 1000 / DAY_MS, one.observe) for one in found]


def told(flush: Flush) -> list[str]:
    """Assignments in a form to read: ``identifier > anchor @effective day group:anchor:first day …``."""
    return [_line(one) for one in assignments(flush)]


def _days(spans: Iterable[Span]) -> str:
    return ",".join(f"{first}" if last is None else f"{first}-{last}" for first, last in spans)


def _line(one: IdentityAssignment) -> str:
    accounts = "".join(f" {of.group}:{of.anchor.value}:{_days(of.spans)}" for of in one.accounts)
    return f"{one.identifier.value} > {one.anchor.value} @{one.effective_ms / DAY_MS:g}{accounts}"


MUST, APART, BLOCK, UNBLOCK = (
    OperationKind.MUST_LINK,
    OperationKind.CANNOT_LINK,
    OperationKind.BLOCK,
    OperationKind.UNBLOCK,
)

STORIES: dict[str, tuple[list[Record], list[str]]] = {
    "nothing counts before its day is over": ([link(U1, A1, 1.5), tick(1.9)], []),
    "anonymous history goes to the user": ([link(U1, A1, 1.5), tick(2.1)], ["a1 > u1 @2"]),
    "links of one day count together": (
        [link(U1, A1, 1.5), link(U1, E1, 1.2), tick(2.1)],
        ["a1 > u1 @2", "jane@x.com > u1 @2"],
    ),
    "time that leaps stops at each midnight after a link": (
        [link(U1, A1, 1.5), link(U1, A2, 3.5), tick(9.5)],
        ["a1 > u1 @2", "a1 > u1 @4", "a2 > u1 @4"],
    ),
    "a midnight comes before a later observation": (
        [link(U1, A1, 1.5), link(U1, A2, 2.2), tick(2.5, observe=True)],
        ["a1 > u1 @2", "a1 > u1 @2.5", "a2 > u1 @2.5"],
    ),
    "an account of one's own is known": ([link(U1, G1, 1.5), tick(2)], []),
    "a membership holds for all of a person": (
        [link(U1, A1, 1.5), link(U1, G1, 1.6), tick(2)],
        ["a1 > u1 @2 g1:g1:1"],
    ),
    "the first day of a group is that of whoever was there first": (
        [link(U1, G1, 3.1), link(A1, G1, 1.6), link(A1, G1, 2), link(U1, A1, 3.2), tick(4)],
        ["a1 > u1 @4 g1:g1:1", "u1 > u1 @4 g1:g1:1"],
    ),
    "groups come sorted": (
        [link(U1, G2, 1.1), link(U1, G1, 1.2), link(U1, A1, 1.3), tick(2)],
        ["a1 > u1 @2 g1:g1:1 g2:g2:1"],
    ),
    "a late link counts at once, from the barrier on": (
        [tick(5.5), link(U1, A1, 1.5)],
        ["a1 > u1 @5"],
    ),
    "an account that another names is told with its people": (
        [link(U1, G2, 1.5), link(A1, G2, 1.5), link(U1, A1, 1.6), tick(2), decided(MUST, G1, G2)],
        ["a1 > u1 @2 g2:g2:1", "a1 > u1 @0 g2:g1:1", "g2 > g1 @0", "u1 > u1 @0 g2:g1:1"],
    ),
    "a link with oneself, and one of a person with a domain, say nothing": (
        [link(U1, U1, 1.1), link(U1, D1, 1.2), link(G1, U1, 1.3), tick(2)],
        [],
    ),
    "an account's domain belongs to it": ([link(G1, D1, 1.5), tick(2)], ["x.com > g1 @2"]),
    "who is blocked links nobody": ([link("user_id/robot", A1, 1.5), tick(2)], []),
    "who was told is told also that all is as if nothing had been": (
        [link(U1, A1, 1.5), tick(2), decided(APART, U1, A1)],
        ["a1 > u1 @2", "a1 > a1 @0"],
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
    assert told(flush) == ["a1 > u1 @2"]
    assert ticks(flush) == [(2.1, False)]


def test_a_live_link_counts_at_once_and_all_that_counts_with_it() -> None:
    records: list[Record] = [tick(5.5), link(U1, A1, 8.5), link(U1, A2, 3), link(U2, E1, 6.4)]
    flush = run(records, now_ms=at(8.5))
    assert told(flush) == ["a1 > u1 @0", "a2 > u1 @0"]
    assert told(run(records)) == ["a2 > u1 @5"]


def test_a_live_link_is_no_older_than_two_days() -> None:
    assert told(run([link(U1, A1, 3)], now_ms=at(5))) == ["a1 > u1 @0"]
    assert told(run([link(U1, A1, 3)], now_ms=at(5) + 1)) == []


def test_tenants_are_apart_also_in_what_holds_at_once() -> None:
    records: list[Record] = [tick(5.5), link(U1, A1, 3, tenant="s"), link(U1, A2, 5.5)]
    flush = run(records, now_ms=at(7.2))
    assert [(one.tenant, _line(one)) for one in assignments(flush)] == [("s", "a1 > u1 @5"), ("t", "a2 > u1 @0")]


def test_where_outputs_go_and_in_which_epochs() -> None:
    flush = run([link(U1, A1, 1.5), link(U1, A2, 2.2), link(U1, E1, 3), tick(2.5, observe=True)])
    assert [(one.topic, one.key, one.partition) for one in flush.outputs] == [
        (Topic.IDENTITY_ASSIGNMENTS, "t/anonymous_id/a1", None),
        (Topic.IDENTITY_AUDIT, "t", None),
        (Topic.IDENTITY_ASSIGNMENTS, "t/anonymous_id/a1", None),
        (Topic.IDENTITY_ASSIGNMENTS, "t/anonymous_id/a2", None),
        (Topic.IDENTITY_AUDIT, "t", None),
        (Topic.IDENTITY_ASSIGNMENTS, "@tick", EVERY_PARTITION),
        (Topic.IDENTITY_ASSIGNMENTS, "@tick", EVERY_PARTITION),
    ]
    assert ticks(flush) == [(2.5, True), (2.5, False)]
    assert [one.epoch for one in assignments(flush)] == [epoch_of(3)] * 3
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
        rows += [_row(one) for one in audit(made.flush())]
    assert rows == [
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


def _row(row: IdentityAudit) -> str:
    moved = f"{_key(row.previous)}>{_key(row.current)}" if row.previous and row.current else None
    other = None if row.other is None else _key(row.other)
    parts = [row.kind, _key(row.identifier), other, moved, row.reason, row.actor]
    return " ".join(part for part in parts if part is not None)


def _key(one: object) -> str:
    return f"{one.type}/{one.value}"  # type: ignore[attr-defined]


def test_flush_keeps_values_back_where_nothing_is_stored() -> None:
    made = shard()
    made.apply(0, link(U1, A1, 1.5), now_ms=None)
    made.apply(1, tick(2), now_ms=None)
    flush = made.flush(store=False)
    assert (told(flush), flush.writes) == (["a1 > u1 @2"], {})


# Crashes


def save(table: Table, writes: Iterable[tuple[bytes, bytes | None]]) -> None:
    for key, value in writes:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value


def test_a_restart_knows_all_and_forgets_what_counts() -> None:
    table: Table = {}
    made = shard()
    name = "50%\0 of t"
    links = [link(U1, G1, 1.5, tenant=name), link(U1, A1, 1.6, tenant=name), link(U1, A2, 2.5, tenant=name)]
    records: list[Record] = [tick(1), *links]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    writes = made.flush().writes
    assert list(writes)[-1] == META_KEY
    save(table, writes.items())
    made = shard(table=table)
    made.apply(3, link(U1, E1, 0), now_ms=None)  # Applied.
    assert made.applied == 3
    made.apply(4, tick(2), now_ms=None)
    flush = made.flush()
    assert told(flush) == ["a1 > u1 @2 g1:g1:1"]
    assert set(made.graphs) == {name}
    save(table, flush.writes.items())
    assert sum(key[:1] == b"h" for key in table) == 3
    made = shard(table=table)
    flush = made.flush()
    assert flush.outputs == []
    save(table, flush.writes.items())
    assert sum(key[:1] == b"h" for key in table) == 1
    made.apply(5, tick(3), now_ms=None)
    assert told(made.flush()) == ["a1 > u1 @3 g1:g1:1", "a2 > u1 @3 g1:g1:1"]
    save(table, made.flush().writes.items())
    assert sum(key[:1] == b"h" for key in table) == 0


def test_a_restart_tells_no_finding_again_and_clears_what_is_gone() -> None:
    table: Table = {}
    made = shard(table=table)
    records: list[Record] = [link(G1, D1, 1.1), link(G2, D1, 1.2), tick(2)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    flush = made.flush()
    assert [row.reason for row in audit(flush) if row.kind is AuditKind.SUSPECTED] == ["moved_domain"]
    save(table, flush.writes.items())
    again = shard(table=table)
    assert audit(again.flush()) == []
    assert [watch.kinds["moved_domain"] for watch in again.watches] == [1]
    again.apply(3, decided(BLOCK, D1), now_ms=None)
    flush = again.flush()
    assert [row.reason for row in audit(flush) if row.kind is AuditKind.CLEARED] == ["moved_domain"]
    save(table, flush.writes.items())
    assert not [key for key in table if key[:1] == b"f"]


def test_findings_that_are_due_are_told_where_time_leaps_over_them() -> None:
    """Two of three have been in the new account for two weeks on the 24th, all on the 30th."""
    records: list[Record] = [link(f"user_id/{n}", G1, 1.5) for n in range(3)]
    records += [link(f"user_id/{n}", G2, 10.5 + 3 * n) for n in range(3)]
    counts = []
    for days in ([60], range(1, 61), [26, 60]):
        made = shard()
        steps: list[Record] = [tick(day) for day in days]
        rows = []
        for offset, record in enumerate(records + steps):
            made.apply(offset, record, now_ms=None)
            rows += audit(made.flush())
        counts.append([(row.reason, row.count, row.total) for row in rows])
    assert counts == [[("suspected_rename", 2, 3)]] * 3


def test_what_a_crash_left_untold_a_restart_tells() -> None:
    table: Table = {}
    made = shard()
    made.apply(0, tick(2), now_ms=None)
    made.apply(1, link(U1, A1, 1.5), now_ms=None)
    writes = made.flush().writes
    save(table, writes.items())
    for key in [key for key in table if key.startswith(b"gt\0n")]:
        del table[key]
    flush = shard(table=table).flush()
    assert told(flush) == ["a1 > u1 @2"]
    assert [one.epoch for one in assignments(flush)] == [epoch_of(1)]


def test_another_policy_is_told() -> None:
    table: Table = {}
    made = shard()
    made.apply(0, tick(2), now_ms=None)
    made.apply(1, link(U1, A1, 1.5), now_ms=None)
    save(table, made.flush().writes.items())
    policy = IdentityPolicy(blocked=("u1",))
    assert told(IdentityShard(3, ONE, policy, table.items()).flush()) == ["a1 > a1 @2"]


@pytest.mark.parametrize("key", [b"x", b"h\0\0\0\0\0\0\0\0", b"mt\0user_id/u", b"gt\0nuser_id/u"])
def test_an_unknown_record_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="unknown"):
        shard(table={key: b"\x7f"})


PEOPLE = ["user_id/u0", "user_id/u1", "email/e0", "email/e1", "anonymous_id/a0", "anonymous_id/a1", "anonymous_id/a2"]
GROUPS = ["group_id/g0", "group_id/g1", "domain/d0"]


def random_record(rng: Random, day: int, *, by_hand: bool = True) -> Record:
    tenant = rng.choice("st")
    kind = rng.random()
    if by_hand and kind < 0.1:
        names = rng.sample(rng.choice([PEOPLE, GROUPS]), 2)
        pairs = [OperationKind.MUST_LINK, OperationKind.CANNOT_LINK, OperationKind.UNLINK]
        if kind < 0.03:
            return decided(rng.choice([BLOCK, UNBLOCK]), names[0], tenant=tenant, day=rng.random() * 9)
        return decided(rng.choice(pairs), *names, tenant=tenant, day=rng.random() * 9)
    when = max(0.0, day + rng.choice([-1.5, 0.2, 0.4, 0.6, 1.3]))
    if kind < 0.35:
        told = rng.choice([None, *MembershipKind])
        return replace(link(rng.choice(PEOPLE), rng.choice(GROUPS[:2]), when, tenant=tenant), membership=told)
    a, b = rng.sample(GROUPS if kind < 0.5 else PEOPLE, 2)
    return link(a, b, when, tenant=tenant, evidence=rng.choice([1, 2, 3, 4]))


def random_days(rng: Random, *, by_hand: bool = True) -> list[list[Record]]:
    """The records of some days; each ends with a tick of every partition."""
    days: list[list[Record]] = []
    for day in range(1, rng.randint(3, 5)):
        records = [random_record(rng, day, by_hand=by_hand) for _ in range(rng.randint(0, 8))]
        ends: list[Record] = [tick(day + 1 + rng.choice([0, 0.1, 0.5]), n, observe=rng.random() < 0.3) for n in (0, 1)]
        days.append(records + ends)
    return days


def note(newest: Told, flush: Flush) -> None:
    """Keep the newest assignments as a consumer does that takes greater ones only."""
    for one in assignments(flush):
        key = (one.tenant, f"{one.identifier.type}/{one.identifier.value}")
        if key not in newest or (one.epoch, one.effective_ms) > (newest[key].epoch, newest[key].effective_ms):
            newest[key] = one


def state(made: IdentityShard) -> dict[tuple[str, str], str]:
    """What the shard's state says of all it knows, account by account and person by person."""
    found = {}
    for tenant, identity in made._tenants.items():
        graph, members = identity.graph, identity._members
        for key in {*graph.nodes, *members._groups}:
            groups = members.groups(graph.members(key))
            accounts = "".join(
                f" {group}:{graph.anchor(f'group_id/{group}').partition('/')[2]}:{_days(membership.spans)}"
                for group, membership in groups.items()
            )
            found[tenant, key] = f"{key.partition('/')[2]} > {graph.anchor(key).partition('/')[2]} @0{accounts}"
    return found


def known(newest: Told, made: IdentityShard) -> dict[tuple[str, str], str]:
    """What a consumer knows of the same: what it was told, else what everybody can compute from their own events."""
    found = {}
    for tenant, key in state(made):
        one = newest.get((tenant, key))
        groups = made._tenants[tenant]._members.groups((key,))
        value = key.partition("/")[2]
        own = f"{value} > {value} @0" + "".join(
            f" {group}:{group}:{_days(membership.spans)}" for group, membership in groups.items()
        )
        found[tenant, key] = own if one is None else _line(replace(one, effective_ms=0))
    assert newest.keys() <= found.keys()
    return found


def note_findings(open_: set[str], flush: Flush) -> None:
    """Keep what is found now, as a reader of the audit does; a repeat changes nothing."""
    for row in audit(flush):
        if row.kind in (AuditKind.SUSPECTED, AuditKind.CLEARED):
            text = f"{row.tenant} {row.reason} {row.identifier.type}/{row.identifier.value}"
            (open_.add if row.kind is AuditKind.SUSPECTED else open_.discard)(text)


def findings(made: IdentityShard) -> set[str]:
    return {
        f"{tenant} {found.kind} {found.identifier}"
        for tenant, identity in made._tenants.items()
        for found in identity.watch.found.values()
    }


def undisturbed(records: Sequence[Record], rng: Random) -> tuple[Told, IdentityShard]:
    newest: Told = {}
    made = shard(TWO, policy=STRICT)
    open_: set[str] = set()
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
        if rng.random() < 0.3:
            flush = made.flush()
            note(newest, flush)
            note_findings(open_, flush)
    flush = made.flush()
    note(newest, flush)
    note_findings(open_, flush)
    assert open_ == findings(made)
    return newest, made


@settings(max_examples=300, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_crashes_change_nothing(rng: Random) -> None:
    records = [record for day in random_days(rng) for record in day]
    expected, whole = undisturbed(records, rng)
    newest: Told = {}
    open_: set[str] = set()
    table: Table = {}
    made = shard(TWO, policy=STRICT)
    crashes = 4
    offset = 0
    while offset < len(records):
        made.apply(offset, records[offset], now_ms=None)
        offset += 1
        if rng.random() < 0.3:
            flush = made.flush()
            note(newest, flush)
            note_findings(open_, flush)
            writes = list(flush.writes.items())
            crash = crashes > 0 and rng.random() < 0.5
            save(table, writes[: rng.randint(0, len(writes))] if crash else writes)
            if crash:
                crashes -= 1
                made = shard(TWO, table, STRICT)
                offset = made.applied + 1
    flush = made.flush()
    note(newest, flush)
    note_findings(open_, flush)
    assert known(newest, made) == state(made) == state(whole) == known(expected, whole)
    assert open_ == findings(made) == findings(whole)


@settings(max_examples=150, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_order_and_batches_between_barriers_change_nothing(rng: Random) -> None:
    days = random_days(rng, by_hand=False)
    one, other = shard(TWO), shard(TWO)
    told_one: Told = {}
    told_other: Told = {}
    offset = 0
    for records in days:
        *links, first, second = records
        shuffled = rng.sample(links, len(links))
        for n, (left, right) in enumerate(zip([*links, first, second], [*shuffled, second, first], strict=True)):
            one.apply(offset + n, left, now_ms=None)
            other.apply(offset + n, right, now_ms=None)
            if rng.random() < 0.5:
                note(told_other, other.flush())
        offset += len(records)
        note(told_one, one.flush())
        note(told_other, other.flush())
        assert known(told_one, one) == known(told_other, other) == state(one)
