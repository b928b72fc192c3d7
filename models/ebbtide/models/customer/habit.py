"""What a customer usually does on each day of the week, and how likely a day is if it does only a share of that.

A day is told by how many of its people were active and how much they did. Each person comes with its own chance on
each weekday, so the number of people spreads the less the steadier they are; that the usual wanders, and is known from
a few weeks only, counts as spread too. It is a quasi-likelihood (Wedderburn, Biometrika 61, 1974). What was done is
negative binomial, given how many people there were: a few do most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Sequence
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from math import ceil, exp, fsum, log
from operator import add
from typing import NamedTuple

from ebbtide.models.customer.workdays import weekday_of
from ebbtide.models.policy import BaselinePolicy, DropPolicy

_WEEK = 7
_WORKDAYS = 5
_CLASS_DAYS = 2.0
"""So many days count the mean of all workdays, or of the weekend, against the days of the weekday itself."""

_FEWEST = 0.02
"""People usually active on a day that nobody was seen on."""

_LEAST_SPREAD = 0.25
"""Variance of a day's people over their number, at least: nobody is that steady for ever."""

_LEAST_VARIANCE = 0.05
_KNOWN_PRIOR = 0.5

_ACTIONS_PRIOR = 2.5
"""Actions of a person's active day before any is known."""

_SHARED = 0.1
"""By so much each further person tells less of a day's actions: what makes a day busy makes it so for all."""

_LEAST_REST = 0.05
"""Actions beyond the first that a person is expected to do on an active day, at least."""

Days = Container[int]
Sums = Callable[[int, int], int]
"""How many before a day, in a number of days."""

Parts = tuple[float, float]
"""Of a log-likelihood ratio: a constant, and what each that is counted adds."""


class Weekday(NamedTuple):
    """People usually active on a weekday, and for each share of the usual the parts of what their number tells."""

    people: float
    by_share: tuple[Parts, ...]


class Habit(NamedTuple):
    """What is usual as of an instant: by weekday from Monday on, and the actions of a person's active day."""

    weekdays: tuple[Weekday, ...]
    actions: float


