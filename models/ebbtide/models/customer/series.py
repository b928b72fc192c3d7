"""A customer's activity by UTC day, folded from its profiles, readable as of any day.

A grid instant is a day number ``d``: the start of UTC day ``d`` (days since 1970-01-01). "As of d" means days < d only,
so a backfilled quarter and ninety live days see the same series (design §3).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from itertools import accumulate

from ebbtide.schemas.profile_state import DAY_FIELDS

DAY_SECONDS = 86_400
EVENTS, LOGINS, QUERIES, ORDERS, REVENUE = range(5)
FIRST, LAST, FIRST_LOGIN, LAST_LOGIN = range(5, 9)
SUMMED = 5
WIDTH = len(DAY_FIELDS)

Bucket = list[int]


def merge_buckets(buckets: list[Bucket]) -> Bucket:
    """Fold several profiles' buckets of one day: sums, earliest first, latest last. Order does not matter."""
    if len(buckets) == 1:
        return list(buckets[0])
    merged = [sum(values) for values in zip(*(b[:SUMMED] for b in buckets), strict=True)]
    for field in (FIRST, FIRST_LOGIN):
        merged.insert(field, min((b[field] for b in buckets if b[field] >= 0), default=-1))
        merged.insert(field + 1, max(b[field + 1] for b in buckets))
    return merged


class DaySeries:
    """Day buckets in day order with running totals, so that a rolling window costs two binary searches.

    ``days`` are the active days (a bucket with events > 0), ascending.
    """

    __slots__ = ("_buckets", "_fresh", "_totals", "days")

    def __init__(self) -> None:
        self.days: list[int] = []
        self._buckets: dict[int, Bucket] = {}
        self._totals: list[list[int]] = [[0] for _ in range(SUMMED)]
        self._fresh = True

    def __contains__(self, day: int) -> bool:
        return day in self._buckets

    def put(self, day: int, bucket: Bucket) -> None:
        """Set a day's bucket; an empty one removes the day."""
        known = day in self._buckets
        if bucket[EVENTS] <= 0:
            if known:
                del self._buckets[day]
                del self.days[bisect_left(self.days, day)]
                self._fresh = False
            return
        self._buckets[day] = bucket
        if known:
            self._fresh = False
        elif not self.days or day > self.days[-1]:
            self.days.append(day)
            if self._fresh:
                for field, totals in enumerate(self._totals):
                    totals.append(totals[-1] + bucket[field])
        else:
            insort(self.days, day)
            self._fresh = False

    def get(self, day: int) -> Bucket | None:
        """The bucket of a day, or None where nothing happened."""
        return self._buckets.get(day)

    def totals(self, field: int) -> list[int]:
        """Running totals of a summed field: ``totals[i]`` is the sum over ``days[:i]``."""
        if not self._fresh:
            ordered = [self._buckets[day] for day in self.days]
            self._totals = [list(accumulate((b[f] for b in ordered), initial=0)) for f in range(SUMMED)]
            self._fresh = True
        return self._totals[field]

    def count_before(self, day: int) -> int:
        """Number of active days before ``day``."""
        return bisect_left(self.days, day)

    def total(self, field: int, day: int) -> int:
        """Sum of a field over all days before ``day``."""
        return self.totals(field)[bisect_left(self.days, day)]

    def window(self, field: int, day: int, width: int) -> int:
        """Sum of a field over the ``width`` days before ``day``."""
        totals = self.totals(field)
        return totals[bisect_left(self.days, day)] - totals[bisect_left(self.days, day - width)]

    def active_days(self, day: int, width: int) -> int:
        """Active days among the ``width`` days before ``day``."""
        return bisect_left(self.days, day) - bisect_left(self.days, day - width)

    def last_day(self, day: int) -> int | None:
        """The last active day before ``day``."""
        index = bisect_left(self.days, day)
        return self.days[index - 1] if index else None

    def first_day(self) -> int | None:
        """The first active day."""
        return self.days[0] if self.days else None

    def last_at(self, field: int, day: int) -> int | None:
        """Epoch second of the latest ``LAST`` or ``LAST_LOGIN`` before ``day``."""
        for index in range(bisect_left(self.days, day) - 1, -1, -1):
            second = self._buckets[self.days[index]][field]
            if second >= 0:
                return self.days[index] * DAY_SECONDS + second
        return None
