"""The fleet's stage: summaries of all partitions in, statistics of each grid instant out (design §2).

An instant is told when every partition of ``customers`` has reported it, from what the partitions said of it: the order
of arrival and the number of partitions do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from ebbtide.models.clock.watermark import ClockState, from_ms
from ebbtide.models.fleet.candidates import merged as merged_candidates
from ebbtide.models.fleet.down_days import DOWN_KEY, WAITING_KEY, DownDayBook
from ebbtide.models.fleet.rows import lead_counts_of, lead_of, trained_of, training_of
from ebbtide.models.fleet.spends import SPEND_KEY, ChannelSpends
from ebbtide.models.fleet.stats import TenantTotals, fleet_stats
from ebbtide.models.fleet.trainings import TRAINING_KEY, TrainingBook
from ebbtide.models.outputs import EVERY_PARTITION, Flush, Output
from ebbtide.models.policy import CorePolicy
from ebbtide.models.value.attendance import merged as merged_trainings
from ebbtide.models.value.channels import merged as merged_leads
from ebbtide.schemas.alert import DayActivity
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.fleet import ChannelSpend, GridSummary, SegmentSummary
from ebbtide.schemas.profile_state import Tick
from ebbtide.schemas.topics import Topic

META_KEY = b"@partition"
_WEEK = 7
SUMMARY_KEY = b"summary/"
ROWS_KEY = b"rows/"


class FleetState(msgspec.Struct):
    """What the stage must remember beside summaries and spends."""

    applied: int = -1
    clock: ClockState = msgspec.field(default_factory=ClockState)


class Part(NamedTuple):
    """Which customers a summary is of."""

    instant_ms: int
    tenant: str
    source: str
    segment: str

    @property
    def key(self) -> bytes:
        """Under which the table keeps it."""
        return SUMMARY_KEY + msgspec.json.encode(self)


class Rows(NamedTuple):
    """Which rows: those of one record about an instant."""

    instant_ms: int
    tenant: str
    source: str
    part: int

    @property
    def key(self) -> bytes:
        """Under which the table keeps them."""
        return ROWS_KEY + msgspec.json.encode(self)


class FleetStage:
    """Merges per tenant and instant. ``stored`` gives the table's values once; writes go through ``flush``."""

    def __init__(self, sources: frozenset[str], policy: CorePolicy, stored: Iterable[tuple[bytes, bytes]]) -> None:
        self.repeats = 0
        self._policy = policy
        self._waiting: dict[Part, SegmentSummary] = {}
        self._rows: dict[Rows, GridSummary] = {}
        self._spends = ChannelSpends()
        self._trainings = TrainingBook()
        self._down = DownDayBook(policy)
        self._written: dict[bytes, bytes | None] = {}
        self._deleted: dict[bytes, None] = {}
        self._outputs: list[Output] = []
        self._meta = FleetState()
        for key, value in stored:
            if key == META_KEY:
                self._meta = msgspec.msgpack.decode(value, type=FleetState)
            elif key.startswith(SPEND_KEY):
                self._spends.restore(key, value)
            elif key.startswith(TRAINING_KEY):
                self._trainings.restore(key, value)
            elif key.startswith((DOWN_KEY, WAITING_KEY)):
                self._down.restore(key, value)
            elif key.startswith(ROWS_KEY):
                rows = msgspec.json.decode(key.removeprefix(ROWS_KEY), type=Rows)
                self._rows[rows] = GridSummary.from_json(value)
            else:
                part = msgspec.json.decode(key.removeprefix(SUMMARY_KEY), type=Part)
                self._waiting[part] = SegmentSummary.from_json(value)
        self._clock = self._meta.clock.clock(sources)
        # A crash came between the mark and the summaries that it made superfluous.
        stored_parts: list[Part | Rows] = [*self._waiting, *self._rows]
        self._drop([part for part in stored_parts if self._is_told(part.instant_ms)])
        if self._clock.time_ms is not None:
            self._down.judge(self._clock.time_ms // DAY_MS)

    @property
    def waiting(self) -> int:
        """Summaries of instants that not every partition has reported."""
        return len(self._waiting)

    def apply(self, offset: int, record: GridSummary | ChannelSpend | DayActivity | Tick) -> None:
        """Take in one record; tell the statistics of every instant that is complete."""
        if offset <= self._meta.applied:
            return
        self._meta.applied = offset
        if isinstance(record, GridSummary):
            self._take(record)
        elif isinstance(record, ChannelSpend):
            self.repeats += not self._spends.add(record)
        elif isinstance(record, DayActivity):
            self.repeats += self._is_told(to_ms(record.instant)) or not self._down.add(record)
        elif self._clock.tick(record):
            self._tell(self._clock.time_ms or 0)

    def _take(self, record: GridSummary) -> None:
        instant_ms = to_ms(record.instant)
        if self._is_told(instant_ms):
            # A worker that took over, or was thought dead, told it a second time.
            self.repeats += 1
            return
        # What was told first is whole. A worker that takes over after a crash between two values of the table finds
        # some customers evaluated already, and tells the rest alone.
        for segment, summary in record.segments.items():
            part = Part(instant_ms, record.tenant, record.source, segment)
            if part in self._waiting:
                self.repeats += 1
            else:
                self._waiting[part] = summary
                self._written[part.key] = summary.to_json()
        rows = Rows(instant_ms, record.tenant, record.source, record.part)
        told = record.channels or record.trained or record.trainings or record.leads or record.look_alikes.rows
        if rows not in self._rows and told:
            self._rows[rows] = record.model_copy(update={"segments": {}})
            self._written[rows.key] = self._rows[rows].to_json()

    def _is_told(self, instant_ms: int) -> bool:
        told_ms = self._clock.time_ms
        return told_ms is not None and instant_ms <= told_ms

    def _tell(self, through_ms: int) -> None:
        ready = sorted(part for part in self._waiting if part.instant_ms <= through_ms)
        rows = sorted(part for part in self._rows if part.instant_ms <= through_ms)
        for instant_ms, tenant in sorted({(part.instant_ms, part.tenant) for part in ready}):
            self._down.judge(instant_ms // DAY_MS)
            stats = fleet_stats(
                tenant,
                from_ms(instant_ms),
                [(part.segment, self._waiting[part]) for part in ready if part[:2] == (instant_ms, tenant)],
                self._totals(
                    tenant, instant_ms // DAY_MS, [self._rows[one] for one in rows if one[:2] == (instant_ms, tenant)]
                ),
                self._policy,
            )
            self._outputs.append(Output(Topic.FLEET_STATS, tenant, stats, EVERY_PARTITION))
        self._drop([*ready, *rows])
        through = through_ms // DAY_MS
        self._down.judge(through)
        self._spends.forget(through - self._policy.fleet.spend_days)
        self._trainings.forget(through - self._policy.training.effect_weeks * _WEEK)
        tick = Tick(source="fleet", watermark=from_ms(through_ms), arrived_ms=0)
        self._outputs.append(Output(Topic.FLEET_STATS, "@tick", tick, EVERY_PARTITION))

    def _totals(self, tenant: str, day: int, rows: list[GridSummary]) -> TenantTotals:
        policy, book = self._policy, self._trainings
        book.put(tenant, day, merged_trainings(dict(map(training_of, one.trainings)) for one in rows))
        return TenantTotals(
            channels=merged_leads(dict(map(lead_counts_of, one.channels)) for one in rows),
            costs=self._spends.costs(tenant, day, policy.fleet.spend_days),
            trained=frozenset(trained_of(row) for one in rows for row in one.trained),
            trainings=book.groups(tenant, day, policy.training.effect_weeks),
            leads=[lead_of(row) for one in rows for row in one.leads],
            look_alikes=merged_candidates((one.look_alikes for one in rows), day, policy.look_alike.candidates),
            down_days=self._down.days(tenant),
        )

    def _drop(self, parts: Iterable[Part | Rows]) -> None:
        for part in parts:
            if isinstance(part, Part):
                del self._waiting[part]
            else:
                del self._rows[part]
            self._written.pop(part.key, None)
            self._deleted[part.key] = None

    def take_outputs(self) -> list[Output]:
        """Statistics since the last time; state is left to ``flush``."""
        outputs, self._outputs = self._outputs, []
        self._written, self._deleted = {}, {}
        return outputs

    def flush(self) -> Flush:
        """Statistics to publish and values to store since the last flush.

        In a flush that is cut in two the mark must be there before anything goes: else the instant would be told
        again, without it.
        """
        meta = self._meta
        meta.clock = ClockState.of(self._clock)
        books = (self._spends, self._trainings, self._down)
        kept = {**self._written, **{key: value for book in books for key, value in book.take_writes()}}
        mark = {META_KEY: msgspec.msgpack.encode(meta)}
        writes = {key: value for key, value in kept.items() if value is not None} | mark
        gone = [key for key, value in kept.items() if value is None]
        return Flush(writes={**writes, **dict.fromkeys(gone), **self._deleted}, outputs=self.take_outputs())
