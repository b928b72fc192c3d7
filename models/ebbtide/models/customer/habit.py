"""What a customer usually does on each day of the week, and how likely a day is if it does only a share of that.

A day is told by how many of its people were active and how much they did. Each person comes with its own chance on
each weekday, so the number of people spreads the less the steadier they are; that the usual wanders, and is known from
a few weeks only, counts as spread too. It is a quasi-likelihood (Wedderburn, Biometrika 61, 1974). What was done is
negative binomial, given how many people there were: a few do most.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Container, Sequence
from functools import lru_cache
from math import ceil, exp, fsum, log
from operator import mul
from sys import byteorder
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

_PLACE = 2
"""Bytes of a number of days, of which the lowest is at ``_LOW``."""

_LOW = _PLACE - 1 if byteorder == "big" else 0
_ONLY = [bytes([255 * (at == weekday) for at in range(_WEEK) for _ in range(_PLACE)]) for weekday in range(_WEEK)]
"""By weekday, a person's places of which only that of the weekday counts."""

Days = Container[int]
Sums = Callable[[int, int], int]
"""How many before a day, in a number of days."""

Weeks = dict[int, int]
"""By Monday, who came on which days of the week: one number, of ``_PLACE`` bytes for each person and weekday."""

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
        self,
        monday: int,
        first_day: int,
        people: Sequence[Days],
        actions: Sums,
        unseen: Collection[int] = (),
        known: Weeks | None = None,
    ) -> Habit | None:
        """The habit as of the day ``monday``, from the whole weeks before it; None where they are too few or too idle.

        The newest of them teach nothing as far as older ones are enough. ``first_day`` is the first active one,
        ``people`` the active days of each; ``actions`` tells what all did in so many days before a day. ``unseen`` days
        teach nothing; where more than half of the days are, nothing is known. ``known`` weeks of the same people are
        not looked at again.
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
        came = _came(people, range(first, monday, _WEEK), lost, {} if known is None else known)
        numbers = [weeks] * _WEEK
        for day in lost:
            numbers[weekday_of(day)] -= 1
        chances = _chances(came[:_WORKDAYS], numbers[:_WORKDAYS]) + _chances(came[_WORKDAYS:], numbers[_WORKDAYS:])
        seen = list(map(sum, came))
        # Exact sums: people come in any order.
        weekdays = [
            self._weekday(fsum(each), fsum(map(mul, each, each)), count)
            for each, count in zip(chances, seen, strict=True)
        ]
        return Habit(tuple(weekdays), round((done + _ACTIONS_PRIOR) / (sum(seen) + 1), 2))

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


def _came(people: Sequence[Days], mondays: range, lost: Collection[int], known: Weeks) -> list[array[int]]:
    """By weekday, on how many of its days each person came in the weeks from some Mondays on; ``lost`` days aside."""
    for monday in mondays:
        if monday not in known:
            known[monday] = _week(people, range(monday, monday + _WEEK))
    # The sum of as many numbers as there are people and weekdays at once: none is too great for its place.
    total = sum([known[monday] for monday in mondays])
    for day in lost:
        weekday = weekday_of(day)
        total -= known[day - weekday] & int.from_bytes(_ONLY[weekday] * len(people), byteorder)
    came = array("H")
    came.frombytes(total.to_bytes(_WEEK * _PLACE * len(people), byteorder))
    return [came[weekday::_WEEK] for weekday in range(_WEEK)]


def _week(people: Sequence[Days], days: range) -> int:
    """Who came on the days of a week."""
    marks = bytes([day in active for active in people for day in days])
    places = bytearray(_PLACE * len(marks))
    places[_LOW::_PLACE] = marks
    return int.from_bytes(places, byteorder)


def _chances(came: list[array[int]], numbers: list[int]) -> list[list[float]]:
    """The chance of each person by weekday, of those of one kind; of each weekday there were so many days."""
    days = sum(numbers)
    on_kind = list(map(sum, zip(*came, strict=True)))
    found = []
    for counts, number in zip(came, numbers, strict=True):
        told = _told_chances(number, days)
        found.append([told[kind][count] for kind, count in zip(on_kind, counts, strict=True)])
    return found


@lru_cache(maxsize=1 << 10)
def _told_chances(number: int, days: int) -> list[list[float]]:
    """Chances by how often somebody came on days of a kind, of which there were ``days``, and on the ``number`` of them
    that are of the weekday."""
    size = number + _CLASS_DAYS
    kinds = [_CLASS_DAYS * (kind / max(days, 1)) for kind in range(days + 1)]
    return [[(count + kind) / size for count in range(number + 1)] for kind in kinds]
