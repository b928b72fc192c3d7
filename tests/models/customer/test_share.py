"""What is kept of one profile's part once the numbers of its days are forgotten."""

from __future__ import annotations

import pytest

from support.customers import bucket, share
from support.raw import DAY_0

UNKNOWN = [1, 0, 0, 0, 0, -1, -1, -1, -1]
"""A day whose times of day are not stored any more."""


def test_a_forgotten_day_was_active_and_its_last_times_are_known() -> None:
    own = share("user_id/ann", {3: bucket(2, logins=1, queries=1, second=60), 5: bucket(1, second=90)})
    own.forget([DAY_0 + 3, DAY_0 + 4, DAY_0 + 5])
    assert (own.days, own.old_days, own.old_core) == ({}, [DAY_0 + 3, DAY_0 + 5], [DAY_0 + 3])
    assert (own.old_last, own.old_login) == ((DAY_0 + 5) * 86_400 + 90, (DAY_0 + 3) * 86_400 + 60)
    assert own.old_sums == own.totals[:5]


def test_times_that_are_not_known_take_nothing_back() -> None:
    own = share("user_id/ann", {3: bucket(1, logins=1, second=60), 5: UNKNOWN})
    own.forget([DAY_0 + 3, DAY_0 + 5])
    assert (own.old_last, own.old_login) == ((DAY_0 + 3) * 86_400 + 60,) * 2


def test_a_core_day_is_noted_once() -> None:
    own = share("user_id/ann", {3: bucket(2, queries=1), 5: bucket(2, queries=1)})
    own.forget([DAY_0 + 5, DAY_0 + 3])
    own.note(DAY_0 + 3, bucket(3, queries=2))
    assert own.old_core == [DAY_0 + 3, DAY_0 + 5]


@pytest.mark.parametrize(("day", "last"), [(3, None), (4, 3), (6, 5), (8, 5), (9, 8), (12, 8)])
def test_the_last_day_may_be_a_forgotten_one(day: int, last: int | None) -> None:
    own = share("user_id/ann", {3: bucket(), 5: bucket(), 8: bucket()})
    own.forget([DAY_0 + 3, DAY_0 + 5])
    assert own.last_day(DAY_0 + day) == (None if last is None else DAY_0 + last)


def test_days_that_are_given_up_are_known_no_more() -> None:
    own = share("user_id/ann", {3: bucket(queries=1), 5: bucket(), 8: bucket(queries=1)})
    own.forget([DAY_0 + 3, DAY_0 + 5, DAY_0 + 8])
    assert own.disown(DAY_0 + 5) == ([DAY_0 + 3], [DAY_0 + 3])
    assert own.disown(DAY_0 + 5) == ([], [])
    assert (own.old_days, own.old_core) == ([DAY_0 + 5, DAY_0 + 8], [DAY_0 + 8])
    assert [own.has_forgotten(DAY_0 + day) for day in (3, 5, 6, 9)] == [False, True, False, False]


def test_a_forgotten_day_may_be_newer_than_one_that_is_kept_for_its_money() -> None:
    own = share("user_id/ann", {3: bucket(orders=1, revenue=5), 8: bucket()})
    own.forget([DAY_0 + 8])
    assert [own.last_day(DAY_0 + day) for day in (3, 4, 8, 9)] == [None, DAY_0 + 3, DAY_0 + 3, DAY_0 + 8]


def test_old_uses_are_added_up_by_weeks_once() -> None:
    own = share("user_id/ann", {})
    own.uses = {DAY_0 + day: {"reports": 1} for day in (1, 8, 9, 15, 22)}
    own.sources = {DAY_0 + day: ["web"] for day in (8, 22)}
    weeks = {DAY_0 + 7: {"reports": 2}, DAY_0 + 14: {"reports": 1}, DAY_0 + 22: {"reports": 1}}
    for _ in range(2):
        own.forget_uses(DAY_0 + 21, DAY_0 + 7)
        assert (own.uses, own.uses_from, own.sources) == (weeks, DAY_0 + 21, {DAY_0 + 22: ["web"]})
