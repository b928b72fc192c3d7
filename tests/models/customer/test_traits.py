"""A trait has the newest value that any of the customer's profiles knows, as of any instant, in whatever order told."""

from __future__ import annotations

from itertools import permutations

import pytest

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.view import View, fold
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Trait

ACME = Identifier(IdentifierType.GROUP_ID, "acme")


def told(profile: str, version: int, at_ms: int, name: str, *, full: bool = False) -> ProfileState:
    """A profile that knows the account's name since ``at_ms``."""
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id=profile,
        subject=ACME,
        version=version,
        full=full,
        traits={"name": [Trait(name, at_ms, 7, "crm")]},
        arrived_ms=0,
    )


RECORDS = (told("p1", 1, 10, "Acme Ltd"), told("p2", 1, 30, "Globex"), told("p3", 1, 20, "Acme Inc"))


@pytest.mark.parametrize("records", list(permutations(RECORDS)))
def test_the_newest_value_as_of_an_instant(records: tuple[ProfileState, ...]) -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    for record in records:
        fold(customer, view, record)
        # Asked in between, so that what is kept has to be kept right.
        assert "name" in view.traits(customer)
    assert view.traits(customer)["name"].value == "Globex"
    found = [view.traits_at(customer, ("name", "owner"), at_ms) for at_ms in (9, 10, 19, 20, 29, 30)]
    names = [traits["name"].value if traits else None for traits in found]
    assert names == [None, "Acme Ltd", "Acme Ltd", "Acme Inc", "Acme Inc", "Globex"]


def test_a_profile_that_says_all_anew_takes_its_old_values_along() -> None:
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    for record in RECORDS:
        fold(customer, view, record)
    assert view.traits(customer)["name"].value == "Globex"
    fold(customer, view, told("p2", 2, 15, "Globex early", full=True))
    assert view.traits(customer)["name"].value == "Acme Inc"
