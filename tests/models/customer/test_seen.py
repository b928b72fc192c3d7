"""Days that say nothing of a customer: those on which its fleet was down, and those on which nobody could see it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.outages import Outages, sources_of
from ebbtide.models.customer.seen import Seen
from ebbtide.models.customer.view import View, fold
from ebbtide.models.fleet.reader import Fleet
from ebbtide.models.fleet.stats import EVERYBODY
from ebbtide.models.identity.identifiers import profile_id_of
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.fleet import FleetStats, SegmentStats
from ebbtide.schemas.profile_state import ProfileState
from support.raw import DAY_0, at

REACH = 91
ACME = Identifier(IdentifierType.GROUP_ID, "acme")
NOBODY = SegmentStats(customers=0, quantiles={}, counters={}, modules={}, share_dropping=None, pareto_value=None)


def fleet(*down: int) -> Fleet:
    """The statistics of a fleet that was down on some days."""
    days = [at(day - DAY_0) for day in down]
    return Fleet(FleetStats(tenant="t", as_of=at(70), accuracy=0.01, segments={EVERYBODY: NOBODY}, down_days=days))


def used(user: str, day: int, source: str, version: int) -> ProfileState:
    """A user of an account did something on a day."""
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id=profile_id_of("t", "user_id", user),
        subject=Identifier(IdentifierType.USER_ID, user),
        epoch=0,
        version=version,
        days={day: [1, 0, 0, 0, 0, 1, 1, -1, -1]},
        totals=[version, 0, 0, 0, 0, 0],
        sources={day: [source]},
        accepted=version,
        partition=0,
        arrived_ms=0,
    )


def outages(day: int, **days: set[int]) -> Outages:
    """Blind days by source as of an instant."""
    return Outages(
        frozenset(),
        {source: frozenset(DAY_0 + one for one in lost if one < day) for source, lost in days.items()},
        DAY_0 + max((one for lost in days.values() for one in lost if one < day), default=-DAY_0 - 1),
    )


def test_days_of_the_fleet_and_of_its_own_sources() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    fold(customer, view, used("ann", DAY_0 + 60, "web", 1))
    blind = outages(70, web={61, 62}, app={63})

    def unseen(of: Outages | None, whole: Fleet | None, day: int = 70) -> set[int]:
        return {one - DAY_0 for one in Seen(customer, view, of, DAY_0 + day).unseen(whole, REACH)}

    assert unseen(None, None) == set()
    assert unseen(None, fleet(DAY_0 + 50)) == {50}
    assert unseen(blind, fleet(DAY_0 + 50)) == {50, 61, 62}
    # What no window reaches is not asked for.
    assert unseen(blind, None, 63 + REACH) == {61, 62}
    assert unseen(blind, None, 64 + REACH) == set()


@pytest.mark.parametrize("seed", range(20))
def test_what_is_remembered_is_what_is_found_anew(seed: int) -> None:
    """Sources come and go, and outages become known: a view that was asked before tells what a new one tells."""
    rng = Random(seed)
    customer = Customer("c", "t", ACME.type, ACME.value)
    view, lost = View(customer), dict[str, set[int]](web=set(), app=set())
    version = 0
    for day in range(30, 90):
        for _ in range(rng.choice((0, 0, 1, 2))):
            # Of the day that is over, or of one that begins, some of it late; now and then a profile tells all anew.
            of = day - rng.choice((1, 1, 0, 0, -2, 9))
            version += 1
            told = used(rng.choice("abc"), DAY_0 + of, rng.choice(["web", "web", "app"]), version)
            fold(customer, view, replace(told, full=rng.random() < 0.2))
        if rng.random() < 0.2:
            lost[rng.choice(["web", "app"])].add(day - 1)
        # Mostly of the instant that is settled, at times of one before.
        asked = DAY_0 + day - rng.choice((0, 0, 0, 3))
        known = outages(day, **lost)
        assert view.sources.of(customer, asked) == sources_of(customer, asked)
        found = Seen(customer, view, known, asked).unseen(None, REACH)
        assert found == Seen(customer, View(customer), known, asked).unseen(None, REACH)
