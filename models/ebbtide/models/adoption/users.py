"""Who was active: the people of a customer over a window."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def user_days(people: Iterable[Collection[int]], day: int, width: int) -> list[int]:
    """Active days, in the ``width`` days before ``day``, of every person who had one.

    ``people`` gives each person's active days, in any order. The length of the answer is the number of active users:
    DAU, WAU and MAU for a width of 1, 7 and 28.
    """
    window = frozenset(range(day - width, day))
    return [count for days in people if (count := len(window.intersection(days)))]
