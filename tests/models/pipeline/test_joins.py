"""Who joins an account is known to it from then on, by whatever was told before, however records were batched."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.pipeline import Pipeline
from support.histories import POLICY
from support.raw import at, track
from support.standings import in_time, told
from support.told import Told, drive, records

ACME = {"group_id": "acme"}


def story(*, known: bool) -> list[dict[str, Any]]:
    """The CRM knows Ann since day 2; on day 9 she joins Acme, where Bob may have been from day 0 on."""
    ann = told("contact.upserted", 2.5, "known", {"user_id": "ann"}, name="Ann", role="admin")
    joins = told("contact.upserted", 9.5, "joins", {**ACME, "user_id": "ann"}, role="key_person")
    bob = [
        track("query", at(day, 40_000), f"bob-{day}", user="bob", context={"groupId": "acme"})
        for day in range(20)
        if known
    ]
    clock = [track("view", at(day, 80_000), f"clock-{day}", user="clock") for day in range(20)]
    return in_time([ann, joins, *bob, *clock])


def of_acme(pipeline: Pipeline, found: Told) -> list[Any]:
    """What is told of Acme, and its record."""
    (acme,) = (one.customer_id for one in pipeline.customers.customers.values() if one.anchor_value == "acme")
    rows = [row for told in found.values() for row in told if row.get("customer_id") == acme]
    return [*rows, records(pipeline)[acme]]


@pytest.mark.parametrize("known", [False, True], ids=["new account", "known account"])
def test_an_account_knows_of_who_joins_it_from_that_day_on(known: bool) -> None:
    bodies = story(known=known)
    expected = of_acme(*drive(bodies, POLICY))
    first = min(row["occurred_at"] for row in expected[:-1] if row.get("state") == "lifecycle")
    assert first == ("2025-01-07T00:00:00Z" if known else "2025-01-16T00:00:00Z")
    for chunks in ([1] * len(bodies), [5] * len(bodies), [len(bodies) // 2]):
        assert of_acme(*drive(bodies, POLICY, chunks=chunks)) == expected
