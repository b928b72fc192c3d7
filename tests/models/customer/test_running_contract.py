"""The contract that a customer is scored under: told by the CRM, as of the instant. Day 0 is a Monday."""

from __future__ import annotations

from math import expm1
from typing import Any

import pytest

from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.decisions import PACKED
from ebbtide.models.policy import CorePolicy, LabelPolicy
from support.raw import DAY_0, at, in_account, iso, track
from support.standings import Told, told

ACME = {"group_id": "acme"}
UNDER_CONTRACT = NAMES[NAMES.index("people_14d") :]


def used(*people: tuple[str, int]) -> list[dict[str, Any]]:
    """Each person is active every day until its last."""
    return [
        track("query", at(day, 43_200), f"q-{person}-{day}", **{**in_account("acme"), "userId": person})
        for person, last in people
        for day in range(1, last + 1)
    ]


def signed(day: float, start: float, end: float, number: int = 1) -> dict[str, Any]:
    term = {"contract_id": f"c-{number}", "start": iso(at(start)), "end": iso(at(end))}
    return told("contract.signed", day, f"s-{number}", ACME, **term)


def closed(day: float, outcome: str) -> dict[str, Any]:
    return told("renewal.closed", day, "r-1", ACME, outcome=outcome)


def seen(facts: list[dict[str, Any]], until: int, policy: CorePolicy | None = None) -> dict[int, tuple[int, ...]]:
    """By instant of observation: per cent of people, length of the term, what is left of it, and renewals due."""
    customer = Told([*used(("ann", 40), ("bob", 20)), *facts], until, policy).customer("acme")
    found = {}
    for frozen in customer.observations:
        vector = dict(zip(NAMES, PACKED.unpack(frozen.features), strict=True))
        found[frozen.day - DAY_0] = tuple(round(expm1(vector[name])) for name in UNDER_CONTRACT)
    return found


def test_it_holds_from_the_instant_after_it_was_signed() -> None:
    found = seen([signed(8.5, 0, 120)], 42)
    assert found[7] == (0, 0, 0, 0)
    assert (found[14], found[35]) == ((100, 120, 106, 0), (50, 120, 85, 1))


@pytest.mark.parametrize(
    ("news", "row"),
    [
        ([], (50, 30, 5, 3)),
        ([closed(31.5, "churned")], (0, 0, 0, 0)),
        # It goes on for another term until the next is signed.
        ([closed(31.5, "renewed")], (50, 30, 35, 2)),
        ([closed(31.5, "renewed"), signed(32.5, 40, 400, 2)], (50, 360, 365, 0)),
    ],
    ids=["open", "cancelled", "renewed", "signed anew"],
)
def test_what_becomes_of_it_counts_from_the_instant_after(news: list[dict[str, Any]], row: tuple[int, ...]) -> None:
    found = seen([signed(8.5, 10, 40), *news], 42)
    assert found[28] == (100, 30, 12, 3)
    assert found[35] == row


def test_where_inactivity_alone_is_churn_no_contract_counts() -> None:
    policy = CorePolicy(label=LabelPolicy(kind="inactivity"))
    assert set(seen([signed(8.5, 10, 40)], 42, policy).values()) == {(0, 0, 0, 0)}


def test_strangers_and_who_never_came_are_none_of_its_people() -> None:
    facts = [
        signed(8.5, 0, 120),
        told("contact.upserted", 9.5, "c-1", {**ACME, "user_id": "eve"}, role="admin"),
        *[
            {
                **track("query", at(day, 3_600), f"x-{day}", **in_account("acme")),
                "userId": None,
                "anonymousId": "device",
            }
            for day in range(10, 15)
        ],
    ]
    assert seen(facts, 42)[35] == (50, 120, 85, 1)


def test_of_nobody_who_came_lately_everybody_still_comes() -> None:
    found = seen([signed(8.5, 0, 365)], 126)
    assert found[105] == (0, 365, 260, 0)
    assert found[119] == (100, 365, 246, 0)
