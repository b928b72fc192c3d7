"""Candidates for look-alikes: the first of each segment and module, however customers lie on partitions."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.fleet import candidates as module_under_test
from ebbtide.models.fleet.candidates import (
    CandidateSums,
    Prospect,
    draw,
    first_of_each,
    merged,
    places_of,
    prospect,
)
from ebbtide.models.fleet.contribution import Contribution
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.fleet.stage import FleetStage
from ebbtide.models.fleet.summary import PartitionSums
from ebbtide.models.policy import CorePolicy, FleetPolicy, LookAlikePolicy
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.fleet import Candidates, FleetStats, GridSummary
from ebbtide.schemas.profile_state import Tick
from support.raw import at

INSTANT: datetime = at(7)
DAY = to_ms(INSTANT) // DAY_MS
MODULES = ("a", "b", "c")
PLACES = places_of(MODULES)
MOST = 2
POLICY = CorePolicy(fleet=FleetPolicy(min_segment=1), look_alike=LookAlikePolicy(candidates=MOST))

Row = tuple[str, str, frozenset[str]]
"""Id, segment, modules used."""

ROWS = st.lists(
    st.tuples(
        st.integers(0, 60).map("c{}".format), st.sampled_from(["", "s", "t"]), st.frozensets(st.sampled_from(MODULES))
    ),
    max_size=40,
    unique_by=lambda row: row[0],
)


def candidate(row: Row) -> Prospect:
    customer_id, segment, modules = row
    name = f"N {customer_id}"
    return prospect(customer_id, DAY, segment=segment, name=name, usage=5, modules=modules, places=PLACES)


def drawn(customer_id: str) -> int:
    return draw(customer_id, DAY)


def by_definition(rows: list[Row]) -> set[str]:
    """Of each segment and module the first that lack it, one by one."""
    found: set[str] = set()
    for segment in {row[1] for row in rows}:
        for module in MODULES:
            lacking = sorted((row[0] for row in rows if row[1] == segment and module not in row[2]), key=drawn)
            found.update(lacking[:MOST])
    return found


def through_the_fleet(rows: list[Row], partitions: int, rng: Random, *, restart: bool = False) -> FleetStats | None:
    """Partitions, the wire, the stage and its table; with ``restart`` a new worker takes over after each record."""
    sources = [f"customers/{n}" for n in range(partitions)]
    heard: list[GridSummary | Tick] = []
    for n, source in enumerate(sources):
        sums = PartitionSums(0.01, 1, MOST)
        for row in rows[n::partitions]:
            sums.add("v", Contribution(row[1], {}, ["awake"], sorted(row[2]), prospect=candidate(row)))
        heard += [GridSummary.from_json(summary.to_json()) for summary in sums.take(INSTANT, source)]
    rng.shuffle(heard)
    heard += [Tick(source=source, watermark=INSTANT, arrived_ms=0) for source in sources]
    table: dict[bytes, bytes] = {}
    stage = FleetStage(frozenset(sources), POLICY, ())
    told: list[FleetStats] = []
    for offset, record in enumerate(heard):
        if restart:
            stage = FleetStage(frozenset(sources), POLICY, table.items())
        stage.apply(offset, record)
        flush = stage.flush()
        told += [output.record for output in flush.outputs if isinstance(output.record, FleetStats)]
        for key, value in flush.writes.items():
            table.pop(key, None)
            if value is not None:
                table[key] = value
    return told[0] if told else None


@given(ROWS)
def test_a_partition_tells_the_first_of_each_segment_and_module(rows: list[Row]) -> None:
    sums = CandidateSums(MOST)
    for row in rows:
        sums.add(candidate(row))
    asked, told = sums.rows()
    assert {row.customer_id for row in told} == by_definition(rows)
    assert asked == (MODULES if told else ())
    assert len(told) <= 3 * len(MODULES) * MOST


@given(ROWS, st.integers(2, 5), st.randoms(use_true_random=False))
def test_partitions_order_and_restarts_do_not_matter(rows: list[Row], partitions: int, rng: Random) -> None:
    one = through_the_fleet(rows, 1, Random(0))
    many = through_the_fleet(rows, partitions, rng, restart=True)
    assert (one and one.to_json()) == (many and many.to_json())
    if one is not None:
        told = one.look_alikes
        assert [row.customer_id for row in told.rows] == [
            customer_id for _, customer_id in sorted((row[1], row[0]) for row in rows if row[0] in by_definition(rows))
        ]
        used = {row[0]: row[2] for row in rows}
        for row in told.rows:
            assert {module for place, module in enumerate(told.modules) if row.uses >> place & 1} == used[
                row.customer_id
            ]


def test_the_draw_is_another_one_every_week() -> None:
    rows: list[Row] = [(f"c{n}", "", frozenset()) for n in range(50)]
    weeks = [
        frozenset(
            one.customer_id
            for _, one in first_of_each(
                [prospect(row[0], day, segment="", name=None, usage=1, modules=(), places=PLACES) for row in rows],
                5,
            )
        )
        for day in range(7, 70, 7)
    ]
    assert len(set(weeks)) == len(weeks)
    assert len(frozenset().union(*weeks)) > 20


def test_who_uses_all_of_it_is_no_candidate() -> None:
    assert first_of_each([candidate(("c1", "", frozenset(MODULES)))], MOST) == []
    assert first_of_each([], MOST) == []


def test_sums_stay_small_while_customers_are_gone_through() -> None:
    sums = CandidateSums(MOST)
    rows: list[Row] = [(f"c{n}", "s", frozenset({"a"})) for n in range(1_000)]
    for row in rows:
        sums.add(candidate(row))
        assert len(sums._segments["s"]) <= 2 * MOST * len(MODULES)
    assert {row.customer_id for row in sums.rows()[1]} == by_definition(rows)


def test_beyond_the_most_the_first_of_every_segment_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_under_test, "MOST_CANDIDATES", 3)
    rows: list[Row] = [(f"c{n}", f"s{n % 3}", frozenset()) for n in range(30)]
    sums = CandidateSums(MOST)
    for row in rows:
        sums.add(candidate(row))
    asked, told = sums.rows()
    found = merged([Candidates(modules=list(asked), rows=told)], DAY, MOST)
    assert [row.segment for row in found.rows] == ["s0", "s1", "s2"]
    assert all(
        row.customer_id == min((one[0] for one in rows if one[1] == row.segment), key=drawn) for row in found.rows
    )


def test_a_name_is_cut_and_needs_not_be_there() -> None:
    named = prospect("c", DAY, segment="", name="N" * 60, usage=2.0, modules=("b", "z"), places=PLACES)
    assert (named.name, named.usage, named.uses) == ("N" * 48, 2, 2)
    assert prospect("c", DAY, segment="", name=None, usage=2, modules=(), places=PLACES).name is None
    assert prospect("c", DAY, segment="", name=7, usage=2, modules=(), places=PLACES).name == "7"


def test_partitions_that_asked_about_other_modules_are_understood() -> None:
    """Live nobody waits for statistics: a partition may go by those of the week before."""
    one, two = CandidateSums(MOST), CandidateSums(MOST)
    one.add(candidate(("c1", "", frozenset({"b"}))))
    two.add(prospect("c2", DAY, segment="", name=None, usage=1, modules=("b", "d"), places=places_of(("d", "b", "c"))))
    told = [Candidates(modules=list(asked), rows=rows) for asked, rows in (one.rows(), two.rows())]
    found = merged([*told, Candidates()], DAY, MOST)
    assert found.modules == ["a", "b", "c", "d"]
    assert [(row.customer_id, row.uses) for row in found.rows] == [("c1", 0b0010), ("c2", 0b1010)]
    assert merged(told[::-1], DAY, MOST) == found


def test_a_customer_reads_those_of_its_segment() -> None:
    rows: list[Row] = [("c1", "s", frozenset("a")), ("c2", "t", frozenset("a")), ("c3", "", frozenset("a"))]
    told = through_the_fleet(rows, 2, Random(0))
    assert told is not None
    fleet = Fleet(told)
    assert [row.customer_id for row in fleet.candidates("s")] == ["c1"]
    assert [row.customer_id for row in fleet.candidates("unknown")] == ["c3", "c1", "c2"]
    assert fleet.candidates("") == fleet.candidates("unknown")
    assert fleet.candidate_modules == list(MODULES)
    assert fleet.places((), 20) == {"a": 1}
    assert fleet.places((), 20) is fleet.places((), 20)
    assert Fleet(told).places(("y", "x", "z"), 2) == {"x": 1, "y": 2}
    assert Fleet(told).places((), 0) == {}
