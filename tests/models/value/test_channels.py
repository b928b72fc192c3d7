"""Channel truth: first touch, stages, the table by channel, and the channel that only looks good."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.policy import ChannelPolicy
from ebbtide.models.value.channels import (
    ChannelCounts,
    ChannelRow,
    channel_rows,
    keyword_rows,
    lead_counts,
    merged,
    misleading,
)
from ebbtide.models.value.first_touch import FirstTouch, Stage, first_touch, furthest_stage

POLICY = ChannelPolicy()
NOW = 1_000
MICROS = 1_000_000


def test_the_earliest_channel_wins_in_any_order() -> None:
    facts: list[tuple[str, int, dict[str, Any]]] = [
        ("lead.upserted", 5, {"status": "trial"}),
        ("lead.upserted", 10, {"channel": " webinar ", "keyword": "churn"}),
        ("lead.upserted", 10, {"channel": "webinar", "keyword": "retention"}),
        ("lead.converted", 20, {"channel": "search"}),
        ("touchpoint", 1, {"channel": "phone"}),
    ]
    assert {first_touch(order, NOW) for order in permutations(facts)} == {FirstTouch("webinar", "churn")}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], None),
        ([("deal.won", 3, {})], None),
        ([("lead.upserted", 3, {})], FirstTouch("unknown", "")),
        ([("lead.upserted", 3, {"channel": 7})], FirstTouch("unknown", "")),
        ([("lead.upserted", 3, {"channel": ""}), ("lead.converted", 9, {"channel": "ads"})], FirstTouch("ads", "")),
        ([("lead.upserted", NOW, {"channel": "ads"})], None),
    ],
)
def test_first_touch(facts: list[tuple[str, int, dict[str, Any]]], expected: FirstTouch | None) -> None:
    assert first_touch(facts, NOW) == expected


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("lead.upserted", {"status": "trial"}, Stage.LEAD),
        ("lead.upserted", {"status": "SQL"}, Stage.QUALIFIED),
        ("lead.converted", {}, Stage.QUALIFIED),
        ("touchpoint", {"kind": "call"}, Stage.LEAD),
        ("touchpoint", {"kind": "visit"}, Stage.QUALIFIED),
        ("ticket.opened", {"kind": "visit"}, Stage.LEAD),
        ("deal.opened", {"stage": "Qualified"}, Stage.QUALIFIED),
        ("deal.updated", {"stage": "proposal"}, Stage.DEAL),
        ("deal.opened", {}, Stage.DEAL),
        ("deal.lost", {"stage": "closed_lost"}, Stage.QUALIFIED),
        ("deal.won", {}, Stage.PAID),
        ("contract.signed", {}, Stage.PAID),
        ("invoice.paid", {}, Stage.PAID),
    ],
)
def test_a_fact_shows_a_stage(kind: str, data: dict[str, Any], expected: Stage) -> None:
    assert furthest_stage([(kind, 5, data), ("lead.upserted", 4, {})], NOW, POLICY) is expected
    assert furthest_stage([(kind, NOW, data)], NOW, POLICY) is Stage.LEAD


def test_who_reached_a_stage_counts_for_those_before() -> None:
    assert lead_counts(Stage.LEAD) == ChannelCounts(leads=1)
    assert lead_counts(Stage.QUALIFIED) == ChannelCounts(leads=1, qualified=1)
    assert lead_counts(Stage.DEAL) == ChannelCounts(leads=1, qualified=1, deals=1)
    assert lead_counts(Stage.PAID) == ChannelCounts(leads=1, qualified=1, deals=1, paid=1)


BOOK = {
    FirstTouch("search", "analytics"): ChannelCounts(2_000, 6_000 * MICROS, 40, 20, 10, 8),
    FirstTouch("search", "funnels"): ChannelCounts(1_000, 2_000 * MICROS, 10, 5, 2, 2),
    FirstTouch("webinar", "retention"): ChannelCounts(500, 1_000 * MICROS, 20, 15, 10, 5),
    FirstTouch("referral", ""): ChannelCounts(150, 0, 8, 8, 6, 6),
    FirstTouch("display", "banner"): ChannelCounts(9_000, 5_000 * MICROS, 30, 3, 1, 0),
    FirstTouch("fair", ""): ChannelCounts(99, 900 * MICROS),
}


def test_the_table_by_channel() -> None:
    rows = channel_rows(BOOK, POLICY)
    assert [row.channel for row in rows] == ["display", "search", "webinar", "referral", "fair"]
    assert rows[0] == ChannelRow(
        "display", BOOK[FirstTouch("display", "banner")], 0.1, 1 / 3, 0.0, 0.0, None, flagged=True
    )
    # Both keywords together: 50 leads, 25, 12, 10 paid for 8,000.
    assert rows[1] == ChannelRow(
        "search", ChannelCounts(3_000, 8_000 * MICROS, 50, 25, 12, 10), 0.5, 0.48, 10 / 12, 0.2, 800.0 * MICROS, False
    )
    assert rows[4] == ChannelRow("fair", BOOK[FirstTouch("fair", "")], None, None, None, None, None, False)


def test_the_table_by_keyword() -> None:
    rows = keyword_rows(BOOK, "search", POLICY)
    assert [(row.channel, row.cac) for row in rows] == [("analytics", 750.0 * MICROS), ("funnels", 1_000.0 * MICROS)]


@pytest.mark.parametrize(
    ("clicks_and_deals", "expected"),
    [
        ({"a": (900, 0), "b": (300, 5), "c": (200, 6), "d": (100, 7)}, {"a"}),
        ({"a": (900, 6), "b": (300, 5), "c": (200, 0), "d": (100, 7)}, set()),  # most clicks, not fewest deals
        ({"a": (900, 0), "b": (900, 0), "c": (200, 6), "d": (100, 7)}, {"a", "b"}),  # ties share their place
        ({"a": (900, 0), "b": (300, 0), "c": (200, 0), "d": (100, 0)}, set()),  # nobody has deals: none is worse
        ({"a": (900, 0), "b": (900, 5), "c": (900, 6), "d": (900, 7)}, set()),
        ({"a": (900, 0), "b": (300, 5), "c": (200, 6), "d": (99, 7)}, set()),  # three with enough clicks
        ({f"{n}": (1_000 - n, n) for n in range(8)}, {"0", "1"}),
        ({f"{n}": (1_000 - n, n) for n in range(9)}, {"0", "1", "2"}),
        ({}, set()),
    ],
)
def test_top_by_clicks_and_bottom_by_deals(clicks_and_deals: dict[str, tuple[int, int]], expected: set[str]) -> None:
    channels = {name: ChannelCounts(clicks=c, deals=d) for name, (c, d) in clicks_and_deals.items()}
    assert misleading(channels, POLICY) == expected


def test_two_partitions_add_up() -> None:
    source = FirstTouch("search", "x")
    whole = merged([{source: ChannelCounts(1, 2, 3, 4, 5, 6)}, {source: ChannelCounts(10, 20, 30, 40, 50, 60)}, {}])
    assert whole == {source: ChannelCounts(11, 22, 33, 44, 55, 66)}


COUNTS = st.builds(ChannelCounts, *[st.integers(0, 1_000)] * 6)
TABLES = st.lists(
    st.dictionaries(st.builds(FirstTouch, st.sampled_from("abcde"), st.sampled_from(["", "x"])), COUNTS), max_size=5
)


@given(TABLES, st.randoms(use_true_random=False))
def test_partitions_add_up_in_any_order(tables: list[dict[FirstTouch, ChannelCounts]], random: Any) -> None:
    whole = merged(tables)
    shuffled = random.sample(tables, len(tables))
    assert merged(shuffled) == whole
    assert merged([merged(shuffled[:2]), merged(shuffled[2:])]) == whole
    assert channel_rows(merged(shuffled), POLICY) == channel_rows(whole, POLICY)
