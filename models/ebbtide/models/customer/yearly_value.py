"""What a customer pays for: a year of its money, in units of its currency, and seats (signals §5, §7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from math import isfinite

from ebbtide.models.customer.series import REVENUE, DaySeries
from ebbtide.models.profile.money import MICROS
from ebbtide.schemas.profile_state import Trait

TRAITS = ("contract_value", "contract_start", "contract_end", "mrr")
CURRENCY = "currency"
SEATS = "seats"
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
YEAR_DAYS = 365
_DAY_SECONDS = 86_400


def yearly_value(traits: Mapping[str, Trait], revenue_micros: int) -> float | None:
    """What the customer pays a year: by its contract, else twelve times its MRR, else what its orders of the last year
    came to (``revenue_micros``, millionths). None where none of them is known.

    The contract's value is brought to a year where its start and end are known: a month's contract is renewed monthly.
    """
    contract = _number(traits, "contract_value")
    if contract is not None:
        days = _term_days(traits)
        return contract * YEAR_DAYS / days if days else contract
    mrr = _number(traits, "mrr")
    if mrr is not None:
        return 12 * mrr
    return revenue_micros / MICROS if revenue_micros else None


def yearly_value_at(traits: Mapping[str, Trait], series: DaySeries, day: int) -> float | None:
    """What the customer pays a year, as of the grid instant ``day``."""
    return yearly_value(traits, series.window(REVENUE, day, YEAR_DAYS))


def seats(traits: Mapping[str, Trait]) -> float | None:
    """Licensed seats; None where the CRM's number is none."""
    found = _number(traits, SEATS)
    return found if found is not None and found > 0 else None


def currency(traits: Mapping[str, Trait]) -> str | None:
    """The currency that the customer's money is in, USD where none is named; None for what is none."""
    trait = traits.get(CURRENCY)
    found = "USD" if trait is None else str(trait.value).upper()
    return found if _CURRENCY.match(found) else None


def _number(traits: Mapping[str, Trait], name: str) -> float | None:
    trait = traits.get(name)
    if trait is None or isinstance(trait.value, bool) or not isinstance(trait.value, int | float):
        return None
    return float(trait.value) if isfinite(trait.value) else None


def _term_days(traits: Mapping[str, Trait]) -> float | None:
    """Length of the contract's term in days; None where its dates do not tell."""
    try:
        start, end = (
            datetime.fromisoformat(str(traits[name].value)).replace(tzinfo=None)
            for name in ("contract_start", "contract_end")
        )
    except (KeyError, ValueError):
        return None
    days = (end - start).total_seconds() / _DAY_SECONDS
    return days if days >= 1 else None
