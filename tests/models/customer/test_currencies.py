"""Customers that pay in several currencies: what is added, what is told as it is, and what is compared.

A euro is two dollars here, a hundred yen are one; nobody set a rate for Swiss francs. Day 0 is Monday, 2025-01-06.
"""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.policy import CorePolicy, EconomicsPolicy, FleetPolicy, MoneyPolicy, ParetoPolicy
from ebbtide.schemas.base import Money
from ebbtide.schemas.fleet import FleetStats
from support.raw import alerts_of, at, in_account, iso, track
from support.standings import Told, told

RATES = MoneyPolicy(rates={"EUR": 2.0, "JPY": 0.01})
FIELDS = ("rfm_cell", "rfm_cluster", "quadrant", "in_pareto", "loyalty", "value_90d", "value_total", "yearly_value")


def policy(money: MoneyPolicy = RATES) -> CorePolicy:
    return CorePolicy(money=money, fleet=FleetPolicy(min_segment=2), pareto=ParetoPolicy(margin=0))


def order(account: str, day: int, revenue: float, currency: str | None = None, n: int = 0) -> dict[str, Any]:
    properties = {"revenue": revenue} | ({} if currency is None else {"currency": currency})
    mark = f"{account}-{day}-{n}"
    return track("order", at(day, n), mark, user=f"u-{account}", properties=properties, **in_account(account))


def signed(account: str, day: float, value: float, currency: str | None) -> dict[str, Any]:
    term = {"start": iso(at(0)), "end": iso(at(365)), "value": value} | (
        {} if currency is None else {"currency": currency}
    )
    return told("contract.signed", day, f"signed-{account}-{day}", {"group_id": account}, **term)


def newest(found: Told) -> FleetStats:
    return [output.record for output in found.outputs if isinstance(output.record, FleetStats)][-1]


def at_stake(found: Told) -> list[Money | None]:
    return [alert.at_stake for alert in alerts_of(found.outputs)]


def in_dollars(n: int) -> float:
    return 10.0 * (n + 1)


def book(spelt: bool) -> list[dict[str, Any]]:
    """Account n orders n + 1 times for 10 (n + 1) dollars, or, if ``spelt``, for as much in one of three currencies."""
    units = (("USD", 1.0), ("eur ", 2.0), ("JPY", 0.01))
    return [
        order(f"a{n}", 7 * n + 3, in_dollars(n) / rate, code, count)
        for n in range(10)
        for code, rate in [units[n % 3] if spelt else units[0]]
        for count in range(n + 1)
    ]


def test_who_pays_as_much_in_another_currency_stands_where_it_stood() -> None:
    dollars, mixed = Told(book(spelt=False), 77, policy()), Told(book(spelt=True), 77, policy())
    for n in range(10):
        one, other = dollars.fields(f"a{n}"), mixed.fields(f"a{n}")
        assert {name: one[name] for name in FIELDS} == {name: other[name] for name in FIELDS}
        assert other["yearly_value_currency"] == "USD"
    assert {mixed.fields(f"a{n}")["in_pareto"] for n in range(10)} == {"yes", "no"}
    assert {mixed.fields(f"a{n}")["quadrant"] for n in range(10)} == {"B", "E"}
    assert newest(mixed).segments == newest(dollars).segments


