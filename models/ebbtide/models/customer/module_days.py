"""The newest day on which each module was used: which modules count as used needs no look at every day and profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import itemgetter

_DAY = itemgetter(0)


class ModuleDays:
    """By module, over all profiles of a customer. The newest day of all is kept apart: often it is not over yet."""

    __slots__ = ("_before", "_days", "_newest", "_on_newest")

    def __init__(self, uses: Iterable[tuple[int, Mapping[str, int]]]) -> None:
        self._days: dict[str, int] = {}
        self._before = self._newest = -1
        self._on_newest: set[str] = set()
        for day, modules in sorted(uses, key=_DAY):
            self.note(day, modules)

    def note(self, day: int, modules: Iterable[str]) -> None:
        """Somebody used these modules on a day; nearly always it is the newest."""
        if day == self._newest:
            self._on_newest.update(modules)
        elif day > self._newest:
            self._days.update(dict.fromkeys(self._on_newest, self._newest))
            self._before, self._newest, self._on_newest = self._newest, day, set(modules)
        else:
            known = self._days
            known.update({module: day for module in modules if known.get(module, -1) < day})
            self._before = max(self._before, day)

    def used(self, first: int, end: int) -> set[str] | None:
        """Modules used from the day ``first`` on and before ``end``; None where later uses hide which these are."""
        if end <= self._before:
            return None
        found = {module for module, last in self._days.items() if last >= first}
        if first <= self._newest < end:
            found |= self._on_newest
        return found

    def forget(self, first: int) -> None:
        """Forget what was used before the day ``first`` alone."""
        self._days = {module: last for module, last in self._days.items() if last >= first}
