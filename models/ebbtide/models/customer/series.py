"""A customer's activity by UTC day, folded from its profiles, readable as of any day.

A grid instant is a day number ``d``: the start of UTC day ``d`` (days since 1970-01-01). "As of d" means days < d only,
so a backfilled quarter and ninety live days see the same series (design §3).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from operator import add
from typing import TYPE_CHECKING

from ebbtide.models.customer.workdays import is_weekend, workdays_before
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.profile_state import DAY_FIELDS

if TYPE_CHECKING:
    from ebbtide.models.adoption.campaign import Lifted
    from ebbtide.models.standing.stability import Variation

EVENTS, LOGINS, QUERIES, ORDERS, REVENUE = range(5)
FIRST, LAST, FIRST_LOGIN, LAST_LOGIN = range(5, 9)
SUMMED = 5
WIDTH = len(DAY_FIELDS)

_WEEK = 7

Bucket = list[int]

NO_BUCKET: Bucket = [0] * SUMMED + [-1] * (WIDTH - SUMMED)
"""A day on which nothing happened."""


def merge_buckets(buckets: list[Bucket]) -> Bucket:
    """Fold several profiles' buckets of one day: sums, earliest first, latest last. Order does not matter."""
    merged = list(buckets[0])
    for bucket in buckets[1:]:
        add_bucket(merged, bucket)
    return merged


def add_bucket(total: Bucket, bucket: Bucket) -> None:
    """Fold one more bucket of a day into ``total``."""
    total[:SUMMED] = map(add, total[:SUMMED], bucket[:SUMMED])
    for field in (FIRST, FIRST_LOGIN):
        if 0 <= bucket[field] < total[field] or total[field] < 0:
            total[field] = bucket[field]
        if bucket[field + 1] > total[field + 1]:  # noqa: PLR1730 - a call of max costs more, and this is asked all day
            total[field + 1] = bucket[field + 1]


def median(values: list[int]) -> float:
    """Median of at least one whole number; ``statistics.median`` in a quarter of its time."""
    values.sort()
    middle = len(values) // 2
    return float(values[middle]) if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


