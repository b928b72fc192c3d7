"""Customers compared with each other, once there are statistics of all of them: RFM, quadrants, the Pareto set, usage.

Statistics are of the Monday before. Day 0 is Monday, 2025-01-06.
"""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.policy import CorePolicy, FleetPolicy, ParetoPolicy, QuadrantPolicy, RfmPolicy
from support.raw import at, in_account, track
from support.standings import Told

AT_THE_EDGE = CorePolicy(
    fleet=FleetPolicy(min_segment=5),
    rfm=RfmPolicy(margin=0, margin_days=0, margin_orders=0),
    quadrant=QuadrantPolicy(margin=0, margin_orders=0),
    pareto=ParetoPolicy(margin=0),
)
"""No margins: where a number lies now is where it is."""


def orders(account: str, day: int, count: int, money: float) -> list[dict[str, Any]]:
    return [
        track(
            "order",
            at(day, 43_200 + n),
            f"{account}-{day}-{n}",
            user=f"u-{account}",
            properties={"revenue": money},
            **in_account(account),
        )
        for n in range(count)
    ]


def ten() -> list[dict[str, Any]]:
    """Account n orders n + 1 times on day 7 n + 3, for 10 (n + 1) each; one more only looks."""
    bodies = [body for n in range(10) for body in orders(f"a{n}", 7 * n + 3, n + 1, 10 * (n + 1))]
    return [*bodies, track("view", at(75), "look", user="looks", **in_account("looker"))]


@pytest.fixture(scope="module")
def base() -> Told:
    return Told(ten(), 77, AT_THE_EDGE)


def all_of(found: Told, name: str) -> list[Any]:
    return [found.fields(f"a{n}")[name] for n in range(10)]


def test_rfm_cells_are_quintiles_of_the_base(base: Told) -> None:
    """As of day 70 the last orders were 4, 11, … 67 days ago: edges 11, 25, 39, 53. Of 1 … 10 orders: 2, 4, 6, 8; of
    money, 10 (n + 1)², those of the same customers. As of day 77 everybody's are a week older."""
    assert all_of(base, "rfm_cell") == [
        "1-1-1",
        "1-1-1",
        "1-2-2",
        "2-2-2",
        "2-3-3",
        "3-3-3",
        "3-4-4",
        "4-4-4",
        "4-5-5",
        "5-5-5",
    ]
    assert all_of(base, "rfm_cluster")[::3] == ["lost", "about_to_sleep", "loyal", "champions"]


def test_quadrants_are_split_at_the_medians(base: Told) -> None:
    """Medians of those who ordered: 5 orders, of 50 each. Whoever is at a median is not above it."""
    assert all_of(base, "quadrant") == ["B"] * 5 + ["E"] * 5
    assert base.fields("looker")["quadrant"] == "A"


def test_the_pareto_set_makes_eighty_percent(base: Told) -> None:
    """Of 3,850 in all, 1,000 + 810 + 640 + 490 + 360 are 3,300; without the last they are under 3,080."""
    assert all_of(base, "yearly_value") == [10 * (n + 1) ** 2 for n in range(10)]
    assert all_of(base, "in_pareto") == ["no"] * 5 + ["yes"] * 5


def test_loyalty_is_the_number_of_orders(base: Told) -> None:
    assert all_of(base, "loyalty") == ["once", "occasional", "occasional", *["regular"] * 7]
    looker = base.fields("looker")
    assert (looker["rfm_cell"], looker["loyalty"], looker["yearly_value"]) == (None, None, None)


def test_nothing_is_compared_before_there_are_statistics() -> None:
    first = Told(orders("a", 3, 2, 5), 7).fields("a")
    assert (first["rfm_cell"], first["quadrant"], first["in_pareto"]) == (None, None, None)
    assert (first["loyalty"], first["yearly_value"]) == ("occasional", 10)


def test_a_year_after_its_last_order_a_customer_has_no_cell() -> None:
    late = Told(ten(), 77 + 371, AT_THE_EDGE)
    assert set(all_of(late, "rfm_cell")) == {None}
    assert set(all_of(late, "loyalty")) == {"none"}
    assert set(all_of(late, "quadrant")) == {"A"}
    ended = [change for change in late.changes("a9") if change.state == "rfm"][-1]
    assert (ended.old, ended.new, ended.reason) == ("1-5-5", None, "no_orders")
    assert [change.new for change in late.changes("a9") if change.state == "loyalty"] == ["regular", "none"]


def test_five_orders_of_200_come_before_twenty_of_20() -> None:
    bodies = orders("small", 3, 20, 20) + orders("great", 3, 5, 200) + orders("tiny", 3, 1, 100)
    found = Told(bodies, 14, AT_THE_EDGE)
    rows = {name: found.fields(name) for name in ("small", "great", "tiny")}
    assert {name: row["yearly_value"] for name, row in rows.items()} == {"small": 400, "great": 1_000, "tiny": 100}
    # Medians: 5 orders, of 100 each.
    assert {name: row["quadrant"] for name, row in rows.items()} == {"small": "C", "great": "D", "tiny": "B"}
    # 80 % of 1,500 are 1,200: the greatest two.
    assert {name: row["in_pareto"] for name, row in rows.items()} == {"small": "yes", "great": "yes", "tiny": "no"}


@pytest.mark.parametrize("money", [4, 10, 97])
def test_equal_customers_are_at_the_edges_and_not_beside_them(money: float) -> None:
    """A sketch tells quantiles to one percent; who is exactly as all others is neither above nor below them."""
    bodies = [body for n in range(6) for week in range(12) for body in orders(f"a{n}", 7 * week, 3, money)]
    found = Told(bodies, 84, AT_THE_EDGE)
    for n in range(6):
        fields = found.fields(f"a{n}")
        assert (fields["usage_level"], fields["in_pareto"]) == ("middle", "yes")
        assert found.moves(f"a{n}", "health_cell") == [(None, "middle-middle", 7)]


def test_usage_is_compared_with_a_segment_that_is_great_enough() -> None:
    """Twelve accounts of 1 … 12 events a day: the edges are 4 and 8 a day. Of fewer than 13 there are none."""
    bodies = [
        track("view", at(day, n), f"{account}-{day}-{n}", user=f"u{account}", **in_account(f"a{account}"))
        for account in range(12)
        for day in range(35)
        for n in range(account + 1)
    ]
    compared = Told(bodies, 35, CorePolicy(fleet=FleetPolicy(min_segment=12)))
    levels = [compared.fields(f"a{n}")["usage_level"] for n in range(12)]
    assert levels == ["low"] * 3 + ["middle"] * 5 + ["high"] * 4
    alone = Told(bodies, 35, CorePolicy(fleet=FleetPolicy(min_segment=13)))
    assert {alone.fields(f"a{n}")["usage_level"] for n in range(12)} == {"middle"}
