"""Feature vectors as the whole numbers that they follow from, and what does not follow, to the bit.

The formulas are those of ``churn.features`` on the day that this layout was made. They belong to the layout and stay as
they are: a feature that they do not make is kept as it is, and so what is read is always what was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from math import expm1, log, log1p
from struct import Struct

from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.packing.columns import Column, steps

_VECTOR = Struct(f"<{len(NAMES)}f")
_BITS = Struct(f"<{len(NAMES)}I")
_SINGLE = Struct("<f")
_MOST_COUNT = 4096
_MOST = 30.0
"""No logarithm of a count is greater."""

_RECENCY, _TENURE, _MONTH, _QUARTER, _DAYS, _EVENTS = 0, 1, 3, 4, 5, 8
_MONTH_TREND, _QUARTER_TREND, _QUERIES_SHARE = 9, 10, 20
_COUNTS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29)
"""Places of features that mostly are ln(1 + a whole number)."""
_BEHIND = (_MONTH_TREND, _QUARTER_TREND, _QUERIES_SHARE)
"""Places of features that another whole number is behind: active days of the window before, and queries."""
_NUMBERS = tuple(sorted(_COUNTS + _BEHIND))


def _single(value: float) -> float:
    (single,) = _SINGLE.unpack(_SINGLE.pack(value))
    return float(single)


_COUNT_OF = {_single(log1p(count)): count for count in range(_MOST_COUNT)}


def pack_vectors(vectors: Sequence[bytes]) -> Column:
    """Vectors of single precision: steps of their numbers by column; places and bits of what these do not make."""
    columns: Column = []
    places: list[int] = []
    left: list[int] = []
    for row, vector in enumerate(vectors):
        numbers = _numbers(_VECTOR.unpack(vector))
        columns.append([numbers[place] for place in _NUMBERS])
        for place, (bits, made) in enumerate(zip(_BITS.unpack(vector), _BITS.unpack(_made(numbers)), strict=True)):
            if bits != made:
                places.append(place * len(vectors) + row)
                left.append(bits)
    # By feature: it is often the same for weeks.
    order = sorted(range(len(places)), key=places.__getitem__)
    return [
        len(vectors),
        list(chain.from_iterable(map(steps, zip(*columns, strict=True)))),
        [places[index] for index in order],
        b"".join(left[index].to_bytes(4, "little") for index in order),
    ]


def unpack_vectors(packed: Column) -> list[bytes]:
    """The vectors."""
    count, numbers, places, left = packed
    columns = [list(accumulate(numbers[start : start + count])) for start in range(0, len(numbers), count or 1)]
    rows: list[list[int]] = []
    for row in range(count):
        vector = [0] * len(NAMES)
        for place, column in zip(_NUMBERS, columns, strict=True):
            vector[place] = column[row]
        rows.append(list(_BITS.unpack(_made(vector))))
    for index, place in enumerate(places):
        feature, row = divmod(place, count)
        rows[row][feature] = int.from_bytes(left[4 * index : 4 * index + 4], "little")
    return [_BITS.pack(*bits) for bits in rows]


def _numbers(vector: Sequence[float]) -> list[int]:
    """The whole numbers by place; 0 where there is none."""
    numbers = [0] * len(NAMES)
    for place in _COUNTS:
        numbers[place] = _count(vector[place])
    month, quarter = vector[_MONTH] - vector[_MONTH_TREND], vector[_QUARTER] - vector[_QUARTER_TREND]
    numbers[_MONTH_TREND], numbers[_QUARTER_TREND] = _near(month), _near(quarter)
    share = vector[_QUERIES_SHARE]
    if 0.0 <= share <= 1.0:
        numbers[_QUERIES_SHARE] = round(share * numbers[_EVENTS])
    return numbers


def _count(value: float) -> int:
    """The count of a logarithm; 0 where it is that of none."""
    known = _COUNT_OF.get(value)
    if known is not None:
        return known
    count = _near(value)
    return count if _single(log1p(count)) == value else 0


def _near(value: float) -> int:
    return round(expm1(value)) if 0.0 <= value <= _MOST else 0


def _made(numbers: Sequence[int]) -> bytes:
    """The vector that the numbers make."""
    vector = [0.0] * len(NAMES)
    for place in _COUNTS:
        vector[place] = log1p(numbers[place])
    recency, tenure, days, events = (numbers[place] for place in (_RECENCY, _TENURE, _DAYS, _EVENTS))
    vector[_MONTH_TREND] = vector[_MONTH] - log1p(numbers[_MONTH_TREND])
    vector[_QUARTER_TREND] = vector[_QUARTER] - log1p(numbers[_QUARTER_TREND])
    if days and events and 0 <= recency < tenure and days > 1:
        life, gaps = tenure - recency, days - 1
        vector[_QUERIES_SHARE] = numbers[_QUERIES_SHARE] / events
        vector[11] = log1p(life / gaps)
        vector[12] = log1p(recency / (life / gaps))
        vector[14] = log1p(7.0 * days / tenure)
        vector[15] = log(events / days)
        vector[16] = life / tenure
        vector[17] = log1p(-gaps * log(life / tenure))
    return _VECTOR.pack(*vector)
