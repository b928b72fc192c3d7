"""Which values name somebody, and who is the subject."""

from __future__ import annotations

from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.identity.identifiers import (
    NAMESPACE,
    canonical_id,
    identifier,
    named_id,
    profile_id,
    strongest,
)
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key

T = IdentifierType
BLOCKED = ["", " ", "0", "000", "00000000-0000", "0 0", "-", "-1", "null", "NULL", "None", "nil", "NaN", "undefined"]
BLOCKED += ["anonymous", "Guest", "true", "FALSE", "id", "email", "distinct_id", "[object Object]", "'null'", '" -1 "']


@pytest.mark.parametrize("value", BLOCKED)
@pytest.mark.parametrize("kind", list(IdentifierType))
def test_blocked_values_name_nobody(kind: IdentifierType, value: str) -> None:
    assert identifier(kind, value) is None


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (T.USER_ID, ' "U1" ', "U1"),
        (T.ANONYMOUS_ID, "Aa", "Aa"),
        (T.EMAIL, " Jane@X.COM ", "jane@x.com"),
        (T.DOMAIN, "Acme.Example", "acme.example"),
        (T.USER_ID, "0-1", "0-1"),
        (T.EMAIL, "Info@acme.com", None),
        (T.EMAIL, "noreply@acme.com", None),
        (T.DOMAIN, "GMail.com", None),
        (T.EMAIL, "jane@gmail.com", "jane@gmail.com"),
        (T.PHONE, "x" * 1_025, None),
    ],
)
def test_values_are_trimmed_unquoted_and_folded(kind: IdentifierType, raw: str, value: str | None) -> None:
    found = identifier(kind, raw)
    assert (found.value if found else None) == value


def test_the_strongest_identifier_is_the_subject() -> None:
    named = [Identifier(type=kind, value="x") for kind in reversed(IdentifierType)]
    while named:
        assert strongest(named) == named.pop()
    assert strongest([]) is None
    small, great = (Identifier(type=T.ANONYMOUS_ID, value=value) for value in "ab")
    assert strongest([great, small]) == small


def test_ids_are_functions_of_tenant_and_value() -> None:
    user = Identifier(type=T.USER_ID, value="u1")
    group = Identifier(type=T.GROUP_ID, value="u1")
    assert subject_key("t", user) == "t/user_id/u1"
    assert group.key == "group_id/u1"
    ids = {canonical_id(tenant, who) for tenant in ("t1", "t2") for who in (user, group)}
    ids |= {profile_id(subject_key(tenant, who)) for tenant in ("t1", "t2") for who in (user, group)}
    assert len(ids) == 8


def test_a_slash_in_a_tenant_does_not_reach_into_another() -> None:
    ours, theirs = Identifier(type=T.USER_ID, value="email/x"), Identifier(type=T.EMAIL, value="x")
    assert subject_key("t", ours) != subject_key("t/user_id", theirs)
    assert canonical_id("t", ours) != canonical_id("t/user_id", theirs)
    assert subject_key("a/b", theirs) != subject_key("a%2Fb", theirs)


@given(st.text())
def test_an_id_is_the_name_based_uuid_of_its_name(name: str) -> None:
    assert named_id(name) == str(uuid5(NAMESPACE, name))
