"""Money of orders in one currency: amounts, spellings, rates, and what has no rate."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import inf, nan
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ebbtide.models.intake.accept import Door
from ebbtide.models.policy import CorePolicy, MoneyPolicy
from ebbtide.models.profile.money import NO_CODE, OTHERS, OrderMoney
from ebbtide.models.profile.shard import ProfileShard
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.events import Event
from ebbtide.schemas.profile_state import ProfileState
from support.raw import NOW, at, messages, track

POLICY = MoneyPolicy(currency="USD", rates={"EUR": 1.08, "JPY": 0.0067, "KWD": 3})


@pytest.mark.parametrize(
    ("properties", "micros"),
    [
        ({"revenue": 1.25, "total": 9}, 1_250_000),
        ({"total": -2}, -2_000_000),
        ({"value": 1e12}, 10**18),
        ({"value": 10**12 - 1}, (10**12 - 1) * 10**6),
        ({"value": 1e13}, 0),
        ({"revenue": nan, "value": 3}, 3_000_000),
        ({"revenue": -inf}, 0),
        ({"revenue": 10**400}, 0),
        ({"revenue": True, "total": "5"}, 0),
        ({}, 0),
    ],
)
@pytest.mark.parametrize("currency", [{}, {"currency": "USD"}, {"currency": None}])
def test_an_order_in_the_money_currency_is_what_it_says(
    properties: dict[str, Any], micros: int, currency: dict[str, Any]
) -> None:
    money = OrderMoney(POLICY)
    assert money.micros(properties | currency) == micros
    assert not money.without_rate


@pytest.mark.parametrize(
    ("properties", "micros"),
    [
        ({"revenue": 10, "currency": "EUR"}, 10_800_000),
        ({"revenue": 10, "currency": "eur"}, 10_800_000),
        ({"revenue": 10, "currency": "\t Eur\n"}, 10_800_000),
        ({"revenue": 10, "currency": "usd "}, 10_000_000),
        ({"revenue": 10, "currency": " "}, 10_000_000),
        ({"revenue": 10, "currency": ""}, 10_000_000),
        ({"revenue": 10_000, "currency": "JPY"}, 67_000_000),
        ({"revenue": 1, "currency": "JPY"}, 6_700),
        ({"revenue": 0.001, "currency": "JPY"}, 7),  # in whole millionths: 6.7 of them
        ({"revenue": -3.5, "currency": "KWD"}, -10_500_000),
        ({"revenue": 10**400, "total": 2, "currency": "KWD"}, 6_000_000),
        ({"revenue": nan, "currency": "KWD"}, 0),
        ({"revenue": 9e11, "currency": "JPY"}, 6_030_000_000 * 10**6),
        ({"revenue": 9e11, "currency": "KWD"}, 0),  # no price any more
        ({"revenue": -9e11, "currency": "KWD"}, 0),
    ],
)
def test_an_order_in_another_currency_is_converted(properties: dict[str, Any], micros: int) -> None:
    money = OrderMoney(POLICY)
    assert money.micros(properties) == micros
    assert not money.without_rate


@pytest.mark.parametrize(
    ("currency", "told"),
    [
        ("CHF", "CHF"),
        (" chf", "CHF"),
        ("XX", NO_CODE),
        ("EURO", NO_CODE),
        ("€", NO_CODE),
        ("ÉUR", NO_CODE),
        ("EUR,", NO_CODE),
        (5, NO_CODE),
        (nan, NO_CODE),
        (True, NO_CODE),
        (10**400, NO_CODE),
        (["EUR"], NO_CODE),
        ({"code": "EUR"}, NO_CODE),
    ],
)
def test_without_a_rate_the_money_is_left_out_and_told(currency: object, told: str) -> None:
    money = OrderMoney(POLICY)
    assert [money.micros({"revenue": 10, "currency": currency}) for _ in range(2)] == [0, 0]
    assert money.without_rate == {told: 2}


@pytest.mark.parametrize("revenue", [0, 0.0, None, nan, "10"])
def test_where_there_is_no_money_none_is_left_out(revenue: object) -> None:
    money = OrderMoney(POLICY)
    assert money.micros({"revenue": revenue, "currency": "CHF"}) == 0
    assert not money.without_rate


def test_a_producer_cannot_make_names_without_end() -> None:
    money = OrderMoney(POLICY)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for code in [a + b + "Z" for a in letters for b in letters] * 2:
        money.micros({"revenue": 1, "currency": code})
    assert len(money.without_rate) == 65
    assert money.without_rate[OTHERS] == 2 * (26 * 26 - 64)
    assert money.without_rate.total() == 2 * 26 * 26


@pytest.mark.parametrize("rate", [1e-12, 5e-324, 1e12])
def test_a_rate_at_the_edges_is_no_trouble(rate: float) -> None:
    money = OrderMoney(MoneyPolicy(rates={"EUR": rate}))
    assert all(
        abs(money.micros({"revenue": amount, "currency": "EUR"})) <= 10**18 for amount in (1e12, -1e12, 10**12, 1)
    )


def test_the_own_currency_may_be_another_one() -> None:
    money = OrderMoney(MoneyPolicy(currency="eur", rates={"usd": 0.5, "EUR": 1}))
    assert money.micros({"revenue": 8}) == money.micros({"revenue": 8, "currency": "EUR"}) == 8_000_000
    assert money.micros({"revenue": 8, "currency": "USD"}) == 4_000_000


ORDERS = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.2, 0.3, 9.99, 1e9, -0.7, 10**400, "5", None, 1e300]) | st.floats(-1e6, 1e6),
        st.sampled_from(["USD", "EUR", "eur ", "JPY", "CHF", "XX", "", None, 5, ["EUR"]]),
        st.integers(0, 4),
    ),
    max_size=30,
)


def folded(orders: list[Event], policy: MoneyPolicy = POLICY) -> tuple[list[int], dict[int, list[int]], Counter[str]]:
    """Totals, days, and what had no rate."""
    core = CorePolicy(money=policy)
    shard = ProfileShard(0, frozenset({"raw/0"}), frozenset({"identity/0"}), core, lambda _key: None)
    for offset, order in enumerate(orders):
        shard.apply(offset, order)
    [profile] = shard.profiles
    [slot] = profile.slots.values()
    return slot.totals, slot.days, shard.orders_without_rate


def events(orders: list[tuple[Any, Any, int]]) -> list[Event]:
    door = Door(CorePolicy().intake, "t")
    bodies = [
        track("order", at(day, n), f"o{n}", properties={"revenue": revenue, "currency": currency})
        for n, (revenue, currency, day) in enumerate(orders)
    ]
    bodies.append(track("order", at(5), "last"))
    verdicts = [door.accept(message, now_ms=to_ms(NOW)) for message in messages(bodies)]
    assert all(isinstance(verdict, Event) for verdict in verdicts)
    return [replace(verdict, origin=None) for verdict in verdicts if isinstance(verdict, Event)]


@given(ORDERS, st.integers(0, 10_000))
def test_order_and_repeats_do_not_change_sums(orders: list[tuple[Any, Any, int]], order: int) -> None:
    found = events(orders)
    mixed = found + found[: order % 7]
    Random(order).shuffle(mixed)
    totals, days, without_rate = folded(mixed)
    assert (totals, days, without_rate) == folded(found)
    assert totals[3] == len(found), "every order counts as one"
    assert totals[4] == sum(bucket[4] for bucket in days.values())
    assert totals[4] == sum(OrderMoney(POLICY).micros(event.properties) for event in found)


def test_another_rate_holds_from_then_on_and_a_crash_counts_nothing_twice() -> None:
    table: dict[bytes, bytes | None] = {}
    first, second = events([(10, "EUR", 0)])[:1], events([(10, "EUR", 0), (20, "EUR", 1)])[:2]

    def shard(rate: float) -> ProfileShard:
        policy = CorePolicy(money=MoneyPolicy(rates={"EUR": rate}))
        return ProfileShard(0, frozenset({"raw/0"}), frozenset({"identity/0"}), policy, table.get)

    before = shard(1.5)
    before.apply(0, first[0])
    table.update(before.flush().writes)
    after = shard(2)
    for offset, order in enumerate(second):
        after.apply(offset, order)
    [output] = [out.record for out in after.flush().outputs if isinstance(out.record, ProfileState)]
    assert output.totals[3:5] == [2, 55_000_000]


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"currency": "EURO"}, "three letters, such as EUR, not 'EURO'"),
        ({"currency": ""}, "three letters"),
        ({"currency": 5}, "three letters"),
        ({"currency": None}, "three letters"),
        ({"rates": {"XX": 1}}, "not 'XX'"),
        ({"rates": {5: 1}}, "not 5"),
        ({"rates": {"EUR": 0}}, "greater than 0"),
        ({"rates": {"EUR": -1.08}}, "greater than 0"),
        ({"rates": {"EUR": nan}}, "finite"),
        ({"rates": {"EUR": inf}}, "finite"),
        ({"rates": {"EUR": 1e13}}, "less than or equal to"),
        ({"rates": {"EUR": True}}, "valid number"),
        ({"rates": {"EUR": None}}, "valid number"),
        ({"rates": {"EUR": 1, " eur": 2}}, "named twice"),
        ({"rates": {"USD": 1.1}}, "USD is the money currency: its rate is 1, not 1.1"),
        ({"currency": "eur", "rates": {"EUR": 2}}, "EUR is the money currency"),
        ({"rates": [1]}, "dictionary"),
        ({"rate": {}}, "rate"),
    ],
)
def test_wrong_settings_are_refused(told: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        MoneyPolicy.model_validate(told)


def test_codes_are_taken_as_they_are_meant() -> None:
    policy = MoneyPolicy.model_validate({"currency": " eur", "rates": {"usd ": 0.92, "EUR": 1.0}})
    assert (policy.currency, policy.rates) == ("EUR", {"USD": 0.92, "EUR": 1.0})
