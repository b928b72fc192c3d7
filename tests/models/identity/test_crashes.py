"""Crashes and batches change nothing: neither who owns what, nor what consumers of assignments know (identity §3)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.identity.shard import META_KEY, IdentityShard, Record, epoch_of
from support.identity_shard import (
    A1,
    A2,
    APART,
    BLOCK,
    D1,
    E1,
    G1,
    G2,
    TWO,
    U1,
    U2,
    Table,
    Told,
    assignments,
    at,
    decided,
    disturbed,
    known,
    link,
    note,
    random_days,
    save,
    shard,
    state,
    tick,
    told,
    undisturbed,
)


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
    assert told(flush) == ["a1 > u1 @2 g1:g1:1", "u1 > u1 @2 g1:g1:1"]
    assert set(made.graphs) == {name}
    save(table, flush.writes.items())
    assert sum(key[:1] == b"h" for key in table) == 3
    made = shard(table=table)
    flush = made.flush()
    assert flush.outputs == []
    save(table, flush.writes.items())
    assert sum(key[:1] == b"h" for key in table) == 1
    made.apply(5, tick(3), now_ms=None)
    assert told(made.flush()) == ["a1 > u1 @3 g1:g1:1", "a2 > u1 @3 g1:g1:1", "u1 > u1 @3 g1:g1:1"]
    save(table, made.flush().writes.items())
    assert sum(key[:1] == b"h" for key in table) == 0


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
    assert told(flush) == ["a1 > u1 @2", "u1 > u1 @2"]
    assert [one.epoch for one in assignments(flush)] == [epoch_of(1)] * 2


@pytest.mark.parametrize("key", [b"x", b"h\0\0\0\0\0\0\0\0", b"mt\0user_id/u", b"pt\0", b"gt\0nuser_id/u"])
def test_an_unknown_record_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="unknown"):
        shard(table={key: b"\x7f"})


@settings(max_examples=300, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_crashes_change_nothing(rng: Random) -> None:
    records = [record for day in random_days(rng) for record in day]
    expected, whole = undisturbed(records, rng)
    newest, made = disturbed(records, rng)
    assert known(newest, made) == state(made) == state(whole) == known(expected, whole)


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


def read(made: IdentityShard, records: Sequence[Record], newest: Told, *, each: bool) -> Table:
    """Read what the shard does not know, live, and tell after each record or once; return what it stores."""
    table: Table = {}
    for offset in range(made.applied + 1, len(records)):
        made.apply(offset, records[offset], now_ms=at(0))
        if each or offset == len(records) - 1:
            flush = made.flush()
            note(newest, flush)
            save(table, flush.writes.items())
    return table


@pytest.mark.parametrize(
    ("stored", "lost"),
    [
        pytest.param([], [link(U1, A1, 0), decided(APART, U1, A1)], id="parted"),
        pytest.param([], [link(U1, A1, 0), decided(BLOCK, A1)], id="blocked"),
        pytest.param([link(E1, A1, 0)], [link(U1, E1, 0), decided(APART, U1, E1)], id="with all that it had"),
        pytest.param([link(U1, G1, 0)], [link(G1, G2, 0), decided(APART, G1, G2)], id="account of a person"),
        pytest.param([link(E1, D1, 0)], [link(G1, D1, 0), decided(BLOCK, D1)], id="account of a domain"),
        pytest.param(
            [link(A1, U1, 1, evidence=3), link(A1, U2, 2, evidence=3), link(A2, U2, 0)],
            [link(A1, U2, 0, evidence=1), decided(BLOCK, A1)],
            id="refused links",
        ),
    ],
)
def test_what_was_told_by_a_worker_that_was_lost_is_corrected(stored: list[Record], lost: list[Record]) -> None:
    """Its outputs are out and its state is not; the next worker reads the undoing together with what it undoes."""
    check_loss([*stored, *lost], len(stored), len(stored) + len(lost) - 1)


@settings(max_examples=300, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_whatever_a_lost_worker_told_is_corrected(rng: Random) -> None:
    records = [record for day in random_days(rng) for record in day]
    stored = rng.randint(0, len(records))
    check_loss(records, stored, rng.randint(stored, len(records)))


def check_loss(records: Sequence[Record], stored: int, lost: int) -> None:
    newest: Told = {}
    table = read(shard(TWO), records[:stored], newest, each=False)
    read(shard(TWO, table), records[:lost], newest, each=True)
    made = shard(TWO, table)
    read(made, records, newest, each=False)
    assert known(newest, made) == state(made)
