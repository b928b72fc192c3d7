"""What a tenant's whole fleet did day by day, as all partitions of ``customers`` told it, and when it was down."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ebbtide.models.alerting.fleet_guard import DayLevel, DownDays, FleetDays
from ebbtide.models.policy import FleetGuardPolicy
from ebbtide.schemas.alert import DayActivity

_WEEK = 7


class StoredHistory(msgspec.Struct, array_like=True):
    """What is stored of a history."""

    events: dict[str, dict[int, int]]
    blind: dict[str, list[int]]
    down: list[int]
    judged: int | None


class FleetHistory:
    """Activity of a tenant by source and day, and the days on which it was down."""

    def __init__(self, policy: FleetGuardPolicy, stored: StoredHistory | None = None) -> None:
        self._policy = policy
        self._days = FleetDays()
        self._blind: dict[str, set[int]] = {}
        self.down = DownDays()
        if stored is not None:
            for source, days in stored.events.items():
                for day, events in days.items():
                    self._days.add(source, day, events)
            self._blind = {source: set(days) for source, days in stored.blind.items()}
            self.down = DownDays(tuple(stored.down), stored.judged)

    def stored(self) -> StoredHistory:
        """As a table keeps it."""
        blind = {source: sorted(days) for source, days in sorted(self._blind.items())}
        events = {source: dict(sorted(days.items())) for source, days in sorted(self._days.by_source().items())}
        return StoredHistory(events, blind, list(self.down.days), self.down.judged)

    def judge(self, day: int, activity: Iterable[DayActivity]) -> DayLevel | None:
        """Take in what the fleet did on the day before grid instant ``day``, and judge it; returns its level."""
        policy, before = self._policy, day - 1
        for told in activity:
            for source, events in told.events.items():
                self._days.add(source, before, events)
            for source in told.blind:
                self._blind.setdefault(source, set()).add(before)
        oldest = before - _WEEK * (policy.weeks + 1)
        self._days.forget(oldest)
        self._blind = {
            source: kept for source, days in self._blind.items() if (kept := {day for day in days if day >= oldest})
        }
        level = self._days.level(before, policy, self._is_blind)
        self.down = self.down.judge(before, level, policy)
        return level

    def _is_blind(self, source: str, day: int) -> bool:
        return day in self._blind.get(source, ())
