"""What is kept of when people were active last is what is found anew, whatever came and whenever it is asked."""

from __future__ import annotations

from random import Random

import pytest

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.share import STRANGERS
from ebbtide.models.customer.view import View, fold
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState

ACME = Identifier(IdentifierType.GROUP_ID, "acme")
DAY = 20_000
KINDS = (IdentifierType.USER_ID, IdentifierType.EMAIL, IdentifierType.ANONYMOUS_ID)


def record(rng: Random, day: int, version: int) -> ProfileState:
    """News of one of a few profiles around a day: mostly of the day that is over, at times of others, of all, or of
    none, because it went away."""
    number = rng.randrange(6)
    kind = rng.choice(("news", "news", "news", "news", "full", "detached"))
    days = {} if kind == "detached" else {day - rng.choice((1, 1, 1, 0, -2, 3, 20)) for _ in range(rng.randint(0, 2))}
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id=f"p{number}",
        subject=Identifier(KINDS[number % 3], str(number)),
        version=version,
        full=kind != "news",
        detached=kind == "detached",
        days={day: [1, 0, 0, 0, 0, 1, 1, -1, -1] for day in days},
        arrived_ms=0,
    )


@pytest.mark.parametrize("seed", range(40))
def test_what_is_kept_is_what_is_found_anew(seed: int) -> None:
    rng = Random(seed)
    customer = Customer("c", "t", ACME.type, ACME.value)
    view = View(customer)
    for version in range(120):
        day = DAY + version // 3
        fold(customer, view, record(rng, day, version))
        if rng.random() < 0.2:
            continue
        # Now and then of an instant that is over, or that nothing is known of yet.
        asked = day + rng.choice((0, 0, 0, 0, -1, -9, 1, 4))
        shares = {key: share for key, share in customer.shares.items() if not share.detached}
        last_days = {key: share.last_day(asked) for key, share in shares.items()}
        if rng.random() < 0.5:
            assert {key: view.last_days.of(customer, key, share, asked) for key, share in shares.items()} == last_days
        assert view.last_days.ascending(customer, asked) == sorted(
            last
            for key, last in last_days.items()
            if last is not None and customer.shares[key].subject_type not in STRANGERS
        )
        assert {id(days) for days in view.people(customer)} >= {
            id(share.days) for share in shares.values() if share.days
        }
        assert all(any(days is share.days for share in shares.values()) for days in view.people(customer) if days)
        assert sorted(view.last_days.since(customer, asked, day - 5)) == sorted(
            (key, last)
            for key, last in last_days.items()
            if last is not None and last >= day - 5 and customer.shares[key].subject_type not in STRANGERS
        )
