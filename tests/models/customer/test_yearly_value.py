"""A year of a customer's money, by contract, MRR, or orders; and its currency."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from ebbtide.models.customer.series import DaySeries
from ebbtide.models.customer.yearly_value import currency, yearly_value, yearly_value_at
from ebbtide.models.policy import MoneyPolicy
from ebbtide.schemas.profile_state import Trait


def traits(**told: Any) -> dict[str, Trait]:
    return {name: Trait(value, 0, 0, "crm") for name, value in told.items()}


@pytest.mark.parametrize(
    ("told", "orders", "expected"),
    [
        ({}, 0, None),
        ({}, 2.5, 2.5),
        ({"mrr": 10}, 2.5, 120),
        ({"contract_value": 1_200}, 2.5, 1_200),
        ({"contract_value": 1_200, "mrr": 10}, 0, 1_200),
        ({"contract_value": 0, "mrr": 10}, 0, 0),
        # A year, two years, 73 days, and a month of 30 days.
        ({"contract_value": 1_200, "contract_start": "2025-01-01", "contract_end": "2026-01-01"}, 0, 1_200),
        ({"contract_value": 1_200, "contract_start": "2025-01-01", "contract_end": "2027-01-01"}, 0, 600),
        ({"contract_value": 1_200, "contract_start": "2025-01-01", "contract_end": "2025-03-15"}, 0, 6_000),
        ({"contract_value": 30, "contract_start": "2025-06-01", "contract_end": "2025-07-01"}, 0, 365),
        # Times of day count, and a zone does not keep two times from being compared.
        (
            {"contract_value": 30, "contract_start": "2025-06-01", "contract_end": "2025-07-01T00:00:00Z"},
            0,
            365,
        ),
        ({"contract_value": 3, "contract_start": "2025-06-01", "contract_end": "2025-06-02T12:00:00"}, 0, 730),
        # A term that is none, or not told, leaves the value as it is.
        ({"contract_value": 30, "contract_start": "2025-06-01", "contract_end": "2025-06-01"}, 0, 30),
        ({"contract_value": 30, "contract_start": "2025-06-01", "contract_end": "2025-05-01"}, 0, 30),
        ({"contract_value": 30, "contract_start": "soon", "contract_end": "2025-05-01"}, 0, 30),
        ({"contract_value": 30, "contract_start": "2025-06-01"}, 0, 30),
        # What is no number is not known.
        ({"contract_value": "much", "mrr": 10}, 0, 120),
        ({"contract_value": True, "mrr": 10}, 0, 120),
        ({"contract_value": inf, "mrr": nan}, 2.5, 2.5),
    ],
)
def test_by_contract_else_mrr_else_orders(told: dict[str, Any], orders: float, expected: float | None) -> None:
    found = yearly_value(traits(**told), round(orders * 1_000_000), MoneyPolicy())
    assert (None if found is None else found.amount) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("told", "expected"),
    [({}, "CHF"), ({"currency": " eur"}, "EUR"), ({"currency": "€"}, None), ({"currency": 5}, None)],
)
def test_currency(told: dict[str, Any], expected: str | None) -> None:
    assert currency(traits(**told), MoneyPolicy(currency="CHF")) == expected


@pytest.mark.parametrize(
    ("told", "expected", "compared"),
    [
        ({"mrr": 10, "currency": "eur"}, (120, "EUR"), 60),
        ({"contract_value": 5, "currency": "EUR"}, (5, "EUR"), 2.5),
        ({"contract_value": 5}, (5, "CHF"), 5),
        ({"mrr": 10, "currency": "JPY"}, (120, "JPY"), None),
        ({"mrr": 10, "currency": "€"}, (120, None), None),
        # Orders are in the money currency, whatever the CRM says of the customer.
        ({"currency": "EUR"}, (7, "CHF"), 7),
        ({"currency": "€"}, (7, "CHF"), 7),
    ],
)
def test_it_is_told_as_it_is_and_compared_in_the_money_currency(
    told: dict[str, Any], expected: tuple[float, str | None], compared: float | None
) -> None:
    policy = MoneyPolicy(currency="CHF", rates={"EUR": 0.5})
    found = yearly_value(traits(**told), 7_000_000, policy)
    assert found == expected
    assert found is not None
    assert found.compared(policy) == compared


def test_orders_of_the_365_days_before_the_instant_are_a_year() -> None:
    series = DaySeries()
    for day, money in ((634, 1), (635, 10), (999, 100), (1_000, 1_000)):
        series.put(day, [1, 0, 0, 1, money * 1_000_000, 0, 0, -1, -1])
    assert yearly_value_at({}, series, 1_000, MoneyPolicy()) == (110, "USD")
