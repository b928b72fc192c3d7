"""Since when a customer does less than it used to, and how sure that is (signals §7).

Every day is held against the habit as of its week: the logarithm of how much likelier the day is under a share of the
usual. Added up over the newest days, that is Page's cumulative sum (Biometrika 41, 1954). A change on an unknown day is
told no sooner by anything else at as many false alarms (Moustakides, Annals of Statistics 14, 1986).
A sum goes no further back than `EBBTIDE_DROP__LONGEST_DAYS`. All of it follows from the days that are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from ebbtide.models.churn.grid import last_observation_day
from ebbtide.models.customer.cadence import Cadence, silence
from ebbtide.models.customer.comparable import recovery
from ebbtide.models.customer.habit import Days, Habit, Habits
from ebbtide.models.customer.series import EVENTS, DaySeries
from ebbtide.models.customer.workdays import weekday_of
from ebbtide.models.policy import BaselinePolicy, DropPolicy

_WEEK = 7
_KEPT = 1.5
"""So many times the longest decline is kept before the days behind it are forgotten."""

_ROUNDING = 1e-9
"""What sums of the same days may differ by, added up from another one."""


def reach_days(baseline: BaselinePolicy, policy: DropPolicy) -> int:
    """So far back from an instant days count: the longest decline, and the habit as of the week of its first day."""
    return policy.longest_days + _WEEK * (policy.habit_lag_weeks + baseline.weeks + 1)


class Day(NamedTuple):
    """What was done on a day and what is usual, and the evidence of a decline."""

    evidence: float
    people: int
    usual_people: float
    actions: int
    usual_actions: float


class Decline(NamedTuple):
    """The ``width`` days before an instant, in which a customer did less than half of what is usual on such days.

    ``unseen`` of them said nothing of the customer, and count for nothing.
    """

    width: int
    evidence: float
    people: int
    usual_people: float
    actions: int
    usual_actions: float
    unseen: int = 0

    @property
    def ratio(self) -> float:
        """Actions over the usual ones."""
        return self.actions / self.usual_actions


_NOTHING = Day(0.0, 0, 0.0, 0, 0.0)
"""A day of which nothing can be said, for no habit is known."""

_UNSEEN = Day(0.0, 0, 0.0, 0, 0.0)
"""A day that says nothing of the customer: it weighs nothing."""

_NO_DAYS: frozenset[int] = frozenset()


class Course:
    """A customer's days against its habits: derived, never stored. A late event moves it back to its own day."""

    __slots__ = ("days", "end", "habits", "total", "unseen", "until")

    def __init__(self) -> None:
        # Habits as of Mondays, and days that were held against them.
        self.habits: dict[int, Habit | None] = {}
        self.days: dict[int, Day] = {}
        # What is kept of them is of days before.
        self.end = 0
        # Days that say nothing of the customer, as they were known last.
        self.unseen = _NO_DAYS
        # Days before are added up; the sum that ends with the last of them is no greater than the total.
        self.until: int | None = None
        self.total = 0.0

    def forget(self, days: Iterable[int]) -> None:
        """Something on these days is news."""
        changed = min(days, default=None)
        if changed is None or changed >= self.end:
            return
        self.until, self.end = None, changed
        self.habits = {monday: told for monday, told in self.habits.items() if monday <= changed}
        self.days = {day: told for day, told in self.days.items() if day < changed}


class Declines:
    """Declines under one policy. Holds no state of any customer."""

    def __init__(self, baseline: BaselinePolicy, policy: DropPolicy) -> None:
        self._baseline, self._policy = baseline, policy
        self._habits = Habits(baseline, policy)

    def newest(
        self,
        course: Course,
        series: DaySeries,
        people: Sequence[Days],
        day: int,
        own: Cadence,
        unseen: frozenset[int] = _NO_DAYS,
    ) -> Decline | None:
        """The shortest decline up to the instant ``day`` that is sure, of two own cadences or more; None without any.

        ``people`` are the active days of each of the customer's people. ``unseen`` days say nothing of the customer.
        """
        self._follow(course, series, people, day, unseen)
        if course.total <= self._policy.evidence - _ROUNDING:
            return None
        found = self._search(course, day, own)
        if found is not None and found.width > _WEEK:
            ends = recovery(series, day, own, self._baseline)
            if ends is not None and ends.ratio >= self._baseline.drop_leave:
                # It is over, as a drop would be.
                return None
        return found

    def silence(
        self,
        course: Course,
        series: DaySeries,
        people: Sequence[Days],
        days: range,
        unseen: frozenset[int] = _NO_DAYS,
    ) -> float | None:
        """The evidence of silent ``days``, in nats; None where no habit tells anything about them.

        What lies further back than the longest decline is not looked at.
        """
        self._follow(course, series, people, days.stop, unseen)
        told = [course.days[at] for at in days[-self._policy.longest_days :]]
        known = [day.evidence for day in told if day is not _NOTHING]
        return sum(known) if known else None

    def _follow(
        self, course: Course, series: DaySeries, people: Sequence[Days], day: int, unseen: frozenset[int]
    ) -> None:
        """Add up the days before ``day``."""
        longest = self._policy.longest_days
        first = day - longest
        if unseen != course.unseen:
            # Days that no habit reaches any more drop out of what is known, and change nothing.
            oldest = day - reach_days(self._baseline, self._policy)
            course.forget(at for at in unseen ^ course.unseen if at > oldest)
            course.unseen = unseen
        if course.until is None or not first <= course.until <= day:
            course.until, course.total = first, 0.0
        if course.until < day:
            days, total = course.days, course.total
            for at in range(course.until, day):
                told = days.get(at)
                if told is None:
                    told = days[at] = _UNSEEN if at in unseen else self._day(course, series, people, at)
                total += told.evidence
                total = max(total, 0.0)
            course.until, course.end, course.total = day, max(day, course.end), total
        if len(course.days) > _KEPT * longest:
            course.habits = {at: told for at, told in course.habits.items() if at > first - _WEEK}
            course.days = {at: told for at, told in course.days.items() if at >= first}

    def _search(self, course: Course, day: int, own: Cadence) -> Decline | None:
        total = usual = usual_people = 0.0
        done = people = lost = 0
        for width in range(1, self._policy.longest_days + 1):
            at = course.days[day - width]
            if at is _NOTHING:
                break
            lost += at is _UNSEEN
            total += at.evidence
            people, usual_people = people + at.people, usual_people + at.usual_people
            done, usual = done + at.actions, usual + at.usual_actions
            is_less = total > self._policy.evidence and done < self._baseline.drop_enter * usual
            if is_less and silence(day - width, day - lost, own) >= 2 * own.gap:
                return Decline(width, total, people, usual_people, done, usual, lost)
        return None

    def _day(self, course: Course, series: DaySeries, people: Sequence[Days], day: int) -> Day:
        """A day against the habit as of its week."""
        monday, habits = last_observation_day(day, _WEEK), course.habits
        if monday not in habits:
            first = series.first_day()
            habits[monday] = (
                None
                if first is None
                else self._habits.as_of(monday, first, people, partial(series.window, EVENTS), course.unseen)
            )
        habit = habits[monday]
        if habit is None:
            return _NOTHING
        usual, bucket, came, done = habit.weekdays[weekday_of(day)].people, series.get(day), 0, 0
        if bucket is not None:
            came, done = sum([day in days for days in people]), bucket[EVENTS]
        return Day(self._habits.evidence(habit, day, came, done), came, usual, done, usual * habit.actions)
