"""Who is who: the cases of identity stitching, each in thirty orders of arrival with duplicates."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta

import pytest

from ebbtide.models.identity.identifiers import identifier_of
from ebbtide.models.intake.accept import RawMessage
from ebbtide.models.pipeline import RAW, Pipeline
from ebbtide.models.policy import CorePolicy, IdentityPolicy
from ebbtide.schemas.base import to_ms
from ebbtide.schemas.identity import IdentityOperation
from ebbtide.streams.entities import accounts, persons
from support.identity_cases import CASES, DECIDED, NOBODY, Body, shuffles, story
from support.raw import DAY_0, NOW, at, fact, iso


def feed(
    bodies: Iterable[Body], decisions: Iterable[IdentityOperation] = (), *, policy: CorePolicy | None = None
) -> Pipeline:
    """A replay of the bodies, with decisions by hand after the first half of them."""
    pipeline = Pipeline(CorePolicy() if policy is None else policy)
    raw = [
        RawMessage(RAW, 0, offset, None, json.dumps(body).encode(), to_ms(NOW)) for offset, body in enumerate(bodies)
    ]
    half = len(raw) // 2
    list(pipeline.feed(raw[:half], now=NOW))
    list(pipeline.decide(decisions))
    list(pipeline.feed(raw[half:], now=NOW))
    list(pipeline.close(at(2)))
    return pipeline


def people(pipeline: Pipeline) -> dict[frozenset[str], int]:
    """Events by the values of a person's identifiers."""
    return {
        frozenset(identifier["value"] for identifier in person["identifiers"]): person["events"]
        for person in persons(pipeline)
    }


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    told, expected = CASES[name]
    for mixed in shuffles(told.bodies):
        assert people(feed(mixed)) == {frozenset(values): events for values, events in expected.items()}


def groups(pipeline: Pipeline) -> dict[frozenset[str], tuple[list[str], int]]:
    """Names and events by the values of an account's identifiers; accounts that hold anything."""
    customers, found = pipeline.customers.customers, {}
    for account in accounts(pipeline, {}):
        shares = [s for s in customers[account["customer_id"]].shares.values() if not s.detached]
        if shares:
            values = frozenset(identifier["value"] for identifier in account["identifiers"])
            found[values] = [row["name"] for row in account["names"]], sum(share.accepted for share in shares)
    return found


def test_a_renamed_account_stays_one_with_the_history_of_its_names() -> None:
    told = (
        story()
        .fact("account.upserted", {"group_id": "g1", "domain": "acme.com"}, name="Acme Ltd")
        .track(userId="U1", context={"groupId": "g1"})
        .fact("account.upserted", {"group_id": "g1", "domain": "globex.com"}, name="Globex")
    )
    for mixed in shuffles(told.bodies):
        assert groups(feed(mixed)) == {frozenset({"g1", "acme.com", "globex.com"}): (["Acme Ltd", "Globex"], 3)}


@pytest.mark.parametrize("name", DECIDED)
def test_case_decided_by_hand(name: str) -> None:
    """The events before and after a decision, in any order, are as if it had been known from the start."""
    case = DECIDED[name]
    decisions = [
        IdentityOperation(
            "default",
            f"o{n}",
            kind,
            identifier_of(one),
            NOW + timedelta(seconds=n),
            "jo",
            "seen",
            None if other is None else identifier_of(other),
        )
        for n, (kind, one, other) in enumerate(case.decisions)
    ]
    for mixed in shuffles(case.story.bodies):
        for known, expected in (([], case.before), (decisions, case.after)):
            pipeline = feed(mixed, known)
            who = {values: n for values, (_, n) in groups(pipeline).items()} if case.accounts else people(pipeline)
            assert who == {frozenset(values): events for values, events in expected.items()}


def test_who_names_nobody_is_counted() -> None:
    told = story().identify(userId=NOBODY).identify(userId=NOBODY, anonymousId="A1")
    for mixed in shuffles(told.bodies):
        pipeline = feed(mixed)
        assert people(pipeline) == {frozenset({"A1"}): 1}
        alone = [body for body in mixed if "anonymousId" not in body]
        assert (pipeline.intake.ignored, pipeline.read) == ({"unresolved": len(alone)}, len(mixed))


def test_one_person_in_two_accounts_joins_neither_to_the_other() -> None:
    told = (
        story()
        .track(userId="U1", context={"groupId": "g1"})
        .track(userId="U1", context={"groupId": "g2"})
        .track(userId="U1", context={"groupId": "g2"})
    )
    for mixed in shuffles(told.bodies):
        pipeline = feed(mixed)
        assert people(pipeline) == {frozenset({"U1"}): 3}
        assert {key: events for key, (_, events) in groups(pipeline).items()} == {
            frozenset({"g1"}): 1,
            frozenset({"g2"}): 2,
        }


def test_tenants_are_worlds_apart() -> None:
    told = story()
    for tenant in ("T1", "T2"):
        told.bodies += [
            {**body, "tenant": tenant}
            for body in story().track(anonymousId="A1").identify(userId="U1", anonymousId="A1").bodies
        ]
    for mixed in shuffles(told.bodies):
        found = [(person["person_id"], person["events"]) for person in persons(feed(mixed))]
        assert [events for _, events in found] == [2, 2]
        assert len({person for person, _ in found}) == 2


