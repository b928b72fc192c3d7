"""Small books of facts through the whole topology, with the numbers that they must come to."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.models.policy import ChannelPolicy, CorePolicy, EconomicsPolicy, FleetPolicy
from ebbtide.schemas.base import Money
from ebbtide.schemas.fleet import FleetStats
from support.raw import at, fact, in_account, iso, run, track

POLICY = CorePolicy(
    fleet=FleetPolicy(min_segment=5),
    economics=EconomicsPolicy(min_renewals=10, min_answers=5),
    channel=ChannelPolicy(min_clicks=10),
)


def told(what: str, day: float, fact_id: str, ids: dict[str, str], /, **data: Any) -> dict[str, Any]:
    return fact(what, at(day), fact_id, ids) | {"data": data}


def newest(bodies: Iterable[dict[str, Any]], day: int, policy: CorePolicy = POLICY) -> FleetStats:
    found = [output.record for output in run(list(bodies), at(day), policy) if isinstance(output.record, FleetStats)]
    assert found[-1].as_of == at(day)
    return found[-1]


def account(number: int) -> dict[str, str]:
    return {"group_id": f"acme-{number}"}


def spend(day: float, channel: str, amount: float, clicks: int, currency: str = "USD") -> dict[str, Any]:
    return told(
        "channel.spend", day, f"spend-{channel}-{day}-{currency}", {}, channel=channel, keyword="banner",
        amount=amount, clicks=clicks, currency=currency,
    )  # fmt: skip


def signed(number: int, day: float, currency: str = "USD", value: float = 1_200) -> dict[str, Any]:
    term = {"start": iso(at(day)), "end": iso(at(day + 365)), "value": value, "currency": currency}
    return told("contract.signed", day, f"signed-{number}", account(number), **term)


def ten_renewals(churned: int = 3) -> list[dict[str, Any]]:
    """Ten accounts of 1,200 USD a year, of which so many churned; the first of the others expanded."""
    bodies = [signed(number, 1 + number / 100) for number in range(10)]
    for number in range(10):
        outcome = "churned" if number < churned else "expanded" if number == churned else "renewed"
        bodies.append(told("renewal.closed", 30, f"closed-{number}", account(number), outcome=outcome))
    return bodies


def test_seven_of_ten_stay_three_and_a_third_periods() -> None:
    """LTV is 1,200 a year × 80 % margin × 3.33 years."""
    economics = newest(ten_renewals(), 35).segments[""].economics
    assert (economics.renewal.share, economics.renewal.n, economics.verdict) == (0.7, 10, "unsure")
    assert (economics.renewal.low, economics.renewal.high) == pytest.approx((0.397, 0.892), abs=5e-4)
    assert economics.lifetime is not None
    assert economics.lifetime.periods == pytest.approx(3.3333, abs=1e-4)
    assert (economics.lifetime.low, economics.lifetime.high) == pytest.approx((1.658, 9.28), abs=5e-3)
    assert economics.expansion.share == 0.1
    (ltv,) = economics.ltv
    assert (ltv.currency, ltv.customers, ltv.median) == ("USD", 10, 1_200)
    assert ltv.ltv == pytest.approx(3_200)
    assert economics.multiple == pytest.approx(8 / 3)


def test_a_renewal_counts_for_a_period_and_monthly_ones_as_one() -> None:
    monthly = [
        told("renewal.closed", 3 + month, f"monthly-{n}-{month}", account(n), outcome="renewed")
        for n in range(3, 10)
        for month in range(12)
    ]
    later = [signed(99, 394)]
    assert newest(ten_renewals() + monthly, 35).segments[""].economics.renewal.n == 10
    assert newest(ten_renewals() + later, 399).segments[""].economics.renewal.n == 0
    # One that churned and was won back has churned.
    back = [told("renewal.closed", 34, "back", account(0), outcome="renewed")]
    assert newest(ten_renewals() + back, 35).segments[""].economics.renewal.share == 0.7


def test_a_channel_at_three_times_its_cost_is_healthy_and_one_below_is_not() -> None:
    """Three customers for 3,200 cost 1,066.67 each, a third of an LTV of 3,200."""
    leads = [
        told("lead.upserted", 0.5, f"lead-{n}", account(n), channel=channel, keyword="banner")
        for n, channel in enumerate(["webinar"] * 3 + ["social"] * 2)
    ]
    spends = [spend(2, "webinar", 3_200, 40), spend(2, "social", 2_134, 40)]
    fleet = Fleet(newest([*leads, *ten_renewals(), *spends], 35))
    webinar, social = fleet.channel("webinar"), fleet.channel("social")
    assert webinar is not None
    assert social is not None
    assert webinar.cac == Money(amount=3_200 / 3, currency="USD")
    assert webinar.ltv_to_cac == pytest.approx(3.0, rel=1e-12)
    assert (webinar.healthy, social.healthy) == (True, False)
    assert (webinar.leads, webinar.qualified, webinar.deals, webinar.paid, webinar.lead_to_paid) == (3, 3, 3, 3, 1.0)
    (keyword,) = webinar.keywords
    assert (keyword.keyword, keyword.clicks, keyword.cac) == ("banner", 40, webinar.cac)
    assert fleet.channel("never heard of") is None


def test_four_of_ten_that_were_won_came_by_referral() -> None:
    """Of fourteen that paid, in two segments, three have no known channel, and one came and paid before the period."""
    channels = ["referral", "Referral ", "partner"] + ["search"] * 5 + ["partner", "fair", "referral"] + [""] * 2
    bodies = [told("lead.upserted", 1, f"lead-{n}", account(n), channel=name) for n, name in enumerate(channels)]
    bodies += [told("lead.upserted", 2, f"again-{n}", account(n), channel="referral") for n in range(3, 8)]
    bodies += [
        told("account.upserted", 1, f"tier-{n}", account(n), tier="small" if n < 6 else "middle") for n in range(14)
    ]
    bodies += [signed(n, 5 if n == 10 else 20) for n in range(14)]
    policy = POLICY.model_copy(update={"channel": ChannelPolicy(referrals=("referral", "partner"))})
    found = newest(bodies, 378, policy)
    rates = {name: (one.economics.referral.share, one.economics.referral.n) for name, one in found.segments.items()}
    assert rates == {"": (0.4, 10), "small": (0.5, 6), "middle": (0.25, 4)}
    everybody = found.segments[""].economics.referral
    # Wilson's interval of 4 of 10.
    assert (everybody.low, everybody.high) == pytest.approx((0.1682, 0.6873), abs=5e-5)
    assert newest(bodies, 378).segments[""].economics.referral.share == 0.2
    assert newest(bodies, 392).segments[""].economics.referral.n == 0


def test_display_with_the_clicks_and_no_deals_is_flagged() -> None:
    bodies = [spend(2, "display", 900, 9_000)]
    for number, channel in enumerate(["search", "webinar", "referral", "display"]):
        bodies.append(spend(2, f"{channel}", 100, 100 + number) if channel != "display" else spend(3, channel, 1, 1))
        bodies.append(told("lead.upserted", 1, f"lead-{number}", account(number), channel=channel))
        if channel != "display":
            bodies.append(signed(number, 9))
    found = newest(bodies, 14).channels
    assert [(row.channel, row.clicks, row.deals, row.flagged) for row in found] == [
        ("display", 9_001, 0, True),
        ("referral", 102, 1, False),
        ("webinar", 101, 1, False),
        ("search", 100, 1, False),
    ]
    display = found[0]
    assert (display.leads, display.paid, display.cac, display.healthy) == (1, 0, None, None)


def test_currencies_are_told_apart_and_never_added() -> None:
    bodies = [*ten_renewals(), signed(20, 2, "EUR", 700), signed(21, 2, "EUR", 900), signed(22, 2, "EUR", 800)]
    bodies += [told("lead.upserted", 0.5, "lead", account(20), channel="fair")]
    bodies += [spend(2, "fair", 100, 10, currency) for currency in ("USD", "EUR")]
    stats = newest(bodies, 35)
    ltv = stats.segments[""].economics.ltv
    assert [(row.currency, row.customers) for row in ltv] == [("USD", 10), ("EUR", 3)]
    assert ltv[1].median == pytest.approx(800, rel=0.01)
    (fair,) = stats.channels
    assert [(row.currency, row.amount_micros) for row in fair.spend] == [("EUR", 100_000_000), ("USD", 100_000_000)]
    assert (fair.paid, fair.cac, fair.ltv_to_cac) == (1, None, None)


def test_a_lead_counts_for_as_long_as_the_spend_that_brought_it() -> None:
    lead = told("lead.upserted", 7, "lead", account(0), channel="fair")
    later = [track("query", at(day), f"q{day}", **in_account("acme-0")) for day in (300, 370, 377)]
    assert [row.leads for row in newest([lead, *later], 371).channels] == [1]
    assert newest([lead, *later], 378).channels == []


def test_nps_takes_the_latest_answer_of_each() -> None:
    bodies = [
        told(
            "survey.answered", day, f"a{number}-{day}", {"user_id": f"u{number}", **account(1)}, kind="nps", score=score
        )
        for number, answers in enumerate([[(3, 0), (4, 10)], [(3, 9)], [(3, 9)], [(3, 6)], [(3, 8)]])
        for day, score in answers
    ]
    found = newest(bodies, 7).segments[""].economics.nps
    assert found is not None
    assert (round(found.score, 6), found.n) == (40, 5)


def test_leads_are_ranked_for_their_owner() -> None:
    """Ann logged in yesterday with many queries, Bob long ago, Cy never; Dee is somebody else's, Eve has signed."""
    bodies = []
    for name, owner in (("ann", "kim"), ("bob", "kim"), ("cy", "kim"), ("dee", "leo"), ("eve", "kim")):
        bodies.append(told("lead.upserted", 0.1, f"lead-{name}", {"user_id": name}, owner=owner, channel="search"))
    bodies += [track("query", at(1 + n / 2), f"ann-{n}", user="ann") for n in range(24)]
    bodies += [track("login", at(13, 1), "ann-in", user="ann"), track("login", at(1), "bob-in", user="bob")]
    bodies += [told("contract.signed", 2, "eve-signed", {"user_id": "eve"}, value=5)]
    stats = newest(sorted(bodies, key=lambda body: body.get("timestamp") or body["occurred_at"]), 14)
    ids = {
        name: canonical_id("default", identifier_of(f"user_id/{name}")) for name in ("ann", "bob", "cy", "dee", "eve")
    }
    assert stats.leads == {"kim": [ids["ann"], ids["bob"], ids["cy"]], "leo": [ids["dee"]]}
    fleet = Fleet(stats)
    assert [fleet.rank(ids[name]) for name in ids] == [1, 2, 3, 1, None]


