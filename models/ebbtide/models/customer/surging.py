"""What drove a customer's surge, and who else could be offered it: evidence of the alert, found when it opens."""

from __future__ import annotations

from typing import Any

from ebbtide.models.adoption.uses import Uses, last_monday
from ebbtide.models.alerting.drivers import Driver, drivers
from ebbtide.models.alerting.look_alikes import LookAlike, look_alikes
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.customer.view import View
from ebbtide.models.fleet.candidates import bits, places_of
from ebbtide.models.fleet.contribution import MONTH, segment_of
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.profile import USE_DAYS
from ebbtide.schemas.base import DAY_MS

_WEEK = 7
_BY_DAY = 28
"""For so long at least uses of modules are kept by day (``kept.py``): a longer window cannot be cut out of them."""


def surge_evidence(
    customer: Customer, view: View, day: int, comparison: Comparison, fleet: Fleet | None, policy: CorePolicy
) -> dict[str, Any]:
    """``drivers`` and ``look_alikes`` of the surge at the grid instant ``day``; what is not known is empty."""
    found = surge_drivers(customer, view, day, comparison)
    alike = [] if fleet is None or not found else _alike(customer, view, day, found[0], comparison, fleet, policy)
    return {"drivers": [_driver(one) for one in found], "look_alikes": [_look_alike(one) for one in alike]}


def surge_drivers(customer: Customer, view: View, day: int, comparison: Comparison) -> list[Driver]:
    """The modules that grew most in the windows of the ``comparison``, of whose weeks those count that are known."""
    window, first = comparison.window_days, view.series.first_day()
    if window > _BY_DAY:
        return []
    assert first is not None, "who is compared was active"
    known = (last_monday(day - window) - first) // _WEEK
    weeks = min(comparison.weeks, known, (USE_DAYS - window) // _WEEK)
    return drivers(Uses(view.uses(customer, day)), day, window, weeks)


def _alike(
    customer: Customer,
    view: View,
    day: int,
    driver: Driver,
    comparison: Comparison,
    fleet: Fleet,
    policy: CorePolicy,
) -> list[LookAlike]:
    places = places_of(fleet.candidate_modules)
    asked = places.get(driver.module)
    if asked is None:
        return []
    trait = policy.fleet.segment_trait
    held = view.traits_at(customer, (trait,), day * DAY_MS - 1)
    return look_alikes(
        fleet.candidates(segment_of(held[trait].value if trait in held else None)),
        customer_id=customer.customer_id,
        uses=bits(view.modules(customer, day, policy.adoption.month_days), places),
        driver=asked,
        # As it was before: the surge itself would make it like customers that are greater.
        usage=comparison.baseline * MONTH / comparison.window_days,
        policy=policy.look_alike,
    )


def _driver(one: Driver) -> dict[str, Any]:
    return {
        "module": one.module,
        "value": one.value,
        "baseline": round(one.baseline, 2),
        "share_of_growth": round(one.share, 4),
    }


def _look_alike(one: LookAlike) -> dict[str, Any]:
    name = {} if one.name is None else {"name": one.name}
    return {"customer_id": one.customer_id, **name, "similarity": one.similarity}
