"""RFM, loyalty, quadrants and the Pareto set, with what holds their edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations, pairwise, product
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ebbtide.models.policy import LoyaltyPolicy, ParetoPolicy, QuadrantPolicy, RfmPolicy
from ebbtide.models.value.bands import band
from ebbtide.models.value.loyalty import Loyalty, loyalty
from ebbtide.models.value.pareto import Pareto, in_pareto, pareto
from ebbtide.models.value.quadrant import Quadrant, quadrant, ranked_by_value
from ebbtide.models.value.rfm import RfmCell, RfmEdges, rfm_cell

RFM, LOYALTY, QUADRANT, PARETO = RfmPolicy(), LoyaltyPolicy(), QuadrantPolicy(), ParetoPolicy()
EDGES = RfmEdges((10, 30, 60, 120), (1, 2, 4, 8), (100.0, 500.0, 1_000.0, 5_000.0))
CELLS = [RfmCell(*bins) for bins in product(range(1, 6), repeat=3)]


@pytest.mark.parametrize(
    ("value", "edges", "previous", "expected"),
    [
        (5, (5, 10), None, 0),  # a tie stays below
        (5.1, (5, 10), None, 1),
        (11, (5, 10), None, 2),
        (11, (5, 10), 1, 1),  # within the margin of 2
        (12, (5, 10), 1, 1),
        (12.1, (5, 10), 1, 2),
        (8.1, (5, 10), 2, 2),
        (8, (5, 10), 2, 1),
        (1, (5, 10), 2, 0),
        (7, (5, 10), 9, 1),  # a band of other edges
        (3, (), None, 0),
    ],
)
def test_bands(value: float, edges: tuple[float, ...], previous: int | None, expected: int) -> None:
    assert band(value, edges, previous, margin=0.1, least=2) == expected


@given(st.integers(-500, 500), st.integers(0, 3), st.lists(st.integers(-1, 1), min_size=1, max_size=30))
def test_a_step_of_one_about_an_edge_changes_the_band_at_most_once(first: int, which: int, noise: list[int]) -> None:
    edges = [first, first + 5, first + 10, first + 200]
    states = [band(edges[which] + noise[0], edges)]
    for step in noise[1:]:
        states.append(band(edges[which] + step, edges, states[-1], least=1))
    assert sum(a != b for a, b in pairwise(states)) <= 1


@given(st.floats(0, 100), st.lists(st.floats(0, 100), max_size=5).map(sorted), st.integers(0, 5))
def test_a_band_is_stable_under_the_number_that_made_it(value: float, edges: list[float], previous: int) -> None:
    now = band(value, edges, previous, margin=0.1, least=1)
    assert band(value, edges, now, margin=0.1, least=1) == now


def test_there_are_125_cells_in_eleven_clusters() -> None:
    assert len({cell.name for cell in CELLS}) == 125
    # Of the 25 pairs of frequency and money 1, 5, 9, 7 and 3 have the means 1 to 5.
    assert Counter(cell.cluster for cell in CELLS) == {
        "new": 1,
        "promising": 1,
        "potential": 2 * 5,
        "loyal": 2 * 9 + 7 + 3,
        "champions": 2 * (7 + 3),
        "needs_attention": 5 + 9,
        "about_to_sleep": 1 + 5,
        "at_risk": 9 + 7 + 9,
        "cannot_lose": 3 + 7 + 3,
        "hibernating": 1 + 5,
        "lost": 1,
    }


@pytest.mark.parametrize(
    ("name", "cluster"),
    [
        ("5-5-5", "champions"),
        ("4-4-4", "champions"),
        ("5-3-4", "champions"),  # 3.5 is 4
        ("4-3-3", "loyal"),
        ("3-5-4", "loyal"),
        ("5-1-1", "new"),
        ("4-1-1", "promising"),
        ("5-1-2", "potential"),
        ("3-2-2", "needs_attention"),
        ("3-1-1", "about_to_sleep"),
        ("2-2-2", "about_to_sleep"),
        ("2-4-4", "at_risk"),
        ("1-3-3", "at_risk"),
        ("1-5-5", "cannot_lose"),
        ("2-5-5", "cannot_lose"),
        ("1-2-2", "hibernating"),
        ("1-1-1", "lost"),
    ],
)
def test_clusters(name: str, cluster: str) -> None:
    assert RfmCell.parse(name).cluster == cluster


def test_names_of_cells_come_back() -> None:
    assert [RfmCell.parse(cell.name) for cell in CELLS] == CELLS


@pytest.mark.parametrize("name", ["", "5-5", "5-5-6", "5-5-55", "a-b-c", "1-1-1-1", "5--5"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="R-F-M"):
        RfmCell.parse(name)


@pytest.mark.parametrize(
    ("recency", "orders", "money", "expected"),
    [
        (0, 9, 9_000.0, "5-5-5"),
        (10, 8, 5_000.0, "5-4-4"),  # ties: recent, and less
        (11, 4, 1_000.0, "4-3-3"),
        (30, 1, 100.0, "4-1-1"),
        (61, 2, 100.1, "2-2-2"),
        (121, 3, 0.0, "1-3-1"),
    ],
)
def test_a_cell(recency: int, orders: int, money: float, expected: str) -> None:
    cell = rfm_cell(recency, orders, money, EDGES, RFM)
    assert cell is not None
    assert cell.name == expected


def test_no_cell_without_an_order_or_without_edges() -> None:
    assert rfm_cell(None, 0, 0.0, EDGES, RFM) is None
    assert rfm_cell(400, 0, 0.0, EDGES, RFM) is None
    assert rfm_cell(3, 2, 50.0, None, RFM) is None


def test_where_most_have_one_order_one_order_is_the_lowest_bin() -> None:
    edges = RfmEdges((10, 30, 60, 120), (1, 1, 1, 1), (5.0, 5.0, 5.0, 5.0))
    assert [cell and cell.name for cell in (rfm_cell(9, n, 5.0 * n, edges, RFM) for n in (1, 2))] == ["5-1-1", "5-5-5"]


@pytest.mark.parametrize(
    ("recency", "orders", "money", "expected"),
    [
        (11, 4, 1_000.0, "5-4-4"),  # a day, no order, less than 5 % over the edge: it stays
        (12, 3, 950.0, "4-3-3"),
        (11, 9, 5_250.0, "5-4-4"),
        (0, 10, 5_251.0, "5-5-5"),
    ],
)
def test_a_cell_is_left_only_clearly(recency: int, orders: int, money: float, expected: str) -> None:
    cell = rfm_cell(recency, orders, money, EDGES, RFM, RfmCell(5, 4, 4))
    assert cell is not None
    assert cell.name == expected


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 50), st.integers(1, 10**6)), min_size=5, max_size=60))
def test_better_numbers_never_give_a_lower_bin(customers: list[tuple[int, int, int]]) -> None:
    cuts = [quantiles(column, n=5, method="inclusive") for column in zip(*customers, strict=True)]
    edges = RfmEdges(*((c[0], c[1], c[2], c[3]) for c in cuts))
    for (r, f, m), (r2, f2, m2) in combinations(customers[:8], 2):
        worse = rfm_cell(max(r, r2), min(f, f2), min(m, m2), edges, RFM)
        better = rfm_cell(min(r, r2), max(f, f2), max(m, m2), edges, RFM)
        assert worse is not None
        assert better is not None
        assert worse.recency <= better.recency
        assert worse.frequency <= better.frequency
        assert worse.monetary <= better.monetary


@pytest.mark.parametrize(
    ("orders", "previous", "expected"),
    [
        (0, None, Loyalty.NONE),
        (1, None, Loyalty.ONCE),
        (2, None, Loyalty.OCCASIONAL),
        (3, None, Loyalty.OCCASIONAL),
        (4, None, Loyalty.REGULAR),
        (11, None, Loyalty.REGULAR),
        (12, None, Loyalty.LOYAL),
        (12, Loyalty.NONE, Loyalty.LOYAL),
        (11, Loyalty.LOYAL, Loyalty.LOYAL),
        (10, Loyalty.LOYAL, Loyalty.LOYAL),
        (9, Loyalty.LOYAL, Loyalty.REGULAR),
        (1, Loyalty.LOYAL, Loyalty.OCCASIONAL),
        (1, Loyalty.ONCE, Loyalty.ONCE),
        (0, Loyalty.LOYAL, Loyalty.NONE),
        (-1, None, Loyalty.NONE),  # more returned than ordered
    ],
)
def test_loyalty(orders: int, previous: Loyalty | None, expected: Loyalty) -> None:
    assert loyalty(orders, LOYALTY, previous) is expected


@given(st.sampled_from([2, 4, 12]), st.lists(st.integers(-1, 1), min_size=1, max_size=30))
def test_an_order_more_or_less_changes_the_class_at_most_once(edge: int, noise: list[int]) -> None:
    states = [loyalty(edge + noise[0], LOYALTY)]
    for step in noise[1:]:
        states.append(loyalty(edge + step, LOYALTY, states[-1]))
    assert sum(a is not b for a, b in pairwise(states)) <= 1


def test_classes_of_loyalty_must_ascend() -> None:
    with pytest.raises(ValidationError, match="must ascend"):
        LoyaltyPolicy(regular_from=12)


@pytest.mark.parametrize(
    ("orders", "value", "many", "large", "previous", "expected"),
    [
        (0, 0.0, 4, 50, None, Quadrant.A),
        (0, 0.0, None, None, Quadrant.E, Quadrant.A),
        (2, 40.0, 4, 50, None, Quadrant.B),
        (20, 400.0, 4, 50, None, Quadrant.C),  # 20 orders of 20
        (4, 800.0, 4, 50, None, Quadrant.D),  # at the median is not above it
        (5, 1_000.0, 4, 50, None, Quadrant.E),  # 5 orders of 200
        (5, 1_000.0, 4, 50, Quadrant.D, Quadrant.D),  # one order over is not clear
        (6, 1_200.0, 4, 50, Quadrant.D, Quadrant.E),
        (5, 1_000.0, 4, 50, Quadrant.A, Quadrant.E),  # a prospect has no quadrant to stay in
        (9, 9 * 51.0, 4, 50, Quadrant.C, Quadrant.C),
        (9, 9 * 53.0, 4, 50, Quadrant.C, Quadrant.E),
        (5, 1_000.0, None, 50, None, None),
        (5, 1_000.0, 4, None, None, None),
    ],
)
def test_quadrants(
    orders: int,
    value: float,
    many: float | None,
    large: float | None,
    previous: Quadrant | None,
    expected: Quadrant | None,
) -> None:
    assert quadrant(orders, value, many, large, QUADRANT, previous) is expected


def test_five_orders_of_200_come_before_twenty_of_20() -> None:
    assert ranked_by_value({"often": 20 * 20, "large": 5 * 200, "a": 400}) == ["large", "a", "often"]


def test_the_pareto_set_of_ten() -> None:
    values = {"a": 50, "b": 30, "c": 10, "d": 6, "e": 4, "f": 0, "g": -20}
    assert pareto(values, PARETO) == Pareto(("a", "b"), 30, 80, 100)  # exactly 80 %
    assert pareto(values, ParetoPolicy(share=0.81)) == Pareto(("a", "b", "c"), 10, 90, 100)
    assert pareto(values, ParetoPolicy(share=1)).customers == ("a", "b", "c", "d", "e")
    assert pareto({"f": 0}, PARETO) == Pareto((), None, 0, 0)
    assert pareto({"b": 1, "a": 1, "c": 1}, ParetoPolicy(share=0.6)).customers == ("a", "b")


VALUES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-5, 60), max_size=8)


@given(VALUES)
def test_the_pareto_set_makes_the_share_and_no_smaller_one_does(values: Mapping[str, int]) -> None:
    found = pareto(values, PARETO)
    assert 10 * found.value >= 8 * found.total
    assert found.value == sum(values[customer] for customer in found.customers)
    if found.customers:
        worth = [value for value in values.values() if value > 0]
        assert all(10 * sum(few) < 8 * found.total for few in combinations(worth, len(found.customers) - 1))


@given(VALUES)
def test_who_is_in_the_set_is_in_by_its_line(values: Mapping[str, int]) -> None:
    found = pareto(values, PARETO)
    for customer, value in values.items():
        if customer in found.customers:
            assert in_pareto(value, found.line, PARETO)
        elif value > 0:
            assert not in_pareto(value, found.line, PARETO) or value == found.line


@pytest.mark.parametrize(
    ("value", "line", "was", "expected"),
    [
        (100, 100, False, True),
        (99, 100, False, False),
        (99, 100, True, True),
        (95, 100, True, True),
        (94, 100, True, False),
        (5, None, True, False),
        (0, 0, True, False),
    ],
)
def test_membership_by_the_line(value: float, line: float | None, was: bool, expected: bool) -> None:
    assert in_pareto(value, line, PARETO, was_in=was) is expected
