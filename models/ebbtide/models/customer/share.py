"""What one profile contributes to one customer, and what is kept of it (identity §2, design §8).

Values are absolute, so that a record that comes twice, or an older one that comes late, changes nothing. Of days that
no window reaches any more only that they were active is kept; the totals over all time come from the profile, and so
what is forgotten still counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from typing import Any

import msgspec

from ebbtide.models.customer.kept import Kept
from ebbtide.models.customer.series import EVENTS, FIRST, LAST, LAST_LOGIN, ORDERS, QUERIES, REVENUE, SUMMED, Bucket
from ebbtide.models.customer.weekly_uses import by_weeks, whole_from
from ebbtide.models.identity.identifiers import profile_id_of
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.profile_state import TOTAL_FIELDS, ProfileState, Trait

_JUST_BEFORE = range(1, 8)

OutcomeValue = tuple[str, int, dict[str, Any]]

NAME = "name"
"""The trait whose history is told: every name that the account had, and since when."""


STRANGERS = frozenset({IdentifierType.ANONYMOUS_ID.value, IdentifierType.DEVICE_ID.value})
"""Subjects that name nobody."""


class Share(msgspec.Struct):
    """What one profile contributes; the greatest ``(epoch, effective_ms, version)`` heard of.

    ``subject_value`` is empty of a stranger who is long gone (``Customer.share``).
    ``old_days`` are active days whose buckets are forgotten, ascending; ``old_core`` those of them with queries.
    ``old_last`` and ``old_login`` are epoch seconds of activity and of a login, -1 without: no older ones are on days
    whose times are forgotten, be it with the bucket or because it was stored. Buckets of days before ``thin_from`` tell
    of queries only whether there were any, and nothing of logins. ``uses`` of days before ``uses_from`` are
    added up by weeks (``weekly_uses``), and no news of them is taken. Of ``sources`` the newest days are known.
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
    thin_from: int = 0
    uses: dict[int, dict[str, int]] = msgspec.field(default_factory=dict)
    uses_from: int = 0
    sources: dict[int, list[str]] = msgspec.field(default_factory=dict)
    traits: dict[str, list[Trait]] = msgspec.field(default_factory=dict)
    outcomes: dict[str, OutcomeValue] = msgspec.field(default_factory=dict)

    def own_key(self, tenant: str) -> str:
        """The id of the subject's profile: nearly always the key that the share is kept under."""
        return profile_id_of(tenant, self.subject_type, self.subject_value)

    def knows(self, record: ProfileState) -> bool:
        """Whether the record is no news."""
        # Owners of one epoch follow from one record of the log: a leap of time over several days, each in its order.
        return (record.epoch, record.effective_ms, record.version) <= (self.epoch, self.effective_ms, self.version)

    def clear(self) -> None:
        """Forget everything that was contributed: the profile went away, or tells all of it anew."""
        self.totals = [0] * len(TOTAL_FIELDS)
        self.days, self.old_days, self.old_core = {}, [], []
        self.old_last = self.old_login = -1
        self.thin_from = 0
        self.uses, self.sources, self.traits, self.outcomes = {}, {}, {}, {}
        self.uses_from = 0

    @property
    def is_quiet(self) -> bool:
        """Whether only totals, the newest activity and its source are left."""
        return not (
            self.days or self.old_days or self.uses or self.traits or self.outcomes or self.thin_from or self.uses_from
        )

    def is_stranger(self, before_day: int) -> bool:
        """Whether it is a browser or a device that told of nothing but activity, all of it before ``before_day``.

        One whose identifier is forgotten is none any more.
        """
        return (
            self.subject_type in STRANGERS
            and self.subject_value != ""
            and self.is_quiet
            and self.old_last < before_day * DAY_SECONDS
        )

    def put(self, day: int, bucket: Bucket) -> None:
        """Take a day's bucket, also that of a day whose bucket was forgotten: now it is known again."""
        self.days[day] = bucket
        for old in (self.old_days, self.old_core):
            index = bisect_left(old, day)
            if index < len(old) and old[index] == day:
                del old[index]

    def past(self, day: int, kept: Kept, before_day: int) -> list[int]:
        """Days whose buckets no window asks for from grid day ``day`` on, ascending.

        They are older than ``kept.days``, and lie before the newest ``kept.active_days`` active days of this profile or
        before ``before_day``; and they are without money, or older than ``kept.money_days``.
        """
        days = sorted(self.days)
        own = bisect_left(days, day) - kept.active_days
        end = min(max(own, bisect_left(days, before_day)), bisect_left(days, day - kept.days))
        money_from, buckets = day - kept.money_days, self.days
        return [
            old
            for old in days[: max(end, 0)]
            if old < money_from or not (buckets[old][ORDERS] or buckets[old][REVENUE])
        ]

    def thin(self, from_day: int) -> list[int]:
        """Forget queries and logins of the days before ``from_day``, except that there were queries.

        Returns the days whose buckets changed.
        """
        thinned = [day for day in self.days if self.thin_from <= day < from_day]
        for day in thinned:
            bucket = self.days[day]
            if bucket[LAST_LOGIN] >= 0:
                self.old_login = max(self.old_login, day * DAY_SECONDS + bucket[LAST_LOGIN])
            queries, orders, revenue = bucket[QUERIES:SUMMED]
            self.days[day] = [bucket[EVENTS], 0, min(queries, 1), orders, revenue, bucket[FIRST], bucket[LAST], -1, -1]
        self.thin_from = from_day
        return thinned

    def forget(self, days: list[int]) -> None:
        """Keep of past days, ascending, only that they were active, whether with queries, and the newest times."""
        core = []
        for day in days:
            bucket = self.days.pop(day)
            if bucket[QUERIES]:
                core.append(day)
            if bucket[LAST] >= 0:
                self.old_last = max(self.old_last, day * DAY_SECONDS + bucket[LAST])
            if bucket[LAST_LOGIN] >= 0:
                self.old_login = max(self.old_login, day * DAY_SECONDS + bucket[LAST_LOGIN])
        self.old_days = sorted({*self.old_days, *days})
        self.old_core = sorted({*self.old_core, *core})
        if not self.days:
            self.thin_from = 0

    def last_day(self, day: int) -> int | None:
        """The last active day before ``day``."""
        days = self.days
        # Mostly it is one of the few days just before; else all are gone through.
        near = next((newest for newest in _JUST_BEFORE if day - newest in days), None)
        last = max([active for active in days if active < day], default=-1) if near is None else day - near
        old = self.old_last // DAY_SECONDS
        last = max(last, old if old < day else -1)
        return last if last >= 0 else None

    def disown(self, before_day: int) -> tuple[list[int], list[int]]:
        """Give up the forgotten days before ``before_day``; returns them, and those of them with queries."""
        index = bisect_left(self.old_days, before_day)
        given, self.old_days = self.old_days[:index], self.old_days[index:]
        index = bisect_left(self.old_core, before_day)
        core, self.old_core = self.old_core[:index], self.old_core[index:]
        return given, core

    def take_uses(self, uses: dict[int, dict[str, int]], from_day: int) -> None:
        """Take in uses of modules by day, of ``from_day`` and later: those of before are added up."""
        from_day = max(from_day, self.uses_from)
        for day, modules in uses.items():
            if day >= from_day:
                self.uses[day] = modules

    def forget_uses(self, day: int, use_days: int) -> None:
        """Add older uses up by weeks, as of grid day ``day``."""
        from_day = whole_from(day, use_days)
        if from_day > self.uses_from and self.uses:
            if min(self.uses) < from_day:
                self.uses = by_weeks(self.uses, day, use_days)
            # Without any, what comes later is held against the settled day alone.
            self.uses_from = from_day if self.uses else 0

    def forget_sources(self, day: int) -> None:
        """Of the sources heard before grid day ``day`` keep the newest day of each."""
        if len(self.sources) < 2:
            return
        heard: set[str] = set()
        kept: dict[int, list[str]] = {}
        for heard_on in sorted(self.sources, reverse=True):
            names = self.sources[heard_on]
            if heard_on < day:
                names = [name for name in names if name not in heard]
                heard.update(names)
            if names:
                kept[heard_on] = names
        self.sources = kept

    def has_past_traits(self, at_ms: int) -> bool:
        """Whether there are values of traits that do not hold any more at ``at_ms``."""
        # Of most traits one value is known.
        return any(values[1].at_ms <= at_ms for values in self.traits.values() if len(values) > 1)

    def forget_traits(self, at_ms: int, names: Collection[tuple[int, int]]) -> None:
        """Of each trait keep the value that holds at ``at_ms`` and later ones; of the name also ``names``."""
        for name, values in self.traits.items():
            held = sum(value.at_ms <= at_ms for value in values) if len(values) > 1 else 0
            if held > 1:
                told = [value for value in values[: held - 1] if value[1:3] in names] if name == NAME else []
                self.traits[name] = told + values[held - 1 :]
