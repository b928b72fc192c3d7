"""Findings of the consistency checks are told once, cleared once, and survive crashes."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity.shard import IdentityShard, Record
from ebbtide.models.outputs import Flush
from ebbtide.schemas.identity import AuditKind, IdentityAudit
from support.identity_shard import (
    BLOCK,
    D1,
    G1,
    G2,
    POLICY,
    TWO,
    Table,
    audit,
    decided,
    link,
    random_days,
    save,
    shard,
    tick,
)

STRICT = POLICY.model_copy(update={"soft_size": 2})


def rows(flush: Flush, *kinds: AuditKind) -> list[IdentityAudit]:
    return [row for row in audit(flush) if row.kind in (kinds or (AuditKind.SUSPECTED, AuditKind.CLEARED))]


def test_a_restart_tells_no_finding_again_and_clears_what_is_gone() -> None:
    table: Table = {}
    made = shard(table=table)
    records: list[Record] = [link(G1, D1, 1.1), link(G2, D1, 1.2), tick(2)]
    for offset, record in enumerate(records):
        made.apply(offset, record, now_ms=None)
    flush = made.flush()
    assert [row.reason for row in rows(flush, AuditKind.SUSPECTED)] == ["moved_domain"]
    save(table, flush.writes.items())
    again = shard(table=table)
    assert audit(again.flush()) == []
    assert [watch.kinds["moved_domain"] for watch in again.watches] == [1]
    again.apply(3, decided(BLOCK, D1), now_ms=None)
    flush = again.flush()
    assert [row.reason for row in rows(flush, AuditKind.CLEARED)] == ["moved_domain"]
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
        told = []
        for offset, record in enumerate(records + steps):
            made.apply(offset, record, now_ms=None)
            told += rows(made.flush())
        counts.append([(row.reason, row.count, row.total) for row in told])
    assert counts == [[("suspected_rename", 2, 3)]] * 3


def note(found: set[str], flush: Flush) -> None:
    """Keep what is found now, as a reader of the audit does; a repeat changes nothing."""
    for row in rows(flush):
        assert row.identifier is not None
        text = f"{row.tenant} {row.reason} {row.identifier.key} {row.other.key if row.other else ''}"
        (found.add if row.kind is AuditKind.SUSPECTED else found.discard)(text)


def findings(made: IdentityShard) -> set[str]:
    return {
        f"{tenant} {found.kind} {found.identifier} {found.other}"
        for tenant, identity in made._tenants.items()
        for found in identity.watch.found.values()
    }


@settings(max_examples=200, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_crashes_change_no_finding(rng: Random) -> None:
    records = [record for day in random_days(rng) for record in day]
    whole, expected = shard(TWO, policy=STRICT), set[str]()
    known, table = set[str](), Table()
    made, crashes, offset = shard(TWO, policy=STRICT), 4, 0
    for number, record in enumerate(records):
        whole.apply(number, record, now_ms=None)
        if rng.random() < 0.3:
            note(expected, whole.flush())
    note(expected, whole.flush())
    while offset < len(records):
        made.apply(offset, records[offset], now_ms=None)
        offset += 1
        if rng.random() < 0.3:
            flush = made.flush()
            note(known, flush)
            writes = list(flush.writes.items())
            crash = crashes > 0 and rng.random() < 0.5
            save(table, writes[: rng.randint(0, len(writes))] if crash else writes)
            if crash:
                crashes -= 1
                made = shard(TWO, table, STRICT)
                offset = made.applied + 1
    note(known, made.flush())
    assert known == findings(made) == findings(whole) == expected
