"""How a tenant's whole fleet does, day by day: what holds back alerts that say nothing of a customer (signals §7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import msgspec

from ebbtide.models.alerting.fleet_guard import DownDays, FleetDays
from ebbtide.models.alerting.ops import UP_AGAIN, ops_alert
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.policy import FleetGuardPolicy
from ebbtide.schemas.alert import Alert, AlertCandidate, AlertState, AlertType, DayActivity
from ebbtide.schemas.base import DAY_MS, DAY_SECONDS

FLEET_KEY = b"fleet/"

SHARED = {AlertType.SUDDEN_DROP: "window_days", AlertType.ASLEEP: "silence_days", AlertType.LEFT: "silence_days"}
"""Types that say nothing of a customer whose fleet does less, and where their evidence says how far they look back."""

_WEEK = 7
_EPOCH = date(1970, 1, 1).toordinal()


class _Stored(msgspec.Struct, array_like=True):
    """What is stored of a fleet."""

    events: dict[str, dict[int, int]]
    blind: dict[str, list[int]]
    down: list[int]
    judged: int | None
    began: int | None


class FleetWatch:
    """Activity of a tenant by source and day, and the days on which it was down."""

    def __init__(self, tenant: str, policy: FleetGuardPolicy, value: bytes | None = None) -> None:
        self.tenant = tenant
        self._policy = policy
        self._days = FleetDays()
        self._blind: dict[str, set[int]] = {}
        self._down = DownDays()
        self._began: int | None = None
        if value is not None:
            stored = msgspec.msgpack.decode(value, type=_Stored)
            for source, days in stored.events.items():
                for day, events in days.items():
                    self._days.add(source, day, events)
            self._blind = {source: set(days) for source, days in stored.blind.items()}
            self._down = DownDays(tuple(stored.down), stored.judged)
            self._began = stored.began

    @property
    def key(self) -> bytes:
        """Under which the table keeps it."""
        return FLEET_KEY + self.tenant.encode()

    @property
    def judged_day(self) -> int | None:
        """The last day that was judged."""
        return self._down.judged

    def stored(self) -> bytes:
        """As the table keeps it."""
        blind = {source: sorted(days) for source, days in sorted(self._blind.items())}
        down = self._down
        return msgspec.msgpack.encode(_Stored(self._days.by_source(), blind, list(down.days), down.judged, self._began))

    def judge(self, day: int, activity: Iterable[DayActivity]) -> Iterator[AlertCandidate]:
        """Take in what the fleet did on the day before grid instant ``day``; tell where it goes down or up."""
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
        self._down = self._down.judge(before, level, policy)
        is_down = before in self._down.days
        if is_down and self._began is None:
            self._began = before
            assert level is not None, "only what is known brings a fleet down"
            shown = {"percent": round(level.ratio * 100), "events": level.actual, "usual": round(level.usual, 1)}
            yield self._candidate(AlertState.OPEN, day, {"day": _date(before), **shown})
        elif not is_down and self._began is not None:
            days = {"day": _date(self._began), "days": before - self._began}
            yield self._candidate(AlertState.RESOLVED, day, days)
            self._began = None

    def holds(self, alert: Alert, day: int) -> bool:
        """Whether an alert is held back at grid instant ``day``: what it looks back on holds days of a down fleet."""
        width = SHARED.get(alert.type)
        if width is None or not self._down.days:
            return False
        found = alert.evidence.get(width)
        opened = alert.occurred_at.toordinal() - _EPOCH
        return self._down.hold(day, opened, int(found) if isinstance(found, int | float) else 0, self._policy)

    def _is_blind(self, source: str, day: int) -> bool:
        return day in self._blind.get(source, ())

    def _candidate(self, state: AlertState, day: int, evidence: dict[str, object]) -> AlertCandidate:
        alert = ops_alert(
            self.tenant,
            AlertType.FLEET_DROP,
            evidence,
            episode=str(evidence["day"]),
            state=state,
            at=from_ms(day * DAY_MS),
            version=day,
            resolved_reason=UP_AGAIN if state is AlertState.RESOLVED else None,
        )
        return AlertCandidate.unchecked(alert=alert, instant=alert.occurred_at, worth=None)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_SECONDS, UTC).strftime("%Y-%m-%d")
