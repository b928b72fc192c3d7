"""The contract that a customer is under, and who of its people still come, as of a grid instant."""

from __future__ import annotations

from bisect import bisect_left

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.view import View
from ebbtide.models.standing.contracts import TERM_TRAITS, Term, term
from ebbtide.models.standing.running import Running, running
from ebbtide.schemas.base import DAY_MS

STILL_DAYS = 14
PEOPLE_DAYS = 70
"""Who came within so many days is one of the people; who came within ``STILL_DAYS`` still comes."""


def running_contract(customer: Customer, view: View, day: int, horizon_days: int) -> Running | None:
    """None where it is under no contract whose end is known."""
    signed = _term(customer, view, day * DAY_MS - 1)
    if signed is None:
        return None
    found = running(signed, view.history(customer), day, horizon_days)
    return None if found is None else Running(*found, _people_percent(customer, view, day))


def _term(customer: Customer, view: View, at_ms: int) -> Term | None:
    """The term as of ``at_ms``, kept for as long as nothing else is told of it."""
    if view.term is None or at_ms < view.term[0]:
        newest = view.traits(customer)
        told_ms = max([newest[name].at_ms for name in TERM_TRAITS if name in newest], default=0)
        found = term(view.traits_at(customer, TERM_TRAITS, at_ms))
        if at_ms < told_ms:
            return found
        view.term = told_ms, found
    return view.term[1]


def _people_percent(customer: Customer, view: View, day: int) -> int:
    """Of those who came lately, how many still come; 100 where nobody is known by name."""
    lasts = view.last_days.ascending(customer, day)
    came = len(lasts) - bisect_left(lasts, day - PEOPLE_DAYS)
    still = len(lasts) - bisect_left(lasts, day - STILL_DAYS)
    return round(100 * still / came) if came else 100
