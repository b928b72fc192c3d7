"""What is kept of one profile."""

from __future__ import annotations

import pytest

from ebbtide.models.customer.kept import kept
from ebbtide.models.customer.share import Share
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.profile_state import Trait

KEPT = kept(CorePolicy())._replace(days=10, active_days=3, money_days=20)
DAY = 86_400
USED = [4, 1, 2, 0, 0, 100, 200, 150, 160]
PAID = [1, 0, 0, 1, 5, 100, 200, -1, -1]
FREE = [1, 0, 0, 1, 0, 100, 200, -1, -1]
REFUND = [1, 0, 0, 0, -5, 100, 200, -1, -1]


def share(days: dict[int, list[int]]) -> Share:
    return Share("user_id", "u", days=days)


@pytest.mark.parametrize(
    ("active", "day", "before_day", "expected"),
    [
        # Nothing is older than ten days.
        ([92, 93, 94, 95, 96], 102, 0, []),
        ([91, 93, 94, 95, 96], 102, 0, [91]),
        # The newest three days before the instant are kept however old.
        ([1, 2, 3, 4], 102, 0, [1]),
        ([1, 2, 3], 102, 0, []),
        ([1, 2, 3, 101, 102, 103], 102, 0, [1]),
        ([1, 2, 3, 102, 103, 104], 102, 0, []),
        # Unless they are before a day of which nobody asks whose they were.
        ([1, 2, 3], 102, 3, [1, 2]),
        ([91, 92, 93], 102, 102, [91]),
        ([], 102, 102, []),
    ],
)
def test_days_that_no_window_asks_for(active: list[int], day: int, before_day: int, expected: list[int]) -> None:
    assert share(dict.fromkeys(active, USED)).past(day, KEPT, before_day) == expected


@pytest.mark.parametrize(("bucket", "stays"), [(PAID, True), (FREE, True), (REFUND, True), (USED, False)])
def test_days_with_orders_or_money_are_kept_for_longer(bucket: list[int], *, stays: bool) -> None:
    of_one = share({81: bucket, 82: bucket, **dict.fromkeys((98, 99, 100), USED)})
    assert of_one.past(102, KEPT, 0) == ([81] if stays else [81, 82])


def test_of_a_forgotten_day_it_is_known_that_it_was_active_and_when_last() -> None:
    of_one = share({1: USED, 2: PAID, 3: [1, 0, 0, 0, 0, -1, -1, -1, -1], 9: USED})
    of_one.thin_from = 5
    of_one.forget([1, 2, 3])
    assert (of_one.days, of_one.old_days, of_one.old_core) == ({9: USED}, [1, 2, 3], [1])
    assert (of_one.old_last, of_one.old_login) == (2 * DAY + 200, DAY + 160)
    assert of_one.thin_from == 5
    of_one.forget([9])
    assert (of_one.old_last, of_one.old_login, of_one.thin_from) == (9 * DAY + 200, 9 * DAY + 160, 0)
    assert [of_one.last_day(day) for day in (9, 10)] == [None, 9]


def test_an_older_day_never_moves_the_newest_times_back() -> None:
    of_one = share({1: USED})
    of_one.old_last, of_one.old_login = 5 * DAY, 4 * DAY
    of_one.forget([1])
    assert (of_one.old_last, of_one.old_login) == (5 * DAY, 4 * DAY)


def test_a_day_that_is_told_anew_is_known_again() -> None:
    of_one = share({1: USED, 2: PAID})
    of_one.forget([1, 2])
    of_one.put(1, USED)
    of_one.put(7, USED)
    assert (of_one.days, of_one.old_days, of_one.old_core) == ({1: USED, 7: USED}, [2], [])


def test_of_older_days_queries_are_known_and_their_number_not() -> None:
    of_one = share({1: USED, 2: PAID, 9: USED})
    assert of_one.thin(3) == [1, 2]
    assert of_one.days == {1: [4, 0, 1, 0, 0, 100, 200, -1, -1], 2: PAID, 9: USED}
    assert of_one.old_login == DAY + 160
    # What came late is not looked at again.
    of_one.put(1, USED)
    assert of_one.thin(3) == []
    assert of_one.thin(10) == [9]
    assert of_one.old_login == 9 * DAY + 160


