"""Active days of a customer's shares by columns: when they were, and each number of all of them side by side."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import Any

from ebbtide.models.customer.packing.columns import (
    Column,
    Tail,
    pack_pairs,
    pack_weeks,
    steps,
    unpack_pairs,
    unpack_weeks,
)
from ebbtide.models.customer.series import (
    EVENTS,
    FIRST,
    LAST,
    LAST_LOGIN,
    LOGINS,
    ORDERS,
    QUERIES,
    REVENUE,
    SUMMED,
    WIDTH,
    Bucket,
)
from ebbtide.models.customer.share import Share
from ebbtide.schemas.base import DAY_SECONDS

_SECOND_BYTES = 2
_OTHERS = (LOGINS, ORDERS, REVENUE)
_NO_TIMES = [-1] * (WIDTH - SUMMED)


def pack_days(shares: list[Share], timed_from: int) -> Column:
    """Days and buckets. Times of day are told from ``timed_from`` on."""
    numbers: list[Column] = [[] for _ in range(SUMMED)]
    times: list[Column] = [[] for _ in _NO_TIMES]
    for share in shares:
        days = sorted(share.days)
        buckets = [share.days[day] for day in days]
        for column, of_field in zip(numbers, zip(*buckets, strict=True), strict=False):
            column.extend(of_field)
        for bucket in buckets[bisect_left(days, timed_from) :]:
            _put_times(times, bucket)
    return [
        _pack_weeks(share.days for share in shares),
        pack_pairs(numbers[EVENTS], numbers[QUERIES]),
        [numbers[field] if any(numbers[field]) else None for field in _OTHERS],
        times,
        [share.thin_from for share in shares],
        _pack_weeks(share.old_days for share in shares),
        _pack_weeks(_without(share.old_days, share.old_core) for share in shares),
    ]


def unpack_days(shares: list[Share], packed: Column, timed_from: int) -> None:
    """Put days and buckets into the shares."""
    weeks, pairs, numbers, times, thin_from, old_weeks, idle = packed
    days = _unpack_weeks(weeks)
    count = sum(map(len, days))
    events, queries = unpack_pairs(pairs)
    logins, orders, revenue = (column or [0] * count for column in numbers)
    sums = zip(events, logins, queries, orders, revenue, strict=True)
    timed = zip(*times, strict=True)
    old_days = _unpack_weeks(old_weeks)
    no_queries = _unpack_weeks(idle)
    for index, share in enumerate(shares):
        share.days = {day: [*next(sums), *(_times(timed) if day >= timed_from else _NO_TIMES)] for day in days[index]}
        share.thin_from = thin_from[index]
        share.old_days = old_days[index]
        share.old_core = _without(old_days[index], no_queries[index])


def pack_ends(shares: list[Share], timed_from: int, tail: Tail) -> Column:
    """Totals, and the newest times of day before ``timed_from``."""
    last: list[Column] = [[], []]
    seconds: list[list[int]] = [[], []]
    for share in shares:
        end = newest_day(share)
        for index, second in enumerate(_newest(share, timed_from)):
            day, rest = divmod(second, DAY_SECONDS)
            # Mostly that of the newest day.
            last[index].append(None if day < 0 else end - day)
            if day >= 0:
                seconds[index].append(rest)
    return [
        steps(newest_day(share) for share in shares if not share.days),
        last[0],
        tail.put_low(seconds[0], _SECOND_BYTES),
        last[1],
        tail.put_low(seconds[1], _SECOND_BYTES),
        # Mostly all messages are events that people sent.
        [share.accepted - share.totals[0] for share in shares],
        [list(column) for column in zip(*map(_rest, shares), strict=True)],
    ]


def unpack_ends(shares: list[Share], packed: Column, tail: Tail) -> None:
    """Put totals and newest times into the shares, which have their days."""
    ends, last, seconds, login, login_seconds, others, totals = packed
    ends = accumulate(ends)
    at = iter(tail.take_low(seconds, _SECOND_BYTES))
    login_at = iter(tail.take_low(login_seconds, _SECOND_BYTES))
    for index, share in enumerate(shares):
        end = max(share.days) if share.days else next(ends)
        share.old_last = -1 if last[index] is None else (end - last[index]) * DAY_SECONDS + next(at)
        share.old_login = -1 if login[index] is None else (end - login[index]) * DAY_SECONDS + next(login_at)
        share.totals = [column[index] for column in totals]
        share.totals = _rest(share, -1)
        share.accepted = others[index] + share.totals[0]


def _newest(share: Share, timed_from: int) -> tuple[int, int]:
    """Epoch second of the newest activity and login before a day; -1 without one."""
    last, login = share.old_last, share.old_login
    for day, bucket in share.days.items():
        # Those that were stored have no times any more.
        if day < timed_from:
            if bucket[LAST] >= 0:
                last = max(last, day * DAY_SECONDS + bucket[LAST])
            if bucket[LAST_LOGIN] >= 0:
                login = max(login, day * DAY_SECONDS + bucket[LAST_LOGIN])
    return last, login


def newest_day(share: Share) -> int:
    """The newest active day that is known; 0 without any."""
    return max(share.days) if share.days else max(0, share.old_last // DAY_SECONDS)


def _rest(share: Share, sign: int = 1) -> list[int]:
    """Totals less what the buckets tell: mostly nothing."""
    if not share.days:
        return share.totals
    sums = [sign * sum(numbers) for numbers in islice(zip(*share.days.values(), strict=True), SUMMED)]
    return [total - told for total, told in zip(share.totals, [*sums, 0], strict=True)]


def pack_old(days: list[int], core: list[int]) -> Column:
    """Days that nobody knows whose they were, and those of them without queries."""
    return [*pack_weeks(days), *pack_weeks(_without(days, core))]


def unpack_old(packed: Column) -> tuple[list[int], list[int]]:
    """Days, and those of them with queries."""
    days = unpack_weeks(*packed[:2])
    return days, _without(days, unpack_weeks(*packed[2:]))


def _without(days: list[int], others: list[int]) -> list[int]:
    left = set(others)
    return [day for day in days if day not in left]


def _pack_weeks(days: Iterable[Any]) -> Column:
    """Days of all shares: first weeks, numbers of weeks, and the weeks of all."""
    packed = [pack_weeks(of_one) for of_one in days]
    return [
        steps(first for first, _ in packed),
        [len(weeks) for _, weeks in packed],
        b"".join(weeks for _, weeks in packed),
    ]


def _unpack_weeks(packed: Column) -> list[list[int]]:
    first, lengths, weeks = packed
    ends = list(accumulate(lengths))
    return [
        unpack_weeks(start, weeks[end - length : end])
        for start, length, end in zip(accumulate(first), lengths, ends, strict=True)
    ]


def _put_times(times: list[Column], bucket: Bucket) -> None:
    """The first second, and how much later the others are; None where there is none."""
    start = bucket[FIRST]
    times[0].append(start)
    for column, second in zip(times[1:], bucket[FIRST + 1 :], strict=True):
        column.append(None if second < 0 else second - start)


def _times(timed: Iterator[tuple[Any, ...]]) -> list[int]:
    start, *later = next(timed)
    return [start, *(-1 if after is None else start + after for after in later)]
