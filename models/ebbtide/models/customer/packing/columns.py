"""Numbers in a row, so that deflate finds small and equal ones side by side."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import accumulate, pairwise
from typing import Any

from ebbtide.models.churn.grid import MONDAY
from ebbtide.schemas.base import DAY_MS

Column = list[Any]
_WEEK = 7


class Names:
    """Names by their place in the order in which they first came."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, name: str) -> int:
        """The place of a name; the next one if it is new."""
        return self.places.setdefault(name, len(self.places))


class Tail:
    """Bytes as good as random, behind what is deflated: among the rest they would cost more, and the rest too."""

    def __init__(self, packed: bytes = b"") -> None:
        self._parts: list[bytes] = []
        self._packed = packed
        self._read = 0

    @property
    def packed(self) -> bytes:
        """All that was put."""
        return b"".join(self._parts)

    def put_low(self, numbers: Collection[int], width: int) -> list[int]:
        """Put the lowest bytes of numbers, so many of each; returns what is left of them, for ``take_low``."""
        bits = 8 * width
        mask = (1 << bits) - 1
        self._parts += [(number & mask).to_bytes(width, "little") for number in numbers]
        return [number >> bits for number in numbers]

    def take_low(self, left: Collection[int], width: int) -> list[int]:
        """The numbers of which so much was left."""
        return [number << 8 * width | int.from_bytes(self._take(width), "little") for number in left]

    def put_times(self, times: Iterable[int]) -> Column:
        """Put epoch milliseconds: as steps of days and minutes of the day, or what is left of its milliseconds."""
        days, rests, odd = [], [], []
        for at_ms in times:
            day, rest = divmod(at_ms, DAY_MS)
            days.append(day)
            minutes, rest_of_minute = divmod(rest, _MINUTE_MS)
            if rest_of_minute:
                odd.append(rest)
                minutes = -1
            rests.append(minutes)
        left = iter(self.put_low(odd, _REST_BYTES))
        return [steps(days), [-1 - next(left) if minutes < 0 else minutes for minutes in rests]]

    def take_times(self, packed: Column) -> list[int]:
        """The epoch milliseconds."""
        days, rests = packed
        odd = iter(self.take_low([-1 - left for left in rests if left < 0], _REST_BYTES))
        return [
            day * DAY_MS + (next(odd) if rest < 0 else rest * _MINUTE_MS)
            for day, rest in zip(accumulate(days), rests, strict=True)
        ]

    def put_ids(self, texts: Iterable[str]) -> list[str | int]:
        """Put those of the texts that are ids in hexadecimal; returns the others, and the form of these."""
        left: list[str | int] = []
        for text in texts:
            form = _FORMS.get(len(text))
            digits = text.replace("-", "") if form else ""
            if form and _is_hex(digits) and _in_form(digits, form) == text:
                self._parts.append(bytes.fromhex(digits))
                left.append(form)
            else:
                left.append(text)
        return left

    def take_ids(self, left: Iterable[str | int]) -> list[str]:
        """The texts."""
        return [text if isinstance(text, str) else _in_form(self._take(_BYTES[text]).hex(), text) for text in left]

    def _take(self, count: int) -> bytes:
        self._read += count
        return self._packed[self._read - count : self._read]


_REST_BYTES = 3
_MINUTE_MS = 60_000
_HEX, _UUID, _BEGUN = 1, 2, 3
"""Digits alone, a UUID, and the first half of one."""
_FORMS = {32: _HEX, 36: _UUID, 18: _BEGUN}
_BYTES = {_HEX: 16, _UUID: 16, _BEGUN: 8}
_is_hex = re.compile("(?:[0-9a-f]{16}){1,2}").fullmatch


def _in_form(digits: str, form: int) -> str:
    if form == _HEX:
        return digits
    return "-".join(filter(None, (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])))


def steps(numbers: Iterable[int]) -> list[int]:
    """Numbers as the first and the steps between; ``accumulate`` undoes it."""
    listed = list(numbers)
    return listed[:1] + [after - before for before, after in pairwise(listed)]


def pack_weeks(days: Collection[int]) -> tuple[int, bytes]:
    """Days as the first week, and a byte for each week from there on: a bit for each day, that of Monday first.

    Weeks count from that of 1970-01-05. A working week is one byte then, and often the same as the week before.
    """
    if not days:
        return 0, b""
    first = (min(days) - MONDAY) // _WEEK
    weeks = bytearray((max(days) - MONDAY) // _WEEK - first + 1)
    start = first * _WEEK + MONDAY
    for day in days:
        week, weekday = divmod(day - start, _WEEK)
        weeks[week] |= 1 << weekday
    return first, bytes(weeks)


def unpack_weeks(first: int, weeks: bytes) -> list[int]:
    """Days, ascending."""
    start = first * _WEEK + MONDAY
    return [start + _WEEK * index + weekday for index, week in enumerate(weeks) if week for weekday in _WEEKDAYS[week]]


_WEEKDAYS = [[day for day in range(_WEEK) if week >> day & 1] for week in range(1 << _WEEK)]


def pack_pairs(numbers: Iterable[int], others: Iterable[int]) -> Column:
    """Pairs of small counts, a byte each: deflate finds which go together. Those above 14 follow."""
    pairs = list(zip(numbers, others, strict=True))
    packed = [(a if 0 <= a < _MANY else _MANY) << 4 | (b if 0 <= b < _MANY else _MANY) for a, b in pairs]
    return [bytes(packed), [number for pair in pairs for number in pair if not 0 <= number < _MANY]]


def unpack_pairs(packed: Column) -> tuple[list[int], list[int]]:
    """The numbers, and the others."""
    pairs, rest = packed
    told = iter(rest)
    flat = [next(told) if small == _MANY else small for pair in pairs for small in (pair >> 4, pair & _MANY)]
    return flat[::2], flat[1::2]


_MANY = 15


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