def test_the_oldest_days_are_given_up() -> None:
    of_one = share(dict.fromkeys((1, 2, 3, 4), USED))
    of_one.forget([1, 2, 3, 4])
    of_one.old_core = [2, 3]
    assert of_one.disown(3) == ([1, 2], [2])
    assert (of_one.old_days, of_one.old_core) == ([3, 4], [3])


def test_uses_that_are_added_up_are_not_counted_again() -> None:
    of_one = share({})
    of_one.forget_uses(20_094, 28)
    assert of_one.uses_from == 0
    of_one.take_uses({20_000: {"a": 1}, 20_060: {"a": 1}, 20_090: {"a": 2}}, 0)
    of_one.forget_uses(20_094, 28)
    assert (of_one.uses, of_one.uses_from) == ({20_059: {"a": 1}, 20_090: {"a": 2}}, 20_066)
    of_one.take_uses({20_060: {"a": 9}, 20_065: {"a": 9}, 20_066: {"a": 3}, 20_090: {"a": 4}}, 0)
    assert of_one.uses == {20_059: {"a": 1}, 20_090: {"a": 4}, 20_066: {"a": 3}}
    of_one.take_uses({20_066: {"a": 5}, 20_090: {"a": 6}}, 20_073)
    assert (of_one.uses[20_066], of_one.uses[20_090]) == ({"a": 3}, {"a": 6})


def test_of_a_source_the_newest_day_is_known() -> None:
    of_one = share({})
    of_one.sources = {1: ["app", "web"], 2: ["web"], 3: ["crm"], 4: ["app", "web"]}
    of_one.forget_sources(4)
    # What was heard on the day itself may still be asked for without it.
    assert of_one.sources == {4: ["app", "web"], 3: ["crm"], 2: ["web"], 1: ["app"]}
    of_one.forget_sources(5)
    assert of_one.sources == {4: ["app", "web"], 3: ["crm"]}
    of_one.sources = {1: ["app"]}
    of_one.forget_sources(9)
    assert of_one.sources == {1: ["app"]}


def test_of_a_trait_what_held_and_what_came_later_and_every_change_of_the_name() -> None:
    def values(*told: tuple[str, int]) -> list[Trait]:
        return [Trait(value, at_ms, 7, "crm") for value, at_ms in told]

    of_one = share({})
    of_one.traits = {
        "name": values(("A", 1), ("A", 2), ("B", 3), ("B", 4), ("B", 9)),
        "plan": values(("s", 1), ("m", 3), ("l", 5), ("xl", 6)),
        "seats": values(
            ("5", 9),
        ),
        "mrr": values(("1", 8), ("2", 9)),
    }
    of_one.forget_traits(5, {(1, 7), (3, 7)})
    assert of_one.traits == {
        "name": values(("A", 1), ("B", 3), ("B", 4), ("B", 9)),
        "plan": values(("l", 5), ("xl", 6)),
        "seats": values(
            ("5", 9),
        ),
        "mrr": values(("1", 8), ("2", 9)),
    }


def test_a_trait_has_a_past_from_its_second_value_on() -> None:
    share = Share("user_id", "u", traits={"plan": [Trait("a", 10, 0, "crm"), Trait("b", 20, 0, "crm")]})
    assert [share.has_past_traits(at_ms) for at_ms in (19, 20)] == [False, True]
    share.forget_traits(20, ())
    assert share.traits == {"plan": [Trait("b", 20, 0, "crm")]}
    assert not share.has_past_traits(99)


def test_the_last_day_before_another_however_long_ago() -> None:
    of_one = share({100: USED, 40: USED, 90: USED})
    assert [of_one.last_day(day) for day in (40, 41, 89, 90, 91, 97, 98, 100, 101, 200)] == [
        *(None, 40, 40, 40, 90, 90, 90, 90, 100, 100)
    ]
