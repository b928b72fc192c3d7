"""A year of a customer's money, by contract, MRR, or orders; and its currency."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from ebbtide.models.customer.yearly_value import currency, yearly_value
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
    assert yearly_value(traits(**told), round(orders * 1_000_000)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("told", "expected"),
    [({}, "USD"), ({"currency": "eur"}, "EUR"), ({"currency": "€"}, None), ({"currency": 5}, None)],
)
def test_currency(told: dict[str, Any], expected: str | None) -> None:
    assert currency(traits(**told)) == expected
