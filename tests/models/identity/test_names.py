"""Names of accounts: the earliest of each, whatever the order of arrival, and whose they are."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.identity.names import MOST_NAMES, AccountNames, Names, folded, note_name
from support.identity_laws import names_in_any_order

ACME, GLOBEX = "group_id/acme", "crm_account_id/001"


def bearers(names: AccountNames, name: str) -> list[tuple[int, str]]:
    return list(names.bearers(name))


@pytest.mark.parametrize(
    ("one", "other"), [("Acme Ltd", " acme LTD\t"), ("STRASSE", "straße"), ("ACME", "acme")], ids=repr
)
def test_names_are_alike_whatever_their_case_and_the_space_around_them(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("Acme Ltd", "Acme  Ltd"), ("Acme", "Acme."), ("", "a")], ids=repr)
def test_all_else_tells_them_apart(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def test_the_earliest_time_of_a_name_is_news() -> None:
    names: Names = {}
    assert [note_name(names, "acme", at_ms) for at_ms in (5, 5, 9, 3, 4)] == [True, False, False, True, False]
    assert names == {"acme": 3}


def test_of_many_names_the_earliest_stay() -> None:
    names: Names = {}
    assert all(note_name(names, f"{n:03}", n) for n in range(MOST_NAMES))
    assert not note_name(names, "later", 1_000)
    assert not note_name(names, f"{MOST_NAMES - 1:03}+", MOST_NAMES - 1)  # At the same time, but behind it by letters.
    assert note_name(names, "earlier", 0)
    assert set(names) == {"earlier", *(f"{n:03}" for n in range(MOST_NAMES - 1))}


def test_who_bears_a_name() -> None:
    names = AccountNames()
    for account, name, at_ms in ((GLOBEX, "Acme", 7), (ACME, " ACME", 9), (ACME, "Globex", 1), (ACME, "acme", 5)):
        names.add(account, name, at_ms)
    assert list(names.accounts()) == [GLOBEX, ACME]
    assert (set(names.of(ACME)), set(names.of("group_id/none"))) == ({"acme", "globex"}, set())
    assert bearers(names, "acmE ") == [(5, ACME), (7, GLOBEX)]
    assert bearers(names, "none") == []


def test_a_name_that_is_forgotten_is_nobodys() -> None:
    names = AccountNames()
    names.add(ACME, "last", 99)
    for n in range(MOST_NAMES):
        names.add(ACME, f"name {n}", n)
    assert bearers(names, "last") == []
    assert "last" not in names.of(ACME)


def test_only_what_changed_is_stored_and_all_of_it_is_restored() -> None:
    names, restored = AccountNames(), AccountNames()
    names.add(ACME, "Acme", 5)
    for key, value in names.take_writes():
        restored.restore(key, value)
    assert bearers(restored, "acme") == [(5, ACME)]
    names.add(ACME, "acme ", 6)
    assert list(names.take_writes()) == []
    names.add(ACME, "Globex", 6)
    assert [key for key, _ in names.take_writes()] == [ACME.encode()]
    assert list(restored.take_writes()) == []


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="names of b'group_id/acme' is unknown"):
        AccountNames().restore(ACME.encode(), b"\x7f")


@given(st.randoms(use_true_random=False))
def test_order_duplicates_and_restarts_do_not_matter(random: Random) -> None:
    names_in_any_order(random)
