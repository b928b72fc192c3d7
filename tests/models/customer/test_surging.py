"""Drivers of a surge from what is kept of a customer: whatever was added up or forgotten, they are the same."""

from __future__ import annotations

import pytest

from ebbtide.models.alerting.drivers import Driver
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.share import Share
from ebbtide.models.customer.surging import surge_drivers
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.customer.view import View
from support.raw import DAY_0

LONG = 200
"""Days of history; the reports of the newest window come on top of ten events a day."""


def customer(day: int, window: int) -> Customer:
    one = Customer("c", "t", "group_id", "acme")
    share = one.shares["p"] = Share("user_id", "u1")
    for at in range(day - LONG, day):
        share.days[at] = [10, 0, 0, 0, 0, 1, 1, -1, -1]
        share.uses[at] = {"events": 10} | ({"reports": 20} if at >= day - window else {})
    return one


@pytest.mark.parametrize("window", [7, 14, 21, 28])
@pytest.mark.parametrize("weekday", range(7))
def test_what_is_kept_suffices_for_every_window_and_day(window: int, weekday: int) -> None:
    day = DAY_0 + 300 + weekday
    one, comparison = customer(day, window), Comparison(30 * window, 10.0 * window, window, 8)
    expected = [Driver("reports", 20 * window, 0.0, 1.0)]
    whole = View(one)
    assert surge_drivers(one, whole, day, comparison) == expected
    # As it is kept: older uses by weeks, and those before forgotten.
    whole.compact(one, day)
    assert len(one.shares["p"].uses) < 63
    again = decode(encode(one))
    assert surge_drivers(again, View(again), day, comparison) == expected
    assert View(again).uses(again, day).keys() == whole.uses(one, day).keys()


def test_a_window_that_is_longer_than_uses_are_kept_by_day_has_no_drivers() -> None:
    one = customer(DAY_0 + 300, 35)
    assert surge_drivers(one, View(one), DAY_0 + 300, Comparison(1_050, 350.0, 35, 8)) == []


def test_a_week_that_began_before_the_first_activity_does_not_count() -> None:
    """Five weeks lie before the window, but only four calendar weeks are whole: with 30, 30, 20 and 20 reports."""
    monday = DAY_0 + 280
    day = monday + 3
    one = Customer("c", "t", "group_id", "acme")
    share = one.shares["p"] = Share("user_id", "u1")
    for at in range(day - 7 - 35, day):
        share.days[at] = [10, 0, 0, 0, 0, 1, 1, -1, -1]
        share.uses[at] = {"events": 10}
    for back, reports in ((7, 100), (14, 30), (21, 30), (28, 20), (35, 20)):
        share.uses[monday - back + 3]["reports"] = reports
    (found,) = surge_drivers(one, View(one), day, Comparison(170, 70.0, 7, 5))
    assert found == Driver("reports", 100, 25.0, 1.0)