class DaySeries:
    """Day buckets in day order with running totals, so that a rolling window costs two binary searches.

    ``days`` are the active days (a bucket with events > 0), ascending; ``disorder`` counts how often they changed other
    than by a newer one. Of each ``workdays`` has the business days before it, and ``weekends`` whether it lies in a
    weekend.
    Of the days ``partial`` not all numbers are known. Such a day's bucket tells that it was active, whether it had
    queries, and what is known; what it does not tell is in ``rest``, which every running total contains.
    """

    __slots__ = (
        "_buckets",
        "_daily",
        "_daily_from",
        "_fresh",
        "_totals",
        "days",
        "disorder",
        "evenness",
        "lifted",
        "lifted_before",
        "partial",
        "weekends",
        "workdays",
    )

    def __init__(self) -> None:
        self.days: list[int] = []
        self.workdays: list[int] = []
        self.weekends: list[bool] = []
        self.disorder = 0
        self.partial: set[int] = set()
        self._buckets: dict[int, Bucket] = {}
        self._totals: list[list[int]] = [[0] for _ in range(SUMMED)]
        # Running totals hold for days[:_fresh]; a late event moves this back to its own day.
        self._fresh = 0
        # Events before every calendar day from one on, as far as it was asked for.
        self._daily = array("q")
        self._daily_from = 0
        # How even some weeks were, with the day that they end before, the width and the number of periods, until one of
        # their days changes.
        self.evenness: tuple[int, int, int, Variation | None] | None = None
        # What campaigns brought, by run, until a day before the last end of one changes: see ``adoption/campaign.py``.
        self.lifted: dict[tuple[int, int], Lifted] = {}
        self.lifted_before = 0

    def __contains__(self, day: int) -> bool:
        return day in self._buckets

    @property
    def rest(self) -> list[int]:
        """Sums that no day's bucket tells."""
        return [totals[0] for totals in self._totals]

    @rest.setter
    def rest(self, sums: list[int]) -> None:
        self._fresh = 0
        for totals, value in zip(self._totals, sums, strict=True):
            totals[:] = [value]

    def put(self, day: int, bucket: Bucket) -> None:
        """Set a day's bucket; an empty one removes the day. The series keeps the list: do not share it."""
        days, even = self.days, self.evenness
        if even is not None and day < even[0]:
            self.evenness = None
        if day < self.lifted_before:
            self.lifted, self.lifted_before = {}, 0
        if self._daily and day < self._daily_from + len(self._daily) - 1:
            del self._daily[max(day - self._daily_from + 1, 0) :]
        # Nearly always the newest day.
        index = len(days) - 1 if days and days[-1] == day else bisect_left(days, day)
        if bucket[EVENTS] <= 0:
            if self._buckets.pop(day, None) is not None:
                del self.days[index], self.workdays[index], self.weekends[index]
                self.disorder += 1
                self._fresh = min(self._fresh, index)
                for totals in self._totals:
                    del totals[index + 1 :]
            return
        if day not in self._buckets:
            self.disorder += index < len(days)
            days.insert(index, day)
            self.workdays.insert(index, workdays_before(day))
            self.weekends.insert(index, is_weekend(day))
        self._buckets[day] = bucket
        self._fresh = min(self._fresh, index)

    def put_partial(self, day: int, known: Bucket, *, core: bool) -> list[int]:
        """Set what is known of a day of which some is forgotten; ``core``: the rest had queries.

        Returns what its bucket tells: an event at least, and a query if it had any.
        """
        bucket = [max(known[EVENTS], 1), known[LOGINS], max(known[QUERIES], int(core)), *known[ORDERS:]]
        self.partial.add(day)
        self.put(day, bucket)
        return bucket[:SUMMED]

    def less(self, above: Mapping[int, Bucket]) -> DaySeries:
        """The series without what lies ``above``, by day and summed field; a day left without events is none."""
        buckets = self._buckets.copy()
        for day, over in above.items():
            bucket = buckets[day]
            rest = [total - brought for total, brought in zip(bucket, over, strict=False)]
            if rest[EVENTS] > 0:
                buckets[day] = [*rest, *bucket[SUMMED:]]
            else:
                del buckets[day]
        self.totals(EVENTS)
        found = DaySeries()
        found._buckets, found.partial = buckets, self.partial
        found.days, found.workdays, found.weekends = self.days[:], self.workdays[:], self.weekends[:]
        for day in self._buckets.keys() - buckets.keys():
            index = bisect_left(found.days, day)
            del found.days[index], found.workdays[index], found.weekends[index]
        # Running totals are the same up to the first of the days.
        found._fresh = bisect_left(self.days, min(above))
        found._totals = [totals[: found._fresh + 1] for totals in self._totals]
        found._daily = self._daily[: max(min(above) - self._daily_from + 1, 0)]
        found._daily_from = self._daily_from
        return found

    def get(self, day: int) -> Bucket | None:
        """The bucket of a day, or None where nothing happened."""
        return self._buckets.get(day)

    def numbers(self, day: int) -> Bucket | None:
        """The bucket of a day; None where nothing happened, or not all numbers are known."""
        return None if day in self.partial else self._buckets.get(day)

    def totals(self, field: int) -> list[int]:
        """Running totals of a field: ``totals[i]`` sums ``days[:i]``."""
        if self._fresh < len(self.days):
            self._refresh()
        return self._totals[field]

    def all_totals(self) -> list[list[int]]:
        """Running totals of all summed fields, in their order."""
        if self._fresh < len(self.days):
            self._refresh()
        return self._totals

    def _refresh(self) -> None:
        """Only the changed tail is redone: nearly always one day."""
        fresh, days, buckets = self._fresh, self.days, self._buckets
        events, logins, queries, orders, revenue = self._totals
        if len(events) > fresh + 1:
            for totals in self._totals:
                del totals[fresh + 1 :]
        for index in range(fresh, len(days)):
            bucket = buckets[days[index]]
            events.append(events[-1] + bucket[EVENTS])
            logins.append(logins[-1] + bucket[LOGINS])
            queries.append(queries[-1] + bucket[QUERIES])
            orders.append(orders[-1] + bucket[ORDERS])
            revenue.append(revenue[-1] + bucket[REVENUE])
        self._fresh = len(days)

    def count_before(self, day: int) -> int:
        """Number of active days before ``day``."""
        return bisect_left(self.days, day)

    def total(self, field: int, day: int) -> int:
        """Sum of a field over all days before ``day``."""
        return self.totals(field)[bisect_left(self.days, day)]

    def totals_before(self, field: int, days: Iterable[int]) -> list[int]:
        """``total`` as of each of several days."""
        totals, known = self.totals(field), self.days
        return [totals[bisect_left(known, day)] for day in days]

    def by_weeks(self, day: int, weeks: int) -> Sequence[int]:
        """Events before ``day``, before the day a week earlier, and so on back over some weeks, from any day on."""
        daily = self._daily
        if not daily:
            self._daily_from = self.days[0] if self.days else day
            daily.append(0)
        at = day - self._daily_from
        if at >= len(daily):
            self._extend_daily(day)
        back = at - _WEEK * weeks
        if back >= 0:
            return daily[at : (back - 1 if back else None) : -_WEEK]
        found = daily[at::-_WEEK] if at >= 0 else array("q")
        found.extend([0] * (weeks + 1 - len(found)))
        return found

    def _extend_daily(self, day: int) -> None:
        daily, buckets = self._daily, self._buckets
        running = daily[-1]
        for known in range(self._daily_from + len(daily) - 1, day):
            bucket = buckets.get(known)
            if bucket is not None:
                running += bucket[EVENTS]
            daily.append(running)

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

    def last_with(self, field: int, day: int) -> int | None:
        """The last day before ``day`` that added to a field whose numbers are never negative."""
        totals = self.totals(field)
        end = bisect_left(self.days, day)
        index = bisect_left(totals, totals[end], 0, end)
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
