"""On which days a tenant's whole fleet was down: judged as triage does, and told to customers with the statistics.

What partitions say of a day waits until all of them have reported an observation instant behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ebbtide.models.alerting.fleet_history import FleetHistory, StoredHistory
from ebbtide.models.customer.course import reach_days
from ebbtide.models.policy import CorePolicy
from ebbtide.schemas.alert import DayActivity
from ebbtide.schemas.base import DAY_MS, to_ms

DOWN_KEY, WAITING_KEY = b"down/", b"activity/"


class Told(NamedTuple):
    """Which partition told of the day before which grid instant."""

    instant: int
    tenant: str
    partition: str

    @property
    def key(self) -> bytes:
        """Under which the table keeps it."""
        return WAITING_KEY + msgspec.json.encode(self)


class DownDayBook:
    """Histories of all tenants, what waits to be judged, and the table values that keep them."""

    def __init__(self, policy: CorePolicy) -> None:
        guard = policy.fleet_guard
        # For as long as a customer's days and habits look back, and until they are told the next time.
        reach = reach_days(policy.baseline, policy.drop) + policy.observation.every_days
        self._policy = guard.model_copy(update={"kept_days": max(guard.kept_days, reach)})
        self._histories: dict[str, FleetHistory] = {}
        self._waiting: dict[Told, DayActivity] = {}
        self._writes: dict[bytes, bytes | None] = {}

    def restore(self, key: bytes, value: bytes) -> None:
        """Take up a stored value."""
        if key.startswith(DOWN_KEY):
            stored = msgspec.msgpack.decode(value, type=StoredHistory)
            self._histories[key.removeprefix(DOWN_KEY).decode()] = FleetHistory(self._policy, stored)
        else:
            told = msgspec.json.decode(key.removeprefix(WAITING_KEY), type=Told)
            self._waiting[told] = DayActivity.from_json(value)

    def add(self, activity: DayActivity) -> bool:
        """Note what a partition did on a day; False where it told of it before."""
        told = Told(to_ms(activity.instant) // DAY_MS, activity.tenant, activity.partition)
        if told in self._waiting:
            return False
        self._waiting[told] = activity
        self._writes[told.key] = activity.to_json()
        return True

    def judge(self, through: int) -> None:
        """Judge the days before grid instant ``through``; those that were judged before stay as they are."""
        due: defaultdict[str, defaultdict[int, list[DayActivity]]] = defaultdict(lambda: defaultdict(list))
        for told in [told for told in self._waiting if told.instant <= through]:
            due[told.tenant][told.instant].append(self._waiting.pop(told))
            self._writes[told.key] = None
        for tenant in {*self._histories, *due}:
            history = self._histories.setdefault(tenant, FleetHistory(self._policy))
            judged, days = history.down.judged, due[tenant]
            for instant in range(min(days) if judged is None else judged + 2, through + 1):
                history.judge(instant, days[instant])
            self._writes[DOWN_KEY + tenant.encode()] = msgspec.msgpack.encode(history.stored())

    def days(self, tenant: str) -> tuple[int, ...]:
        """The newest down days of a tenant, oldest first."""
        history = self._histories.get(tenant)
        return () if history is None else history.down.days

    def take_writes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Table values since the last time; None where one goes."""
        writes, self._writes = self._writes, {}
        yield from writes.items()
