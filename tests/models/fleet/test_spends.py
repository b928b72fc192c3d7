"""Channel spend: each counts once, over the newest days, in whatever order."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ebbtide.models.fleet.spends import ChannelSpends
from ebbtide.schemas.fleet import ChannelSpend
from support.raw import DAY_0, at

TODAY = DAY_0 + 400


def spend(spend_id: str, day: float, amount: int, channel: str = "search", **fields: Any) -> ChannelSpend:
    fields = {"tenant": "t", "currency": "USD", "clicks": 1, **fields}
    return ChannelSpend(spend_id=spend_id, occurred_at=at(day), channel=channel, amount_micros=amount, **fields)


def costs(spends: ChannelSpends, day: int = TODAY, width: int = 365) -> list[tuple[str, str, int, int]]:
    return [
        (place.channel, place.keyword, cost.spend["USD"], cost.clicks)
        for place, cost in sorted(spends.costs("t", day, width).items(), key=str)
    ]


def test_sums_are_of_the_newest_year_and_of_the_tenant() -> None:
    spends = ChannelSpends()
    for each in (
        spend("old", 34.9, 1),
        spend("a", 35, 10),
        spend("b", 399.9, 100),
        spend("today", 400, 1_000),
        spend("theirs", 100, 10_000, tenant="u"),
        spend("word", 100, 5, keyword="churn"),
        spend("fair", 100, 50, "event", clicks=0),
    ):
        assert spends.add(each)
    assert costs(spends) == [("event", "", 50, 0), ("search", "", 110, 2), ("search", "churn", 5, 1)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30), st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter(drawn: list[tuple[int, int]], rng: Random) -> None:
    told = {f"{day}-{n}-{i}": spend(f"{day}-{n}-{i}", 390 + day, n, f"c{n}") for i, (day, n) in enumerate(drawn)}
    straight, crooked = ChannelSpends(), ChannelSpends()
    for each in told.values():
        straight.add(each)
    again = [*told.values(), *rng.sample(list(told.values()), len(told) // 2)]
    rng.shuffle(again)
    assert sum(crooked.add(each) for each in again) == len(told)
    assert crooked.costs("t", TODAY, 365) == straight.costs("t", TODAY, 365)
    assert sorted(crooked.take_writes()) == sorted(straight.take_writes())


def test_what_is_stored_is_taken_up_and_goes_with_the_window() -> None:
    spends, table = ChannelSpends(), dict[bytes, bytes]()
    for each in (spend("a", 10, 1), spend("b", 300, 2), spend("c", 300, 3), spend("d", 300, 4, "event")):
        spends.add(each)
    for key, value in spends.take_writes():
        assert value is not None
        table[key] = value
    again = ChannelSpends()
    for key, value in table.items():
        again.restore(key, value)
    assert not again.add(spend("b", 300, 2))
    assert costs(again) == costs(spends) == [("event", "", 4, 1), ("search", "", 5, 2)]
    again.add(spend("e", 301, 1))
    again.forget(DAY_0 + 300)
    *kept, (_, nothing) = again.take_writes()
    assert nothing is None
    assert [value is None for _, value in kept] == [False]
    assert list(again.take_writes()) == []


def test_currencies_are_not_added() -> None:
    spends = ChannelSpends()
    for currency in ("USD", "EUR", "USD"):
        spends.add(spend(f"{currency}{len(spends.costs('t', TODAY, 365))}", 399, 5, currency=currency))
    spends.add(spend("more", 399, 2, currency="USD"))
    (cost,) = spends.costs("t", TODAY, 365).values()
    assert (dict(cost.spend), cost.clicks) == ({"USD": 12, "EUR": 5}, 4)
