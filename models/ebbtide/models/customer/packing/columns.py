"""Numbers in a row, so that deflate finds small and equal ones side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import accumulate, pairwise
from typing import Any

from ebbtide.models.churn.grid import MONDAY
from ebbtide.schemas.topics import DAY_MS

Column = list[Any]
_WEEK = 7


class Names:
    """Names by their place in the order in which they first came."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """The place of a name; the next one if it is new."""
        return self.places.setdefault(name, len(self.places))


def steps(numbers: Iterable[int]) -> list[int]:
    """Numbers as the first and the steps between; ``accumulate`` undoes it."""
    listed = list(numbers)
    return listed[:1] + [after - before for before, after in pairwise(listed)]


def pack_times(times: Iterable[int]) -> Column:
    """Epoch milliseconds as steps of days, and milliseconds of the day."""
    days, rests = [], []
    for at_ms in times:
        day, rest = divmod(at_ms, DAY_MS)
        days.append(day)
        rests.append(rest)
    return [steps(days), rests]


def unpack_times(packed: Column) -> list[int]:
    """Epoch milliseconds."""
    days, rests = packed
    return [day * DAY_MS + rest for day, rest in zip(accumulate(days), rests, strict=True)]


def pack_weeks(days: Collection[int]) -> tuple[int, bytes]:
    """Days as the first week, and a byte for each week from there on: a bit for each day, that of Monday first.

    Weeks count from that of 1970-01-05. A working week is one byte then, and often the same as the week before.
    """
    weeks: dict[int, int] = {}
    for day in days:
        week, weekday = divmod(day - MONDAY, _WEEK)
        weeks[week] = weeks.get(week, 0) | 1 << weekday
    if not weeks:
        return 0, b""
    first = min(weeks)
    return first, bytes([weeks.get(week, 0) for week in range(first, max(weeks) + 1)])


def unpack_weeks(first: int, weeks: bytes) -> list[int]:
    """Days, ascending."""
    start = first * _WEEK + MONDAY
    return [start + _WEEK * index + weekday for index, week in enumerate(weeks) if week for weekday in _WEEKDAYS[week]]


_WEEKDAYS = [[day for day in range(_WEEK) if week >> day & 1] for week in range(1 << _WEEK)]


def pack_bits(flags: Iterable[bool]) -> bytes:
    """A bit for each flag."""
    number = 0
    for index, flag in enumerate(flags):
        if flag:
            number |= 1 << index
    return number.to_bytes((number.bit_length() + 7) // 8, "little")


def unpack_bits(packed: bytes, count: int) -> list[bool]:
    """So many flags."""
    number = int.from_bytes(packed, "little")
    return [bool(number >> index & 1) for index in range(count)]
