"""What of a profile would grow without end does not."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.view import View, fold
from ebbtide.models.outputs import Output
from ebbtide.models.pipeline import Pipeline
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.parts import Owners, Part
from ebbtide.models.profile.profile import USE_DAYS, Profile, Slot, forget_uses
from ebbtide.schemas.profile_state import ProfileState
from support.raw import DAY_0, NOW, at, messages, track

MOST = 9 * 10**18


@pytest.mark.parametrize("name", ["view", "login"])
def test_uses_and_sources_are_those_of_the_newest_weeks(name: str) -> None:
    """A login is no use of a module, and has a source nevertheless."""
    bodies = [track(name, at(day), f"m{day}") for day in range(200)]
    pipeline = Pipeline(CorePolicy())
    for body in bodies:
        list(pipeline.feed(messages([body], pipeline.read), now=NOW))
    [profile] = [profile for profile in pipeline.profiles.profiles if profile.slots]
    [slot] = profile.slots.values()
    assert len(slot.days) == 200
    assert max(len(slot.uses), len(slot.sources)) <= 2 * USE_DAYS + 1


@pytest.mark.parametrize("day", [DAY_0, DAY_0 + 6])
def test_what_the_last_monday_asks_for_is_kept_to_the_next(day: int) -> None:
    slot = Slot(
        uses={used: {"a": 1} for used in range(day - 200, day)},
        sources={used: ["web"] for used in range(day - 200, day)},
    )
    forget_uses(Profile("t", "user_id", "u", slots={"": slot}), day)
    assert min(slot.uses) == min(slot.sources) == DAY_0 - USE_DAYS


def test_few_uses_are_kept_however_old() -> None:
    slot = Slot(uses={used: {"a": 1} for used in range(100)}, sources={used: ["web"] for used in range(100)})
    forget_uses(Profile("t", "user_id", "u", slots={"": slot}), DAY_0)
    assert len(slot.uses) == len(slot.sources) == 100


@pytest.mark.parametrize("sign", [1, -1])
def test_money_of_several_slots_fits_the_state_tables(sign: int) -> None:
    """A producer sends nonsense under three names of one account: that must stop nobody."""
    slots = {
        group: Slot(
            days={20_000: [1, 0, 0, 1, sign * MOST, 0, 0, -1, -1]}, totals=[1, 0, 0, 1, sign * MOST, 0], accepted=1
        )
        for group in ("g1", "g2", "g3")
    }
    profile = Profile("t", "user_id", "u", slots=slots)
    profile.accounts = {group: ("group_id/g1", [(20_000, None)]) for group in slots}
    part = Part(profile, "group_id/g1", Owners(profile))
    assert part.totals[4] == part.days()[20_000][4] == sign * MOST


def test_money_beyond_all_measure_is_stored() -> None:
    bodies = [
        track("order", at(day), f"m{day}-{n}", user=f"u{n % 3}", properties={"revenue": 1e12 * (1 - 2 * (day % 2))})
        for day in range(150)
        for n in range(15)
    ]
    pipeline = Pipeline(CorePolicy())
    outputs: list[Output] = [*pipeline.feed(messages(bodies), now=NOW), *pipeline.close(at(151))]
    assert outputs
    for customer in pipeline.customers.customers.values():
        assert encode(decode(encode(customer))) == encode(customer)


def test_of_one_day_there_are_so_many_sources() -> None:
    bodies: list[dict[str, Any]] = [
        track("view", at(1, n), f"m{n}", context={"source": f"s{n % 11:02}"}) for n in range(30)
    ]
    pipeline = Pipeline(CorePolicy())
    list(pipeline.feed(messages(bodies), now=NOW))
    [profile] = [profile for profile in pipeline.profiles.profiles if profile.slots]
    [slot] = profile.slots.values()
    assert slot.sources == {DAY_0 + 1: [f"s{n:02}" for n in range(8)]}


def test_a_source_is_told_as_it_was_then() -> None:
    """Days share the list of one source: another source of one day must not show on the others."""
    bodies = [track("view", at(day), f"m{day}", context={"source": "web"}) for day in range(3)]
    bodies.append(track("view", at(1, 5), "app", context={"source": "app"}))
    pipeline = Pipeline(CorePolicy())
    list(pipeline.feed(messages(bodies), now=NOW))
    [customer] = pipeline.customers.customers.values()
    [share] = customer.shares.values()
    assert share.sources == {DAY_0: ["web"], DAY_0 + 1: ["app", "web"], DAY_0 + 2: ["web"]}


def test_a_customer_of_huge_money_is_folded() -> None:
    customer = Customer("c", "t", "group_id", "acme")
    view = View(customer)
    for number in range(3):
        bucket = [1, 0, 0, 1, MOST, 0, 0, -1, -1]
        record = ProfileState(
            tenant="t",
            customer_id="c",
            anchor=customer.anchor,
            profile_id=f"p{number}",
            subject=customer.anchor,
            version=number,
            days={20_000: bucket},
            totals=[1, 0, 0, 1, MOST, 0],
            arrived_ms=0,
        )
        fold(customer, view, record)
    assert view.series.total(4, 20_001) == 3 * MOST
    assert encode(decode(encode(customer))) == encode(customer)
