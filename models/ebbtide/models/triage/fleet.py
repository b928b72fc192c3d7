"""How a tenant's whole fleet does, day by day: what holds back alerts that say nothing of a customer (signals §7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

import msgspec

from ebbtide.models.alerting.conditions import LEFT_OUT
from ebbtide.models.alerting.fleet_history import FleetHistory, StoredHistory
from ebbtide.models.alerting.ops import UP_AGAIN, ops_alert
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.policy import FleetGuardPolicy
from ebbtide.schemas.alert import Alert, AlertCandidate, AlertState, AlertType, DayActivity
from ebbtide.schemas.base import DAY_MS, DAY_SECONDS

FLEET_KEY = b"fleet/"

SHARED = {
    AlertType.SUDDEN_DROP: "window_days",
    AlertType.ASLEEP: "silence_days",
    AlertType.LEFT: "silence_days",
    AlertType.KEY_PERSON_LOST: "silence_days",
}
"""Types that say nothing of a customer whose fleet does less, and where their evidence says how far they look back."""

_BY_DAYS = {AlertType.SUDDEN_DROP, AlertType.KEY_PERSON_LOST}
"""Types whose evidence is that of single days, and says how many of the dip's it left out."""

_EPOCH = date(1970, 1, 1).toordinal()


class _Stored(StoredHistory, array_like=True):
    """What is stored of a fleet."""

    began: int | None


class FleetWatch:
    """How a tenant's fleet does, and since when it is down."""

    def __init__(self, tenant: str, policy: FleetGuardPolicy, value: bytes | None = None) -> None:
        self.tenant = tenant
        self._policy = policy
        stored = None if value is None else msgspec.msgpack.decode(value, type=_Stored)
        self._history = FleetHistory(policy, stored)
        self._began = None if stored is None else stored.began

    @property
    def key(self) -> bytes:
        """Under which the table keeps it."""
        return FLEET_KEY + self.tenant.encode()

    @property
    def judged_day(self) -> int | None:
        """The last day that was judged."""
        return self._history.down.judged

    def stored(self) -> bytes:
        """As the table keeps it."""
        history = self._history.stored()
        return msgspec.msgpack.encode(_Stored(history.events, history.blind, history.down, history.judged, self._began))

    def judge(self, day: int, activity: Iterable[DayActivity]) -> Iterator[AlertCandidate]:
        """Take in what the fleet did on the day before grid instant ``day``; tell where it goes down or up."""
        before = day - 1
        level = self._history.judge(day, activity)
        is_down = before in self._history.down.days
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
        """Whether an alert is held back at grid instant ``day``: it rests on days on which the fleet was down."""
        width, down = SHARED.get(alert.type), self._history.down
        if width is None or not down.days:
            return False
        opened = alert.occurred_at.toordinal() - _EPOCH
        if alert.evidence.get("told"):
            # Not by what was done: the CRM said so.
            return False
        left_out = _number(alert.evidence.get(LEFT_OUT)) if alert.type in _BY_DAYS else None
        return down.hold(day, opened, _number(alert.evidence.get(width)), self._policy, left_out=left_out)

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


def _number(found: object) -> int:
    return int(found) if isinstance(found, int | float) else 0


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_SECONDS, UTC).strftime("%Y-%m-%d")
