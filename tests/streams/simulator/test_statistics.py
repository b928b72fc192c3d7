"""The book as a whole has the shape of a B2B vendor's."""

from __future__ import annotations

import numpy as np
import pytest

from ebbtide.streams.simulator.book import Book
from ebbtide.streams.simulator.config import BookConfig
from streams.simulator.simulated import Simulated


@pytest.fixture(scope="module")
def large() -> Book:
    return Book(BookConfig(customers=1_500, days=365, seed=2))


def test_two_to_three_percent_churn_a_month_and_a_fifth_without_a_cause(large: Book) -> None:
    terms = [term for account in large.accounts for term in account.terms]
    months = sum(max(0, min(term.ends, 365) - max(term.starts, 0)) for term in terms) / 30.4
    churns = [term for account in large.accounts for term in account.churns() if 0 <= term.ends < 365]
    assert 0.02 < len(churns) / months < 0.033
    # 19 % of about 450: two standard errors are four points.
    assert 0.15 < sum(term.causeless for term in churns) / len(churns) < 0.23


def test_small_plans_and_bad_fits_churn_more(large: Book) -> None:
    def share(accounts: list[bool]) -> float:
        return float(np.mean(accounts))

    def churns(plan: str) -> float:
        return share([any(0 <= t.ends < 365 for t in a.churns()) for a in large.accounts if a.plan.name == plan])

    assert churns("starter") > 1.15 * churns("scale") > 1.15 * churns("enterprise")
    fits = [(a.fit, any(0 <= t.ends < 365 for t in a.churns())) for a in large.accounts if a.is_account]
    assert share([churned for fit, churned in fits if fit < -0.5]) > 1.8 * share([c for fit, c in fits if fit > 0.5])


def test_key_people_dominate_where_their_hours_allow_it(large: Book) -> None:
    shares = []
    for account in large.accounts:
        humans = [p for p in account.people if not p.machine]
        if len(humans) > 2:
            shares.append(humans[0].weekly_rate / sum(p.weekly_rate for p in humans))
    assert np.mean(np.array(shares) > 0.25) > 0.6


def test_activity_is_over_dispersed_between_accounts_and_days(simulated: Simulated) -> None:
    days = np.array([simulated.activity[a.group_id] for a in simulated.book.accounts[: simulated.config.customers]])
    total = days.sum(axis=1)
    assert 4 < total.mean() / simulated.config.days < 16
    assert total.std() > 0.8 * total.mean()
    weekdays = days[:, [day for day in range(28) if day % 7 < 5]]
    lively = weekdays[weekdays.mean(axis=1) > 2]
    assert np.median(lively.var(axis=1) / lively.mean(axis=1)) > 2


def test_truth_describes_every_account_and_the_fleet(simulated: Simulated) -> None:
    customers = {row["customer"] for row in simulated.truth if row["row"] == "account"}
    seen = {r["context"]["groupId"] for r in simulated.behaviour if "groupId" in r["context"]}
    assert seen <= customers
    assert {row["type"] for row in simulated.truth if row["row"] == "fleet"} >= {"dip", "outage", "campaign"}
