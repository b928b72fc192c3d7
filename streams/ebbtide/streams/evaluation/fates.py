"""What became of customers: told by a truth file, or seen in raw events that go on after the cut."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from ebbtide.streams.evaluation.customers import Customers
from ebbtide.streams.evaluation.outcomes import Outcomes
from ebbtide.streams.evaluation.rows import EvaluationError, read, time_of

ACTIVITY_TYPES = frozenset({"track", "page", "screen"})
"""Segment types that show a customer in action; identify, group and alias only describe it."""

_DAY = timedelta(days=1)


@dataclass
class Fate:
    """Who churned within the horizon after a cut, and days since customers were last active, where known."""

    churned: dict[str, bool] = field(default_factory=dict)
    recency_days: dict[str, float] = field(default_factory=dict)
    unmatched: int = 0


class Fates(Protocol):
    """Tells the fate of customers after any cut."""

    def outcomes(self, horizon: timedelta, begins: datetime, ends: datetime) -> Outcomes | None:
        """Who churned when, for alerts of a replay from ``begins`` to ``ends``; None where no times are known."""

    def known_until(self, horizon: timedelta) -> datetime | None:
        """The last instant whose horizon is over; None: as far as the replay goes. Raises :class:`EvaluationError`
        where nothing is known of any instant but one."""

    def after(self, cut: datetime, horizon: timedelta) -> Fate:
        """What became of customers in the ``horizon`` after ``cut``. Raises :class:`EvaluationError` if not known."""


class EventLog:
    """Raw events. Churned: seen before the cut, and without activity from the cut on for the horizon."""

    def __init__(self, path: Path, customers: Customers) -> None:
        self._path = path
        self._active: dict[str, array[float]] = {}
        self._unknown: dict[str, float] = {}
        end = None
        for event in read(path, dict[str, Any]):
            if event.get("type") not in ACTIVITY_TYPES:
                continue
            at = time_of(event.get("timestamp") or event.get("originalTimestamp") or event.get("receivedAt"))
            if at is None:
                continue
            end = at if end is None else max(end, at)
            second = at.timestamp()
            found = customers.of(event)
            for customer in found:
                self._active.setdefault(customer, array("d")).append(second)
            if not found:
                user = str(event.get("userId") or event.get("anonymousId"))
                self._unknown[user] = min(second, self._unknown.get(user, second))
        if end is None:
            raise EvaluationError(f"{path} shows nobody in action: it holds no track, page or screen event with a time")
        self._end = end
        for customer, seconds in self._active.items():
            self._active[customer] = array("d", sorted(seconds))

    def known_until(self, horizon: timedelta) -> datetime | None:
        """A log may end during its last day."""
        return self._end + _DAY - horizon

    def outcomes(self, horizon: timedelta, begins: datetime, ends: datetime) -> Outcomes:
        """Everybody who was active, since then. Who is silent for a whole horizon churned at the end of it."""
        known_until = self._end + _DAY
        since, churned_at = {}, {}
        for customer, seconds in self._active.items():
            since[customer] = max(begins, datetime.fromtimestamp(seconds[0], UTC))
            for last, following in pairwise([*seconds, known_until.timestamp()]):
                if following - last >= horizon.total_seconds():
                    churned_at[customer] = datetime.fromtimestamp(last, UTC) + horizon
                    break
        return Outcomes("events", since, churned_at, min(ends, known_until), known_until, None, len(self._unknown))

    def after(self, cut: datetime, horizon: timedelta) -> Fate:
        """Everybody who was active before ``cut``."""
        if self._end < cut + horizon - _DAY:
            raise EvaluationError(
                f"{self._path} ends at {self._end:%Y-%m-%d}, before the horizon of {horizon.days} days after "
                f"{cut:%Y-%m-%d} is over: what became of the customers is not known; give an earlier --cut or a "
                "shorter --horizon"
            )
        begins, ends = cut.timestamp(), (cut + horizon).timestamp()
        fate = Fate(unmatched=sum(first < begins for first in self._unknown.values()))
        for customer, seconds in self._active.items():
            index = bisect_left(seconds, begins)
            if index:
                fate.churned[customer] = index == len(seconds) or seconds[index] >= ends
                fate.recency_days[customer] = (begins - seconds[index - 1]) / _DAY.total_seconds()
        return fate


@dataclass
class _Told:
    """A row of a truth file: ``label`` where it says so itself, whatever the time."""

    customers: list[str]
    label: bool | None
    churned_at: datetime | None
    begins_at: datetime | None
    causeless: bool | None


class TruthFile:
    """Churned: a row says so, within the horizon where it gives a time. Who had churned by the cut is left out."""

    def __init__(self, path: Path, customers: Customers) -> None:
        self._path = path
        self._rows: list[_Told] = []
        for row in read(path, dict[str, Any]):
            if ("churned" not in row and "churned_at" not in row) or row.get("row", "account") != "account":
                continue
            starts = [at for at in (time_of(c.get("starts_at")) for c in row.get("contracts", ())) if at is not None]
            told = _Told(
                customers.of(row),
                bool(row["churned"]) if "churned" in row else None,
                time_of(row.get("churned_at")),
                min(starts, default=None),
                row.get("causeless"),
            )
            self._rows.append(told)

    def known_until(self, horizon: timedelta) -> datetime | None:
        """Nothing in the file says when it was written; without times it is about one cut only."""
        if any(row.label is not None for row in self._rows):
            raise EvaluationError(
                f"{self._path} tells by `churned` whether somebody left, not when: it is about one cut and cannot "
                "judge several; give `churned_at`, a time or null, instead"
            )
        return None

    def outcomes(self, horizon: timedelta, begins: datetime, ends: datetime) -> Outcomes | None:
        """Everybody who is told, from its first contract on. The file knows no further than the replay goes."""
        if any(row.label is not None for row in self._rows):
            return None
        since: dict[str, datetime] = {}
        churned_at: dict[str, datetime] = {}
        causeless: set[str] = set()
        for row in self._rows:
            for customer in row.customers:
                since[customer] = max(begins, row.begins_at or begins)
                if row.churned_at is not None:
                    churned_at[customer] = row.churned_at
                if row.causeless:
                    causeless.add(customer)
        says = any(row.causeless is not None for row in self._rows)
        unmatched = sum(not row.customers for row in self._rows)
        return Outcomes("truth", since, churned_at, ends, ends, frozenset(causeless) if says else None, unmatched)

    def after(self, cut: datetime, horizon: timedelta) -> Fate:
        """Everybody whose first contract had begun by ``cut``, or who is told without one."""
        fate = Fate()
        for row in self._rows:
            fate.unmatched += not row.customers
            gone = row.churned_at is not None and row.churned_at <= cut
            if gone or (row.begins_at is not None and row.begins_at > cut):
                continue
            within = row.churned_at is not None and row.churned_at <= cut + horizon
            fate.churned.update(dict.fromkeys(row.customers, within if row.label is None else row.label))
        return fate
