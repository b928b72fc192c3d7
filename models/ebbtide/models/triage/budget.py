"""How much of each owner's budget of a day is spent, and who was left without a place in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ebbtide.models.policy import TriagePolicy
from ebbtide.schemas.alert import AlertType

Place = tuple[str, AlertType]
"""An alert of a customer."""


class Budget:
    """Of one tenant, by UTC day since the epoch and owner. It follows from the marks on its customers' desks."""

    def __init__(self, policy: TriagePolicy) -> None:
        self._policy = policy
        self._spent: defaultdict[tuple[int, str], int] = defaultdict(int)
        self._wanting: defaultdict[tuple[int, str], set[Place]] = defaultdict(set)

    def count(self, place: Place, day: int, owner: str, *, told: bool) -> None:
        """An alert was told, or found no place."""
        self._spent[day, owner] += told
        if told:
            self._wanting[day, owner].discard(place)
        else:
            self._wanting[day, owner].add(place)

    def has_left(self, day: int, owner: str) -> bool:
        """Whether one more may be told."""
        return self._spent[day, owner] < self._policy.budgets.get(owner, self._policy.budget_per_day)

    def wanting(self, day: int) -> Iterator[tuple[str, int, list[Place]]]:
        """By owner, in order: how many were told on a day, and what found no place."""
        for (of_day, owner), places in sorted(self._wanting.items()):
            if of_day == day:
                yield owner, self._spent[day, owner], sorted(places)

    def forget(self, day: int) -> None:
        """Nothing is asked any more of days up to this one."""
        for counts in (self._spent, self._wanting):
            for key in [key for key in counts if key[0] <= day]:
                del counts[key]
