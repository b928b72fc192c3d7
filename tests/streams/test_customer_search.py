"""Which customers a few words may mean, by their records and by who owns which identifier."""

from __future__ import annotations

from datetime import UTC, datetime

from ebbtide.models.identity.identifiers import canonical_id, identifier_of
from ebbtide.schemas.customer_record import CustomerRecord, Field
from ebbtide.schemas.identity import AccountOf, IdentityAssignment
from ebbtide.streams.customer_search import matches, owners_of

NOW = datetime(2025, 1, 6, tzinfo=UTC)


def record(anchor: str, name: str | None, *, tenant: str = "default") -> CustomerRecord:
    named = identifier_of(anchor)
    field = Field(value=name, as_of=NOW, source="crm")
    customer_id = canonical_id(tenant, named)
    return CustomerRecord(
        tenant=tenant, customer_id=customer_id, anchor=named, version=1, as_of=NOW, fields={"name": field}
    )


def assigned(key: str, owner: str, *accounts: str, domain: str | None = None) -> IdentityAssignment:
    anchor = identifier_of(owner)
    found = [AccountOf(account.partition("/")[2], identifier_of(account), [(0, None)]) for account in accounts]
    claim = None if domain is None else identifier_of(domain)
    return IdentityAssignment(
        "default", identifier_of(key), anchor, canonical_id("default", anchor), 1, 0, 0, found, claim
    )


def ids(*anchors: str) -> list[str]:
    return [canonical_id("default", identifier_of(anchor)) for anchor in anchors]


BOOK = [record("group_id/acme", "Acme Ltd"), record("group_id/a-2", "Acme Labs"), record("group_id/acme-eu", None)]


def test_a_name_or_an_identifier_in_full_goes_before_a_part_of_one() -> None:
    exact, partial = matches("default", "acme", BOOK, [])
    assert list(exact) == ids("group_id/acme")
    assert list(partial) == ids("group_id/a-2", "group_id/acme-eu")
    assert (exact[ids("group_id/acme")[0]], partial[ids("group_id/a-2")[0]]) == (
        "identifier group_id/acme",
        "named Acme Labs",
    )


def test_case_does_not_matter() -> None:
    exact, partial = matches("default", "ACME labs", BOOK, [])
    assert (list(exact), partial) == (ids("group_id/a-2"), {})


def test_other_tenants_are_not_searched() -> None:
    assert matches("default", "acme", [record("group_id/acme", "Acme", tenant="other")], []) == ({}, {})
    assert matches("other", "jane", [], [assigned("user_id/jane", "user_id/jane")]) == ({}, {})


def test_the_value_of_an_identifier_leads_to_its_owner_and_to_the_accounts_of_the_person() -> None:
    one = assigned("email/jane@acme.example", "user_id/jane", "group_id/acme", domain="domain/acme.example")
    exact, partial = matches("default", "Jane@acme.example", [], [one, assigned("email/jane", "user_id/other")])
    assert list(exact) == ids("user_id/jane", "group_id/acme", "domain/acme.example") == owners_of(one)
    assert set(exact.values()) == {"email/jane@acme.example acts for it"}
    assert partial == {}


def test_nothing_matches() -> None:
    assert matches("default", "initech", BOOK, [assigned("user_id/u1", "user_id/u1")]) == ({}, {})
