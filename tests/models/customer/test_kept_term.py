"""What is kept of a contract's term is what is found anew, whatever is told of it and whenever it is asked."""

from __future__ import annotations

from random import Random

import pytest

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.running_contract import running_contract
from ebbtide.models.customer.view import View, fold
from ebbtide.models.standing.contracts import END, START
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Trait
from support.raw import DAY_0, at, iso

ACME = Identifier(IdentifierType.GROUP_ID, "acme")
DAY = DAY_0


Traits = dict[str, list[Trait]]


def record(rng: Random, day: int, version: int, known: dict[str, Traits]) -> ProfileState:
    """News of one of two profiles: sometimes of a signature, of all that it knows, or that it went away."""
    profile, kind = rng.choice("pq"), rng.choice(("news", "news", "news", "news", "full", "detached"))
    told_ms = (DAY + day + rng.choice((0, 0, 1, -3))) * DAY_MS + version
    traits = {} if kind != "news" else known[profile]
    if kind != "detached" and rng.random() < 0.4:
        for name, when in ((START, rng.randint(0, 20)), (END, rng.randint(40, 90))):
            told = Trait(iso(at(when)), told_ms, version, "crm")
            traits = {**traits, name: sorted([*traits.get(name, []), told], key=lambda value: value.at_ms)}
    is_news = kind == "news" and traits == known[profile]
    known[profile] = traits
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id=profile,
        subject=ACME,
        version=version,
        full=kind != "news",
        detached=kind == "detached",
        traits={} if is_news else traits,
        arrived_ms=0,
    )


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_is_what_is_found_anew(seed: int) -> None:
    rng, known = Random(seed), dict[str, Traits](p={}, q={})
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    for version in range(90):
        day = version // 3
        fold(customer, view, record(rng, day, version, known))
        asked = DAY + day + rng.choice((0, 0, 1, 5, -2))
        assert running_contract(customer, view, asked, 28) == running_contract(customer, View(customer), asked, 28)
