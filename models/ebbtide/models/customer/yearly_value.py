"""What a customer pays for: a year of its money, with its currency, and seats (signals §5, §7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

from ebbtide.models.customer.series import REVENUE, DaySeries
from ebbtide.models.policy import MoneyPolicy
from ebbtide.models.profile.currency import currency_code
from ebbtide.models.profile.money import MICROS, rate_of
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.profile_state import Trait

CURRENCY = "currency"
TRAITS = ("contract_value", "contract_start", "contract_end", "mrr", CURRENCY)
SEATS = "seats"
YEAR_DAYS = 365


class YearlyValue(NamedTuple):
    """A year of a customer's money, in units of ``currency``; None where the CRM's currency is none."""

    amount: float
    currency: str | None

    def compared(self, policy: MoneyPolicy) -> float | None:
        """The amount in the money currency, to be compared with others'; None where no rate is known."""
        rate = None if self.currency is None else rate_of(self.currency, policy)
        return None if rate is None else self.amount * rate


def yearly_value(traits: Mapping[str, Trait], revenue_micros: int, policy: MoneyPolicy) -> YearlyValue | None:
    """What the customer pays a year: by its contract, else twelve times its MRR, both in the customer's currency, else
    what its orders of the last year came to (``revenue_micros``, millionths of the money currency). None where none of
    them is known.

    The contract's value is brought to a year where its start and end are known: a month's contract is renewed monthly.
    """
    contract = _number(traits, "contract_value")
    if contract is not None:
        days = _term_days(traits)
        return YearlyValue(contract * YEAR_DAYS / days if days else contract, currency(traits, policy))
    mrr = _number(traits, "mrr")
    if mrr is not None:
        return YearlyValue(12 * mrr, currency(traits, policy))
    return YearlyValue(revenue_micros / MICROS, policy.currency) if revenue_micros else None


def yearly_value_at(
    traits: Mapping[str, Trait], series: DaySeries, day: int, policy: MoneyPolicy
) -> YearlyValue | None:
    """What the customer pays a year, as of the grid instant ``day``."""
    return yearly_value(traits, series.window(REVENUE, day, YEAR_DAYS), policy)


def seats(traits: Mapping[str, Trait]) -> float | None:
    """Licensed seats; None where the CRM's number is none."""
    found = _number(traits, SEATS)
    return found if found is not None and found > 0 else None


def currency(traits: Mapping[str, Trait], policy: MoneyPolicy) -> str | None:
    """The currency of the customer's contract and MRR, the money currency where none is named; None for no code."""
    trait = traits.get(CURRENCY)
    return policy.currency if trait is None else currency_code(trait.value)


def _number(traits: Mapping[str, Trait], name: str) -> float | None:
    trait = traits.get(name)
    if trait is None or isinstance(trait.value, bool) or not isinstance(trait.value, int | float):
        return None
    return float(trait.value) if isfinite(trait.value) else None


def _term_days(traits: Mapping[str, Trait]) -> float | None:
    """Length of the contract's term in days; None where its dates do not tell."""
    start, end = traits.get("contract_start"), traits.get("contract_end")
    return None if start is None or end is None else _days_between(str(start.value), str(end.value))


@lru_cache(maxsize=4_096)
def _days_between(start: str, end: str) -> float | None:
    # The same few terms are asked for every week of every contract.
    try:
        term = datetime.fromisoformat(end).replace(tzinfo=None) - datetime.fromisoformat(start).replace(tzinfo=None)
    except ValueError:
        return None
    days = term.total_seconds() / DAY_SECONDS
    return days if days >= 1 else None