@pytest.mark.parametrize(
    ("money", "value"), [(MoneyPolicy(), 300), (RATES, 400), (MoneyPolicy(currency="JPY", rates={"USD": 100}), 40_000)]
)
def test_dollars_and_yen_are_added_as_one_money_only(money: MoneyPolicy, value: float) -> None:
    bodies = [order("acme", day, 50, "USD") for day in range(6)] + [order("acme", 6, 10_000, "JPY")]
    found = Told(bodies, 40, policy(money))
    fields = found.fields("acme")
    assert (fields["value_90d"], fields["value_total"], fields["total_order_count"]) == (value, value, 7)
    assert (fields["yearly_value"], fields["yearly_value_currency"]) == (value, money.currency)
    assert at_stake(found)
    assert set(at_stake(found)) == {Money(amount=value, currency=money.currency)}
    assert found.pipeline.profiles.orders_without_rate == (
        {"JPY": 1} if "JPY" not in {*money.rates, money.currency} else {}
    )


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        # Orders in euros of a customer of whom the CRM says nothing, and of one that it calls one of yen.
        ([order("acme", 2, 50, "EUR")], Money(amount=100, currency="USD")),
        (
            [order("acme", 2, 50, "EUR"), told("account.upserted", 1, "f", {"group_id": "acme"}, currency="JPY")],
            Money(amount=100, currency="USD"),
        ),
        # A contract and an MRR are told as they are, with a rate and without.
        ([signed("acme", 1, 9_000, "EUR")], Money(amount=9_000, currency="EUR")),
        ([signed("acme", 1, 9_000, "CHF")], Money(amount=9_000, currency="CHF")),
        ([signed("acme", 1, 9_000, None), order("acme", 2, 5, "EUR")], Money(amount=9_000, currency="USD")),
        (
            [told("account.upserted", 1, "f", {"group_id": "acme"}, mrr=10, currency="chf")],
            Money(amount=120, currency="CHF"),
        ),
        ([], None),
    ],
)
def test_an_alert_tells_amount_and_currency_as_they_are(bodies: list[dict[str, Any]], expected: Money | None) -> None:
    used = [track("query", at(day, 60), f"q{day}", user="u-acme", **in_account("acme")) for day in range(10)]
    found = Told([*bodies, *used], 40, policy())
    assert at_stake(found)
    assert set(at_stake(found)) == {expected}
    fields = found.fields("acme")
    assert (fields["yearly_value"], fields["yearly_value_currency"]) == (
        (None, None) if expected is None else (expected.amount, expected.currency)
    )


def test_contracts_are_compared_in_one_currency_and_told_in_their_own() -> None:
    """200 EUR are 400 dollars, 10,000 JPY 100 of them, so 500 of 530 are more than 80 %, and 400 are not."""
    bodies = [
        signed("euro", 1, 200, "EUR"),
        signed("yen", 1, 10_000, "JPY"),
        signed("dollar", 1, 30, "USD"),
        signed("franc", 1, 1_000_000, "CHF"),
    ]
    found = Told(bodies, 15, policy())
    names = ("euro", "yen", "dollar", "franc")
    assert [found.fields(name)["in_pareto"] for name in names] == ["yes", "yes", "no", None]
    assert [found.fields(name)["yearly_value"] for name in names] == [200, 10_000, 30, 1_000_000]
    assert found.moves("franc", "pareto") == []
    everybody = newest(found).segments[""]
    assert everybody.customers == 4
    assert everybody.pareto_value == pytest.approx(100, rel=0.02)
    assert everybody.quantiles["value_365d"]["0.05"] == pytest.approx(30, rel=0.02)


def test_who_has_no_money_is_worth_nothing_and_who_cannot_be_compared_is_worth_no_number() -> None:
    idle = [track("query", at(1), f"q-{name}", user=f"u-{name}", **in_account(name)) for name in ("none", "franc")]
    alone = Told([*idle, signed("franc", 1, 5, "CHF")], 14, policy())
    assert set(newest(alone).segments[""].quantiles["value_365d"].values()) == {0}
    francs = Told([signed("franc", 1, 5, "CHF"), signed("other", 1, 5, "CHF")], 14, policy())
    assert "value_365d" not in newest(francs).segments[""].quantiles
    assert newest(francs).segments[""].pareto_value is None


def test_a_state_ends_when_its_money_cannot_be_compared_any_more() -> None:
    bodies = [signed("acme", 1, 100, "EUR"), signed("acme", 16, 100, "CHF"), signed("other", 1, 50, "USD")]
    found = Told(bodies, 28, policy())
    assert found.moves("acme", "pareto") == [(None, "yes", 14), ("yes", None, 21)]
    assert [one.reason for one in found.changes("acme") if one.state == "pareto"] == ["value", "no_rate"]
    first = next(one for one in found.changes("acme") if one.state == "pareto")
    assert first.evidence["value"] == 200


def test_ltv_stays_apart_by_currency() -> None:
    economics = EconomicsPolicy(min_renewals=1)
    bodies = [signed("euro", 1, 200, "EUR"), signed("franc", 1, 500, "CHF"), order("shop", 1, 3, "EUR")]
    bodies += [
        told("renewal.closed", 2, f"r-{name}", {"group_id": name}, outcome=outcome)
        for name, outcome in (("euro", "renewed"), ("franc", "churned"))
    ]
    rows = newest(Told(bodies, 14, policy().model_copy(update={"economics": economics}))).segments[""].economics.ltv
    assert {row.currency for row in rows} == {"EUR", "CHF", "USD"}
