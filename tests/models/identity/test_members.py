"""Who is in which account, since when, and until when as far as is known."""

from __future__ import annotations

from itertools import permutations

import pytest

from ebbtide.models.identity.members import Members
from ebbtide.models.identity.membership import Membership, heard
from ebbtide.schemas.identity import MembershipKind

SEEN = MembershipKind.SEEN
U, G, H = "user_id/u", "g", "h"


def test_first_and_last_day_in_any_order() -> None:
    for days in permutations((3, 5, 9, 5)):
        members = Members()
        for day in days:
            members.add(U, G, heard(SEEN, day))
        assert list(members.seen(U)) == [(G, 3, 9)]
        assert members.groups([U]) == {G: Membership(3)}
        assert members.first_day(U, G) == 3


def test_leaving_is_no_use() -> None:
    for told in permutations(((SEEN, 3), (MembershipKind.LEFT, 9), (MembershipKind.BACK, 12))):
        members = Members()
        for kind, day in told:
            members.add(U, G, heard(kind, day))
        assert list(members.seen(U)) == [(G, 3, 3)]


def test_what_is_known_is_not_written_again() -> None:
    members = Members()
    written = []
    for day in (3, 9, 3, 9, 7, 2):
        members.add(U, G, heard(SEEN, day))
        written.append(len(list(members.take_writes())))
    assert written == [1, 1, 0, 0, 0, 1]


@pytest.mark.parametrize("last", [3, 9])
def test_a_restart_knows_it(last: int) -> None:
    members = Members()
    for group, day in ((G, 3), (G, last), (H, 4)):
        members.add(U, group, heard(SEEN, day))
    members.add("user_id/other", G, heard(SEEN, 1))
    again = Members()
    for key, value in members.take_writes():
        again.restore(key, value)
    assert list(again.seen(U)) == list(members.seen(U)) == [(G, 3, last), (H, 4, 4)]
    assert again.people(G) == {U, "user_id/other"}
    assert list(again.in_several) == [U]
    assert sorted(again.known_groups()) == [G, H]
    assert list(again.take_writes()) == []


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="membership layout b'\\\\x03' of b'user_id/u' is unknown"):
        Members().restore(U.encode(), b"\x03")
