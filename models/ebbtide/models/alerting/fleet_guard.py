"""Whether a whole fleet does less at once: a holiday or an outage of everything is no customer's drop (signals §7).

Activity of all customers is added up by day and source, as it is folded: a day's sum moves by what a fold adds, and
nobody is looked at for it. A day is held against the same weekday of the weeks before. Sources that were blind on the
day are left out on both sides: that their customers are not seen is no dip of the others.

On its first evening a holiday of one day's length is seen so. From then on what looks back on the dip is held back, for
a week or as long as its own window reaches it, and for another week where the dip itself opened it; what is open still
is told then, what was resolved meanwhile never is. Customers hear of down days once a week (``models.fleet``). From
then on these weigh nothing in a drop; and a drop that rests on other days is held back for a week at most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ebbtide.models.customer.series import EVENTS, DaySeries, median
from ebbtide.models.policy import FleetGuardPolicy

_WEEK = 7

IsBlind = Callable[[str, int], bool]
"""Whether a source was blind on a day."""


class DayLevel(NamedTuple):
    """Activity on a day, and that on a usual day of its weekday."""

    actual: int
    usual: float

    @property
    def ratio(self) -> float:
        """Actual over usual."""
        return self.actual / self.usual


def daily_level(series: DaySeries, day: int, policy: FleetGuardPolicy) -> DayLevel | None:
    """What a customer did on ``day`` of its usual for the weekday; None where its past is too short, or idle."""
    first = series.first_day()
    weeks = 0 if first is None else min(policy.weeks, (day - first) // _WEEK)
    if weeks < policy.min_weeks:
        return None
    return _level(lambda at: 0 if (bucket := series.get(at)) is None else bucket[EVENTS], day, weeks)


def _level(actual: Callable[[int], int], day: int, weeks: int) -> DayLevel | None:
    usual = median([actual(day - _WEEK * week) for week in range(1, weeks + 1)])
    return DayLevel(actual(day), usual) if usual > 0 else None


class FleetDays:
    """Activity of a tenant by source and day: sums, so that those of several partitions add up in any order."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))

    def add(self, source: str, day: int, events: int) -> None:
        """Activity of a day grew by ``events``; less than none where what counted goes away."""
        self._sums[source][day] += events

    def merge(self, other: FleetDays) -> None:
        """Take in another partition's sums."""
        for source, days in other._sums.items():
            for day, events in days.items():
                self.add(source, day, events)

    def by_source(self) -> dict[str, dict[int, int]]:
        """The sums, by source and day."""
        return {source: dict(days) for source, days in self._sums.items()}

    def forget(self, before_day: int) -> None:
        """Forget the days before ``before_day``, and sources that have no other."""
        for source in list(self._sums):
            kept = {day: events for day, events in self._sums[source].items() if day >= before_day}
            if kept:
                self._sums[source] = defaultdict(int, kept)
            else:
                del self._sums[source]

    def level(self, day: int, policy: FleetGuardPolicy, is_blind: IsBlind) -> DayLevel | None:
        """The level of ``day`` over all sources that were seen on it; None where little is usual, as on days of rest.

        That is too little in itself, or against the busiest weekday: on a day of rest a few who work make the noise.
        """
        seen = [source for source in self._sums if not is_blind(source, day)]
        week = range(day - _WEEK + 1, day + 1)
        *_, found = levels = [self._held_against(at, seen, policy, is_blind) for at in week]
        busiest = max(level.usual for level in levels)
        return found if found.usual >= max(policy.min_actions, policy.rest_share * busiest) else None

    def _held_against(self, day: int, sources: Iterable[str], policy: FleetGuardPolicy, is_blind: IsBlind) -> DayLevel:
        """Of a source the weeks count on which it was seen, from its first day on."""
        actual, usual = 0, 0.0
        for source in sources:
            days = self._sums[source]
            weeks = range(day - _WEEK, max(day - _WEEK * policy.weeks, min(days)) - 1, -_WEEK)
            past = [days.get(at, 0) for at in weeks if not is_blind(source, at)]
            if len(past) >= policy.min_weeks:
                actual += days.get(day, 0)
                usual += median(past)
        return DayLevel(actual, usual)


def fleet_is_down(level: DayLevel | None, policy: FleetGuardPolicy, *, was_down: bool) -> bool:
    """Whether the fleet does less: more than the share of signals §7 at first, and a lesser one as long as it lasts.

    A day of which nothing can be said is as the day before.
    """
    if level is None:
        return was_down
    return level.ratio < 1 - (policy.leave if was_down else policy.enter)


class DownDays(NamedTuple):
    """The newest days on which the fleet was down, ascending, and the last day that was judged."""

    days: tuple[int, ...] = ()
    judged: int | None = None

    def judge(self, day: int, level: DayLevel | None, policy: FleetGuardPolicy) -> DownDays:
        """Judge ``day``, the one after the last that was judged."""
        was_down = bool(self.days) and self.days[-1] == day - 1
        days = (*self.days, day) if fleet_is_down(level, policy, was_down=was_down) else self.days
        return DownDays(tuple(at for at in days if at > day - policy.kept_days), day)

    def hold(
        self, instant: int, opened: int, window_days: int, policy: FleetGuardPolicy, *, left_out: int | None = None
    ) -> bool:
        """Whether an alert that ``opened`` on a grid day is held back at grid day ``instant``.

        ``window_days`` is the window that it was told from. A week of hysteresis is the least: the week after a
        holiday is no usual one. What rests on days of the dip itself is held for longer: one slow week more, and it
        would not have ended yet. Of what is told from each day of its window for itself, ``left_out`` of the fleet's
        down days counted for nothing; where all of them are, it rests on none, and is held back for the least.
        """
        down = self._between(opened - window_days, opened)
        if left_out is not None and down <= left_out:
            width = policy.hold_days
        else:
            width = max(window_days, policy.dip_days if down else policy.hold_days)
        return self._between(instant - width, instant) > 0

    def _between(self, first: int, end: int) -> int:
        """On how many days from ``first`` to before ``end`` the fleet was down."""
        return bisect_left(self.days, end) - bisect_left(self.days, first)


def down_days(levels: Iterable[tuple[int, DayLevel | None]], policy: FleetGuardPolicy) -> DownDays:
    """Judge days one after the other."""
    found = DownDays()
    for day, level in levels:
        found = found.judge(day, level, policy)
    return found
