"""Active days of a customer's shares by columns: when they were, and each number of all of them side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import Any

from ebbtide.models.customer.packing.columns import (
    Column,
    pack_bits,
    pack_weeks,
    steps,
    unpack_bits,
    unpack_weeks,
)
from ebbtide.models.customer.series import DAY_SECONDS, FIRST, LAST, LAST_LOGIN, SUMMED, WIDTH, Bucket
from ebbtide.models.customer.share import Share

_NO_TIMES = [-1] * (WIDTH - SUMMED)


def pack_days(shares: list[Share], timed_from: int) -> Column:
    """Days, buckets and totals. Times of day are told from ``timed_from`` on; of before, the newest of each share."""
    numbers: list[Column] = [[] for _ in range(SUMMED)]
    times: list[Column] = [[] for _ in _NO_TIMES]
    last: list[Column] = [[] for _ in range(4)]
    for share in shares:
        newest = [share.old_last, share.old_login]
        for day in sorted(share.days):
            bucket = share.days[day]
            for column, number in zip(numbers, bucket, strict=False):
                column.append(number)
            if day >= timed_from:
                _put_times(times, bucket)
            else:
                for index, field in enumerate((LAST, LAST_LOGIN)):
                    if bucket[field] >= 0:
                        newest[index] = max(newest[index], day * DAY_SECONDS + bucket[field])
        for index, second in enumerate(newest):
            day, rest = divmod(second, DAY_SECONDS)
            # Mostly that of the newest day.
            last[2 * index].append(None if second < 0 else newest_day(share) - day)
            last[2 * index + 1].append(0 if second < 0 else rest)
    return [
        steps(newest_day(share) for share in shares if not share.days),
        _pack_weeks(share.days for share in shares),
        [column if any(column) else None for column in numbers],
        times,
        last,
        # Mostly all messages are events that people sent.
        [share.accepted - share.totals[0] for share in shares],
        [list(column) for column in zip(*map(_rest, shares), strict=True)],
        [share.thin_from for share in shares],
        _pack_weeks(share.old_days for share in shares),
        pack_bits(day in core for share in shares for core in [set(share.old_core)] for day in share.old_days),
    ]


def unpack_days(shares: list[Share], packed: Column, timed_from: int) -> None:
    """Put days, buckets and totals into the shares."""
    ends, weeks, numbers, times, last, others, totals, thin_from, old_weeks, core = packed
    days = _unpack_weeks(weeks)
    count = sum(map(len, days))
    sums = zip(*(column or [0] * count for column in numbers), strict=True)
    timed = zip(*times, strict=True)
    old_days = _unpack_weeks(old_weeks)
    queried = iter(unpack_bits(core, sum(map(len, old_days))))
    others_end = accumulate(ends)
    for index, share in enumerate(shares):
        share.days = {day: [*next(sums), *(_times(timed) if day >= timed_from else _NO_TIMES)] for day in days[index]}
        end = days[index][-1] if days[index] else next(others_end)
        share.old_last, share.old_login = (
            -1 if last[place][index] is None else (end - last[place][index]) * DAY_SECONDS + last[place + 1][index]
            for place in (0, 2)
        )
        share.totals = [column[index] for column in totals]
        share.totals = _rest(share, -1)
        share.accepted = others[index] + share.totals[0]
        share.thin_from = thin_from[index]
        share.old_days = old_days[index]
        share.old_core = [day for day in old_days[index] if next(queried)]


def newest_day(share: Share) -> int:
    """The newest active day that is known; 0 without any."""
    return max(share.days, default=max(0, share.old_last // DAY_SECONDS))


def _rest(share: Share, sign: int = 1) -> list[int]:
    """Totals less what the buckets tell: mostly nothing."""
    sums = [sign * sum(numbers) for numbers in islice(zip(*share.days.values(), strict=True), SUMMED)] or [0] * SUMMED
    return [total - told for total, told in zip(share.totals, [*sums, 0], strict=True)]


def pack_old(days: list[int], core: list[int]) -> Column:
    """Days that nobody knows whose they were, and which of them had queries."""
    queried = set(core)
    return [*pack_weeks(days), pack_bits(day in queried for day in days)]


def unpack_old(packed: Column) -> tuple[list[int], list[int]]:
    """Days, and those of them with queries."""
    first, weeks, core = packed
    days = unpack_weeks(first, weeks)
    return days, [day for day, queried in zip(days, unpack_bits(core, len(days)), strict=True) if queried]


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
