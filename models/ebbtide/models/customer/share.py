"""What one profile contributes to one customer, and what is kept of it (identity §2, design §8).

Values are absolute, so that a record that comes twice, or an older one that comes late, changes nothing. Of days that
no window reaches any more only that they were active is kept; the totals over all time come from the profile, and so
what is forgotten still counts.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection
from typing import Any

import msgspec

from ebbtide.models.customer.series import DAY_SECONDS, LAST, LAST_LOGIN, QUERIES, SUMMED, Bucket
from ebbtide.schemas.profile_state import TOTAL_FIELDS, ProfileState, Trait

OutcomeValue = tuple[str, int, dict[str, Any]]


class Share(msgspec.Struct):
    """What one profile contributes; the greatest ``(epoch, effective_ms, version)`` heard of.

    ``old_days`` are active days whose buckets are forgotten, ascending; ``old_core`` those of them with queries;
    ``old_last`` and ``old_login`` the epoch seconds of the newest activity and login on them, -1 without. ``uses`` and
    ``sources`` are of the newest days alone; uses of days before ``uses_from`` are added up under the Monday of their
    week, and no news of them is taken.
    """

    subject_type: str
    subject_value: str
    epoch: int = -1
    effective_ms: int = -1
    version: int = -1
    accepted: int = 0
    partition: int = -1
    detached: bool = False
    by_domain: bool = False
    totals: list[int] = msgspec.field(default_factory=lambda: [0] * len(TOTAL_FIELDS))
    days: dict[int, Bucket] = msgspec.field(default_factory=dict)
    old_days: list[int] = msgspec.field(default_factory=list)
    old_core: list[int] = msgspec.field(default_factory=list)
    old_last: int = -1
    old_login: int = -1
    uses: dict[int, dict[str, int]] = msgspec.field(default_factory=dict)
    uses_from: int = 0
    sources: dict[int, list[str]] = msgspec.field(default_factory=dict)
    traits: dict[str, list[Trait]] = msgspec.field(default_factory=dict)
    outcomes: dict[str, OutcomeValue] = msgspec.field(default_factory=dict)

    def knows(self, record: ProfileState) -> bool:
        """Whether the record is no news."""
        # Owners of one epoch follow from one record of the log: a leap of time over several days, each in its order.
        return (record.epoch, record.effective_ms, record.version) <= (self.epoch, self.effective_ms, self.version)

    def clear(self) -> None:
        """Forget everything that was contributed: the profile went away, or tells all of it anew."""
        self.totals = [0] * len(TOTAL_FIELDS)
        self.days, self.old_days, self.old_core = {}, [], []
        self.old_last = self.old_login = -1
        self.uses, self.sources, self.traits, self.outcomes = {}, {}, {}, {}
        self.uses_from = 0

    def has_forgotten(self, day: int) -> bool:
        """Whether the day was active and its bucket is forgotten."""
        old = self.old_days
        index = bisect_left(old, day)
        return index < len(old) and old[index] == day

    def forget(self, days: Collection[int]) -> None:
        """Keep of these days only that they were active, and when the newest activity and login were."""
        for day in days:
            bucket = self.days.pop(day, None)
            if bucket is not None:
                insort(self.old_days, day)
                self.note(day, bucket)

    def note(self, day: int, bucket: Bucket) -> None:
        """Remember of a forgotten day whether it had queries, and when the newest activity and login were."""
        if bucket[QUERIES]:
            index = bisect_left(self.old_core, day)
            if index == len(self.old_core) or self.old_core[index] != day:
                self.old_core.insert(index, day)
        if bucket[LAST] >= 0:
            self.old_last = max(self.old_last, day * DAY_SECONDS + bucket[LAST])
        if bucket[LAST_LOGIN] >= 0:
            self.old_login = max(self.old_login, day * DAY_SECONDS + bucket[LAST_LOGIN])

    def last_day(self, day: int) -> int | None:
        """The last active day before ``day``."""
        last = max(self.days, default=-1)
        if last >= day:
            # What came after the instant arrived with what was before it.
            last = max((active for active in self.days if active < day), default=-1)
        # Days with money are kept for longer than newer ones without.
        index = bisect_left(self.old_days, day)
        if index:
            last = max(last, self.old_days[index - 1])
        return None if last < 0 else last

    def disown(self, before_day: int) -> tuple[list[int], list[int]]:
        """Give up the forgotten days before ``before_day``; returns them, and those of them with queries."""
        index = bisect_left(self.old_days, before_day)
        given, self.old_days = self.old_days[:index], self.old_days[index:]
        index = bisect_left(self.old_core, before_day)
        core, self.old_core = self.old_core[:index], self.old_core[index:]
        return given, core

    def take_uses(self, record: ProfileState) -> None:
        """Take in uses of modules and sources by day."""
        for day, uses in record.uses.items():
            if day >= self.uses_from:
                self.uses[day] = uses
        self.sources.update(record.sources)

    def forget_uses(self, whole_from: int, forgotten: int) -> None:
        """Add uses of before ``whole_from`` up by weeks; forget all of before ``forgotten``. Both are Mondays."""
        if whole_from <= self.uses_from:
            return
        uses: dict[int, dict[str, int]] = {}
        for day, modules in self.uses.items():
            if day >= whole_from:
                uses[day] = modules
            elif day >= forgotten:
                add_uses(uses, monday(day), modules)
        self.uses, self.uses_from = uses, whole_from
        self.sources = {day: sources for day, sources in self.sources.items() if day >= whole_from}

    @property
    def old_sums(self) -> list[int]:
        """Sums over the forgotten days."""
        kept = [0] * SUMMED
        for bucket in self.days.values():
            for field in range(SUMMED):
                kept[field] += bucket[field]
        return [total - part for total, part in zip(self.totals[:SUMMED], kept, strict=True)]


def monday(day: int) -> int:
    """The Monday of the day's week."""
    # 1970-01-01 was a Thursday.
    return day - (day + 3) % 7


def add_uses(uses: dict[int, dict[str, int]], day: int, modules: dict[str, int]) -> None:
    """Add counts of modules to those of a day."""
    known = uses.get(day)
    if known is None:
        uses[day] = dict(modules)
        return
    for module, times in modules.items():
        known[module] = known.get(module, 0) + times