def trained_book(effect: int) -> Iterable[dict[str, Any]]:
    """Twenty-four customers use three modules about six times a week; half of them are trained in funnels by Ou in the
    week of day 28, and use it ``effect`` more often from then on."""
    rng = Random(7)
    for number in range(24):
        trained = number % 2 == 0
        if trained:
            yield told(
                "touchpoint", 30, f"t{number}", account(number), kind="training", feature="funnels", trainer="ou"
            )
        for week in range(-1, 9):
            for module in ("funnels", "replay", "reports"):
                more = effect if trained and module == "funnels" and week > 4 else 0
                for n in range(rng.choice([4, 5, 6, 7, 8]) + more):
                    when = at(7 * week + rng.randrange(7), rng.randrange(86_400))
                    body = track(module, when, f"{number}-{week}-{module}-{n}", user=f"u{number}")
                    yield body | in_account(f"acme-{number}")


@pytest.mark.parametrize("effect", [5, 0])
def test_what_a_training_added_is_found(effect: int) -> None:
    bodies = sorted(trained_book(effect), key=lambda body: body.get("timestamp") or body["occurred_at"])
    found = newest(bodies, 63).trainings
    assert [(row.module, row.trainer, row.trained) for row in found] == [
        (None, None, 12),
        ("funnels", None, 12),
        (None, "ou", 12),
    ]
    for row in found:
        for one in (row.against_customers, row.against_features, row.against_both):
            assert one is not None
            assert one.low < effect < one.high
            assert one.proven is (effect > 0)
            assert one.high - one.low < 4
        assert row.against_customers is not None
        assert (row.against_customers.trained, row.against_customers.untrained) == (12, 12)