def owners_by_day(bodies: list[Body]) -> set[tuple[str, int, int]]:
    """Value of the customer's anchor, day, and profiles that count there by the domain of an e-mail alone."""
    pipeline = feed(bodies)
    list(pipeline.close(at(9)))
    shard = pipeline.customers
    return {
        (customer.anchor_value, day - DAY_0, shard.record(customer).fields["profiles_by_domain"].value)
        for customer in shard.customers.values()
        for day in shard.view(customer).series.days
    }


ACME = fact("account.upserted", at(3), "a1", {"group_id": "acme", "domain": "acme.com"}, name="Acme")
OTHER = fact("account.upserted", at(4), "a2", {"group_id": "other", "domain": "acme.com"}, name="Other")


@pytest.mark.parametrize(
    ("email", "facts", "expected"),
    [
        # The visitor, and the e-mail that it turned out to be.
        ("jane@acme.com", [ACME], {("acme", 0, 2), ("acme", 1, 2)}),
        ("jane@acme.com", [], {("jane@acme.com", 0, 0), ("jane@acme.com", 1, 0)}),
        # Whose the domain is nobody can say.
        ("jane@acme.com", [ACME, OTHER], {("jane@acme.com", 0, 0), ("jane@acme.com", 1, 0)}),
        ("jane@gmail.com", [ACME], {("jane@gmail.com", 0, 0), ("jane@gmail.com", 1, 0)}),
    ],
)
def test_the_account_of_a_domain_has_who_is_in_none(
    email: str, facts: list[Body], expected: set[tuple[str, int, int]]
) -> None:
    told: list[Body] = [
        {"type": "track", "event": "x", "messageId": "m0", "anonymousId": "A1", "timestamp": iso(at(0, 9))},
        {
            "type": "identify",
            "anonymousId": "A1",
            "traits": {"email": email},
            "messageId": "m1",
            "timestamp": iso(at(1)),
        },
        {
            "type": "track",
            "event": "x",
            "messageId": "m2",
            "context": {"traits": {"email": email}},
            "anonymousId": "A1",
            "timestamp": iso(at(1, 9)),
        },
        *facts,
    ]
    for mixed in shuffles(told):
        assert owners_by_day(mixed) == expected


def test_a_membership_says_more_than_a_domain() -> None:
    mail = {"traits": {"email": "jane@acme.com"}}
    told: list[Body] = [
        {"type": "track", "event": "x", "messageId": "m0", "userId": "U1", "context": mail, "timestamp": iso(at(0, 9))},
        {
            "type": "track",
            "event": "x",
            "messageId": "m1",
            "userId": "U1",
            "context": {**mail, "groupId": "beta"},
            "timestamp": iso(at(2, 9)),
        },
        {"type": "track", "event": "x", "messageId": "m2", "userId": "U1", "timestamp": iso(at(4, 9))},
        ACME,
    ]
    for mixed in shuffles(told):
        assert owners_by_day(mixed) == {("acme", 0, 1), ("beta", 2, 0), ("beta", 4, 0)}


def test_who_left_an_account_counts_for_it_until_that_day_and_from_the_day_of_being_back() -> None:
    ids = {"crm_contact_id": "C1", "email": "jane@x.com", "group_id": "g1"}
    told: list[Body] = [
        {"type": "track", "event": "x", "messageId": f"d{day}", "anonymousId": "A1", "timestamp": iso(at(day, 9))}
        for day in range(7)
    ]
    told += [
        {
            "type": "identify",
            "anonymousId": "A1",
            "traits": {"email": "jane@x.com"},
            "messageId": "i",
            "timestamp": iso(at(6, 10)),
        },
        fact("contact.upserted", at(1), "f1", ids, role="admin"),
        fact("contact.left", at(2), "f2", ids),
        fact("contact.upserted", at(5), "f3", ids, role="admin"),
        fact("contact.upserted", at(6), "f4", ids, role="admin"),
    ]
    for mixed in shuffles(told):
        pipeline = feed(mixed)
        list(pipeline.close(at(9)))
        days = {
            (customer.anchor_value, day - DAY_0)
            for customer in pipeline.customers.customers.values()
            for day in pipeline.customers.view(customer).series.days
        }
        assert days == {("C1", 0), ("g1", 1), ("g1", 2), ("C1", 3), ("C1", 4), ("g1", 5), ("g1", 6)}


def test_anonymous_activity_counts_for_the_account_from_the_first_day_in_it() -> None:
    told = [
        {"type": "track", "event": "x", "messageId": f"d{day}", "anonymousId": "A1", "timestamp": iso(at(day))}
        for day in range(4)
    ]
    told += [
        {"type": "identify", "userId": "U1", "anonymousId": "A1", "messageId": "i", "timestamp": iso(at(3.2))},
        {"type": "group", "userId": "U1", "groupId": "g1", "messageId": "g", "timestamp": iso(at(2.5))},
    ]
    for mixed in shuffles(told):
        pipeline = feed(mixed, policy=CorePolicy(identity=IdentityPolicy()))
        list(pipeline.close(at(6)))
        days = {
            (customer.anchor_value, day)
            for customer in pipeline.customers.customers.values()
            for day in pipeline.customers.view(customer).series.days
        }
        first = min(day for _, day in days)
        assert {(anchor, day - first) for anchor, day in days} == {("U1", 0), ("U1", 1), ("g1", 2), ("g1", 3)}
