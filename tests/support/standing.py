"""Series and facts for the states of a customer. Day 20,094 is Monday, 2025-01-06."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ebbtide.models.customer.series import DaySeries
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.hysteresis import Held, StateChange
from ebbtide.schemas.base import DAY_MS

MONDAY = 20_094
HOUR_MS = 3_600_000

Step = Callable[[Held | None, int], tuple[Held, StateChange | None]]


def used(events: Mapping[int, int], queries: Iterable[int] = ()) -> DaySeries:
    """A series with so many events by day, and a query on some of these days."""
    series, with_query = DaySeries(), set(queries)
    for day in sorted(events):
        if events[day] > 0:
            series.put(day, [events[day], 0, int(day in with_query), 0, 0, 0, 0, -1, -1])
    return series


def fact(fact_type: str, day: float, profile_id: str = "", event_id: str = "", /, **data: Any) -> DatedFact:
    """A fact at a day number; a fraction is a time of that day."""
    return DatedFact(fact_type, round(day * DAY_MS), data, event_id, profile_id)


def history(*facts: DatedFact) -> History:
    return History(facts)


def walk(step: Step, days: Iterable[int]) -> tuple[Held | None, list[StateChange]]:
    """Move a state over some grid days; the state at the end and all changes but the first state."""
    held: Held | None = None
    changes: list[StateChange] = []
    for day in days:
        held, change = step(held, day)
        if change is not None and change.old is not None:
            changes.append(change)
    return held, changes
