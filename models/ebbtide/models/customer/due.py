"""Timers by event time: who is to be looked at on which day. Nobody else is touched when a day passes."""

from __future__ import annotations

import heapq


class DueDays:
    """Customer ids by the day on which they are due: days in a heap, the ids of a day in a list.

    An id may stand under several days; whoever takes it asks the customer which of them holds.
    """

    __slots__ = ("_days", "_ids")

    def __init__(self) -> None:
        self._days: list[int] = []
        self._ids: dict[int, list[str]] = {}

    def put(self, day: int, customer_id: str) -> None:
        """Note that the customer is due on ``day``."""
        ids = self._ids.get(day)
        if ids is None:
            ids = self._ids[day] = []
            heapq.heappush(self._days, day)
        ids.append(customer_id)

    @property
    def first_day(self) -> int | None:
        """The earliest day on which anybody is due."""
        return self._days[0] if self._days else None

    def take(self, day: int) -> list[tuple[int, str]]:
        """Everybody due by ``day``, with the day: in the order of days, then of ids. They are due no more."""
        taken: list[tuple[int, str]] = []
        while self._days and self._days[0] <= day:
            due = heapq.heappop(self._days)
            taken += [(due, customer_id) for customer_id in sorted(self._ids.pop(due))]
        return taken
