"""Triage's stage: candidates of all partitions in, alerts and digests out (design §2).

What holds at a grid instant waits until every partition of ``customers`` has passed it: then it is known how the whole
fleet does, and which alerts of an owner are the most important. What happened on the day that runs does not wait. So
neither the order of arrival nor the number of partitions decides who is told of what.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from operator import itemgetter

import msgspec

from ebbtide.models.clock.watermark import ClockState
from ebbtide.models.outputs import Flush, Output
from ebbtide.models.policy import CorePolicy
from ebbtide.models.triage.desk import DESK_KEY, Desk, decode, encode, subject
from ebbtide.models.triage.fleet import FLEET_KEY, FleetWatch
from ebbtide.models.triage.journal import Values, journal, journal_keys, redone
from ebbtide.models.triage.tenant import TenantTriage
from ebbtide.schemas.alert import Alert, AlertCandidate, DayActivity
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.feedback import AlertFeedback
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic

META_KEY = b"@partition"
WAITING_KEY = b"waiting/"

Waiting = AlertCandidate | AlertFeedback | DayActivity
_KINDS: dict[bytes, type[Waiting]] = {b"a": DayActivity, b"c": AlertCandidate, b"f": AlertFeedback}
_MARKS = {kind: mark for mark, kind in _KINDS.items()}


class TriageState(msgspec.Struct):
    """What the stage must remember beside the desks and what waits."""

    applied: int = -1
    clock: ClockState = msgspec.field(default_factory=ClockState)
    settled_day: int | None = None
    flush: int = 0
    journal_parts: int = 0


class TriageStage:
    """Triage of all tenants. ``stored`` gives the table's values once; writes go through ``flush``."""

    def __init__(self, sources: frozenset[str], policy: CorePolicy, stored: Iterable[tuple[bytes, bytes]]) -> None:
        self.repeats = 0
        self.ignored: Counter[str] = Counter()
        self._policy, self._guard = policy.triage, policy.fleet_guard
        self._meta = TriageState()
        self._waiting: dict[int, Waiting] = {}
        # Customers of whom something waits: nothing of theirs may overtake it.
        self._subjects: Counter[tuple[str, str]] = Counter()
        self._writes: dict[bytes, Waiting | None] = {}
        # Whether a day was judged since the last flush.
        self._judged = False
        table = dict(stored)
        mark = table.pop(META_KEY, None)
        if mark is not None:
            self._meta = msgspec.msgpack.decode(mark, type=TriageState)
        self._redone = redone(table, self._meta.flush)
        desks: defaultdict[str, list[Desk]] = defaultdict(list)
        fleets: dict[str, FleetWatch] = {}
        for key in sorted(table):
            if key.startswith(DESK_KEY):
                desk = decode(table[key])
                desks[desk.tenant].append(desk)
            elif key.startswith(FLEET_KEY):
                tenant = key.removeprefix(FLEET_KEY).decode()
                fleets[tenant] = FleetWatch(tenant, policy.fleet_guard, table[key])
            else:
                self._put(int.from_bytes(key.removeprefix(WAITING_KEY), "big"), _read(table[key]))
        self.tenants = {name: self._made(name, fleets.get(name), desks[name]) for name in sorted({*desks, *fleets})}
        self._clock = self._meta.clock.clock(sources)

    @property
    def waiting(self) -> int:
        """Records whose instant not every partition has passed."""
        return len(self._waiting)

    @property
    def _settled_day(self) -> int:
        settled = self._meta.settled_day
        return -1 if settled is None else settled

    def apply(self, offset: int, record: Waiting | Tick) -> None:
        """Take in one record; decide every instant that all partitions have passed."""
        if offset <= self._meta.applied:
            return
        self._meta.applied = offset
        if isinstance(record, Tick):
            if self._clock.tick(record):
                self._pass((self._clock.time_ms or 0) // DAY_MS)
        elif isinstance(record, DayActivity):
            if _instant(record) <= self._settled_day:
                self.repeats += 1
            else:
                self._put(offset, record)
                self._writes[_key(offset)] = record
        elif self._may_go(record):
            self._decide([record], max(_time(record), self._settled_day * DAY_MS))
        else:
            self._put(offset, record)
            self._writes[_key(offset)] = record

    def _may_go(self, record: AlertCandidate | AlertFeedback) -> bool:
        """Whether it waits for nothing: it happens now, or comes late, and nothing of the customer's waits."""
        return (_at_once(record) or _instant(record) <= self._settled_day) and not self._subjects[_subject(record)]

    def _put(self, offset: int, record: Waiting) -> None:
        self._waiting[offset] = record
        if not isinstance(record, DayActivity):
            self._subjects[_subject(record)] += 1

    def _pass(self, target: int) -> None:
        meta = self._meta
        if meta.settled_day is None:
            meta.settled_day = min([target, *map(_instant, self._waiting.values())]) - 1
        while meta.settled_day < target:
            meta.settled_day += 1
            self._settle(meta.settled_day)

    def _settle(self, day: int) -> None:
        """Decide the grid instant of a day, and before it what happened on the day that it ends."""
        at_ms = day * DAY_MS
        activity: defaultdict[str, dict[str, DayActivity]] = defaultdict(dict)
        grid: list[AlertCandidate | AlertFeedback] = []
        later: list[AlertCandidate | AlertFeedback] = []
        for record in self._take(day):
            if isinstance(record, DayActivity):
                self._tenant(record.tenant)
                self.repeats += record.partition in activity[record.tenant]
                activity[record.tenant].setdefault(record.partition, record)
            elif _at_once(record):
                # It waited for what the customer had said before.
                later.append(record)
            elif _time(record) == at_ms:
                grid.append(record)
            else:
                self._decide([record], _time(record))
        candidates = self._heard(grid)
        for name, tenant in self.tenants.items():
            tenant.close_day(day - 1)
            # How the fleet does is known before anything of the instant is told.
            fleet = list(tenant.fleet.judge(day, activity[name].values()))
            self.repeats += tenant.take([*fleet, *candidates[name]], at_ms)
            tenant.pass_time(at_ms)
        self._judged = True
        for record in later:
            self._decide([record], _time(record))

    def _take(self, day: int) -> list[Waiting]:
        """What is due at an instant, in its order, and no more waits."""
        due = [
            (offset, record)
            for offset, record in self._waiting.items()
            if _instant(record) <= day or (_at_once(record) and _time(record) < (day + 1) * DAY_MS)
        ]
        for offset, record in due:
            del self._waiting[offset]
            self._writes[_key(offset)] = None
            if not isinstance(record, DayActivity):
                subject_of = _subject(record)
                self._subjects[subject_of] -= 1
                if not self._subjects[subject_of]:
                    del self._subjects[subject_of]
        return list(_ordered(due))

    def _decide(self, records: list[AlertCandidate | AlertFeedback], at_ms: int) -> None:
        """Decide about what comes at one moment."""
        for tenant, found in self._heard(records).items():
            self.repeats += self._tenant(tenant).take(found, at_ms)

    def _heard(self, records: list[AlertCandidate | AlertFeedback]) -> defaultdict[str, list[AlertCandidate]]:
        """Take in what people said; what customers say, by tenant."""
        candidates: defaultdict[str, list[AlertCandidate]] = defaultdict(list)
        for record in records:
            if isinstance(record, AlertCandidate):
                self._tenant(record.alert.tenant)
                candidates[record.alert.tenant].append(record)
            else:
                refused = self._tenant(record.feedback.tenant).respond(record.feedback)
                if refused is not None:
                    self.ignored[refused] += 1
        return candidates

    def _tenant(self, tenant: str) -> TenantTriage:
        found = self.tenants.get(tenant)
        if found is None:
            found = self.tenants[tenant] = self._made(tenant)
        return found

    def _made(self, tenant: str, fleet: FleetWatch | None = None, desks: Iterable[Desk] = ()) -> TenantTriage:
        return TenantTriage(tenant, self._policy, fleet or FleetWatch(tenant, self._guard), desks)

    def take_outputs(self) -> list[Output]:
        """Alerts and digests since the last time; state is left to ``flush``."""
        self._writes, self._judged = {}, False
        outputs: list[Output] = []
        for name, tenant in self.tenants.items():
            tenant.changed.clear()
            for told, caused_ms in tenant.take_told():
                if isinstance(told, Alert):
                    outputs.append(Output(Topic.ALERTS, told.customer_id or name, told, caused_ms=caused_ms))
                else:
                    outputs.append(Output(Topic.ALERT_DIGESTS, f"{name}/{told.owner}", told))
        return outputs

    def flush(self) -> Flush:
        """Alerts and digests to publish, and values to store, since the last flush: all of these hold, or none."""
        meta = self._meta
        meta.clock = ClockState.of(self._clock)
        values, self._redone = self._redone, {}
        for tenant in self.tenants.values():
            for customer_id in tenant.changed:
                desk = tenant.desks[customer_id]
                values[desk.key] = encode(desk)
            if self._judged:
                values[tenant.fleet.key] = tenant.fleet.stored()
        values |= {key: None if record is None else _stored(record) for key, record in self._writes.items()}
        parts: list[tuple[bytes, bytes]] = []
        gone: list[bytes] = []
        if values:
            parts = list(journal(values, meta.flush + 1))
            gone = journal_keys(meta.flush, meta.journal_parts)
            meta.flush, meta.journal_parts = meta.flush + 1, len(parts)
        writes: Values = {**dict(parts), META_KEY: msgspec.msgpack.encode(meta), **values, **dict.fromkeys(gone)}
        return Flush(self.take_outputs(), writes)


def _time(record: Waiting) -> int:
    """When it happened, epoch milliseconds."""
    if isinstance(record, AlertCandidate):
        return to_ms(record.alert.occurred_at)
    return to_ms(record.instant if isinstance(record, DayActivity) else record.feedback.recorded_at)


def _instant(record: Waiting) -> int:
    """The grid instant that it waits for."""
    if isinstance(record, AlertFeedback):
        return -(-_time(record) // DAY_MS)
    return to_ms(record.instant) // DAY_MS


def _at_once(record: Waiting) -> bool:
    """Whether it happened on the day that runs."""
    if isinstance(record, AlertCandidate):
        return record.alert.occurred_at > record.instant
    return isinstance(record, AlertFeedback) and record.at_once


def _subject(record: AlertCandidate | AlertFeedback) -> tuple[str, str]:
    if isinstance(record, AlertCandidate):
        return record.alert.tenant, subject(record.alert)
    return record.feedback.tenant, record.feedback.customer_id


def _ordered(records: Iterable[tuple[int, Waiting]]) -> Iterator[Waiting]:
    """Records with their offsets, in the order of time; of one customer never against that of its versions.

    Of what somebody says and what happens at one moment the first goes first.
    """
    newest: dict[tuple[str, str], int] = {}
    placed: list[tuple[int, str, str, int, str, int, Waiting]] = []
    for offset, record in sorted(records, key=lambda one: (_version(one[1]), one[0])):
        at_ms, name = _time(record), ""
        of = (record.tenant, "") if isinstance(record, DayActivity) else _subject(record)
        if isinstance(record, AlertCandidate):
            at_ms = newest[of] = max(at_ms, newest.get(of, at_ms))
        elif isinstance(record, AlertFeedback):
            name = record.feedback.feedback_id
        placed.append((at_ms, *of, _version(record), name, offset, record))
    placed.sort(key=itemgetter(slice(6)))
    return (record for *_, record in placed)


def _version(record: Waiting) -> int:
    return record.alert.version if isinstance(record, AlertCandidate) else -1


def _key(offset: int) -> bytes:
    return WAITING_KEY + offset.to_bytes(8, "big")


def _stored(record: Waiting) -> bytes:
    return _MARKS[type(record)] + record.to_json()


def _read(value: bytes) -> Waiting:
    return _KINDS[value[:1]].from_json(value[1:])