class Habits:
    """Habits, and days held against them, under one policy. Holds no state of any customer."""

    def __init__(self, baseline: BaselinePolicy, policy: DropPolicy) -> None:
        self._baseline, self._policy = baseline, policy
        power = policy.people_power
        self._of_people = [(1 - share**power, power * log(share)) for share in policy.shares]
        # Few numbers of people at few rates: nearly every day was asked before.
        self._of_actions = lru_cache(maxsize=1 << 14)(self._parts_of_actions)

    def as_of(
        self, monday: int, first_day: int, people: Sequence[Days], actions: Sums, unseen: Collection[int] = ()
    ) -> Habit | None:
        """The habit as of the day ``monday``, from the whole weeks before it; None where they are too few or too idle.

        The newest of them teach nothing as far as older ones are enough. ``first_day`` is the first active one,
        ``people`` the active days of each; ``actions`` tells what all did in so many days before a day. ``unseen`` days
        teach nothing; where more than half of the days are, nothing is known.
        """
        baseline = self._baseline
        spare = (monday - first_day) // _WEEK - baseline.min_weeks
        if spare < 0:
            return None
        monday -= _WEEK * min(self._policy.habit_lag_weeks, spare)
        weeks = min(baseline.weeks, (monday - first_day) // _WEEK)
        first, older_weeks = monday - _WEEK * weeks, ceil(weeks / 2)
        lost = [day for day in unseen if first <= day < monday] if unseen else []
        seen_days = _WEEK * weeks - len(lost)
        if 2 * seen_days < _WEEK * weeks:
            return None
        half = first + _WEEK * older_weeks
        done, older = actions(monday, monday - first), actions(half, half - first)
        older_lost = [day for day in lost if day < half]
        if lost:
            done -= sum(actions(day + 1, 1) for day in lost)
            older -= sum(actions(day + 1, 1) for day in older_lost)
        # Who stops doing enough is not forgotten while that is being told.
        busiest = max(done / seen_days, older / max(_WEEK * older_weeks - len(older_lost), 1))
        if busiest * self._policy.longest_days < baseline.min_actions:
            return None
        by_weekday = [_without(lost, range(first + weekday, monday, _WEEK)) for weekday in range(_WEEK)]
        weekdays, seen = self._weekdays(people, by_weekday)
        return Habit(weekdays, round((done + _ACTIONS_PRIOR) / (seen + 1), 2))

    def _weekdays(self, people: Sequence[Days], by_weekday: list[Sequence[int]]) -> tuple[tuple[Weekday, ...], int]:
        """What is usual by weekday, of which each has its days; and on how many of them somebody came, by person."""
        ends = list(accumulate(map(len, by_weekday), initial=0))
        days, parts = list(chain.from_iterable(by_weekday)), list(pairwise(ends))
        workdays, weekends = max(ends[_WORKDAYS], 1), max(ends[_WEEK] - ends[_WORKDAYS], 1)
        sizes = [end - start + _CLASS_DAYS for start, end in parts]
        seen, chances = [0] * _WEEK, []
        for known in people:
            marks = bytes(map(known.__contains__, days))
            if 1 in marks:
                came = [marks.count(1, start, end) for start, end in parts]
                seen = list(map(add, seen, came))
                work = _CLASS_DAYS * (sum(came[:_WORKDAYS]) / workdays)
                rest = _CLASS_DAYS * (sum(came[_WORKDAYS:]) / weekends)
                kinds = (work, work, work, work, work, rest, rest)
                chances.append([(count + kind) / size for count, kind, size in zip(came, kinds, sizes, strict=True)])
        # Exact sums: people come in any order.
        of_weekdays = list(zip(*chances, strict=True)) or [()] * _WEEK
        weekdays = tuple(
            [
                self._weekday(fsum(each), fsum([chance * chance for chance in each]), count)
                for each, count in zip(of_weekdays, seen, strict=True)
            ]
        )
        return weekdays, sum(seen)

    def evidence(self, habit: Habit, day: int, people: int, actions: int) -> float:
        """How much likelier the day is if the customer does some share of its usual: the logarithm, in nats.

        Less than 0: it is less likely. The shares of the policy are equally likely.
        """
        ratios = [told + people * each for told, each in habit.weekdays[weekday_of(day)].by_share]
        if people:
            rest = max(actions - people, 0)
            parts = self._of_actions(people, habit.actions)
            ratios = [ratio + told + rest * each for ratio, (told, each) in zip(ratios, parts, strict=True)]
        most = max(ratios)
        return most + log(fsum([exp(ratio - most) for ratio in ratios]) / len(ratios))

    def _weekday(self, usual: float, squares: float, seen: int) -> Weekday:
        usual = max(usual, _FEWEST)
        wander = self._policy.people_wander + 1 / (seen + _CLASS_DAYS * usual + _KNOWN_PRIOR)
        spread = max((usual - squares + _LEAST_VARIANCE) / usual + wander * usual, _LEAST_SPREAD)
        return Weekday(usual, tuple([(usual * less / spread, each / spread) for less, each in self._of_people]))

    def _parts_of_actions(self, people: int, usual: float) -> tuple[Parts, ...]:
        """The same parts for what ``people`` did beyond an action each; ``usual`` actions each are expected."""
        policy = self._policy
        size = policy.actions_shape * people / (1 + _SHARED * people)
        before = max(people * (usual - 1), _LEAST_REST)
        by_share = []
        for share in policy.shares:
            after = max(people * (usual * share ** (1 - policy.people_power) - 1), _LEAST_REST)
            less = log((size + before) / (size + after))
            by_share.append((size * less, log(after / before) + less))
        return tuple(by_share)


def _without(lost: Collection[int], days: range) -> Sequence[int]:
    """The days that are not ``lost``: mostly all."""
    return [day for day in days if day not in lost] if lost else days
