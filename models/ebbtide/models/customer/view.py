"""What is derived from a customer's shares: one day series, uses of modules, traits as of any time, dated facts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.cadence import Cadence
from ebbtide.models.customer.series import (
    DAY_SECONDS,
    FIRST,
    LAST,
    ORDERS,
    QUERIES,
    REVENUE,
    SUMMED,
    Bucket,
    DaySeries,
    merge_buckets,
)
from ebbtide.models.customer.share import OutcomeValue, Share, add_uses, monday
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.history import put
from ebbtide.models.profile.profile import USE_DAYS
from ebbtide.models.standing.history import DAY_MS, DatedFact, History
from ebbtide.models.standing.touchpoints import TOUCHPOINT
from ebbtide.schemas.profile_state import MACHINE, ProfileState, Trait
from ebbtide.schemas.score import Contribution

if TYPE_CHECKING:
    from ebbtide.models.customer.customer import Customer, Published

_WINDOW_DAYS = 98
"""The widest window of the features and of the record, in whole weeks."""

KEPT_MONEY_DAYS = 365
"""Days with money that are kept: a year's value."""

SHARED_DAYS = 400
"""Older active days are kept for the customer alone: whose they were is forgotten."""

WHOLE_USE_DAYS = 28
"""Newest days whose uses of modules are kept day by day; those before, to ``USE_DAYS``, are added up by weeks."""

CAMPAIGN_DAYS = 35
"""What a campaign brought is told apart for so long: the days before it that it is compared with are still kept."""

CAMPAIGN = "campaign"

_MANY_USES = 42
"""Days with uses of a share from which some are added up."""

_ENOUGH = 28
"""Old days that are forgotten together: one by one would cost more than it saves."""


class View:
    """What is derived from the shares; never stored."""

    __slots__ = (
        "_campaigns",
        "_fact_days",
        "_history",
        "_newest",
        "_old_sums",
        "_outcomes",
        "_reasons",
        "cadence",
        "series",
    )

    def __init__(self, customer: Customer) -> None:
        # The last cadence, with the number of active days and of changes that it was told from.
        self.cadence: tuple[int, int, Cadence] | None = None
        self._newest: dict[str, Trait] | None = None
        self._outcomes: list[OutcomeValue] | None = None
        self._history: History | None = None
        self._fact_days: list[int] | None = None
        self._campaigns: list[int] | None = None
        self._reasons: tuple[Published, list[Contribution]] | None = None
        self._derive(customer)

    def _derive(self, customer: Customer) -> None:
        """Fold all shares anew."""
        shares = [share for share in customer.shares.values() if not share.detached]
        if not shares:
            customer.old_days, customer.old_core = [], []
        self.series = DaySeries()
        for day in sorted({day for share in shares for day in share.days}):
            self.series.put(day, merge_buckets([share.days[day] for share in shares if day in share.days]))
        self._old_sums: list[int] | None = None
        self.cadence = None
        old = {day for share in shares for day in share.old_days}.union(customer.old_days)
        if old:
            core = {day for share in shares for day in share.old_core}.union(customer.old_core)
            self._old_sums = [sum(sums) for sums in zip(*(share.old_sums for share in shares), strict=True)]
            self.series.forget(sorted(day for day in old if day not in self.series), core, self._old_sums)

    def fold(self, customer: Customer, share: Share, record: ProfileState) -> list[int]:
        """Take in news of one share; return the days that changed."""
        all_anew = record.detached or record.full
        if self._old_sums is not None and (all_anew or any(self._is_old(share, day) for day in record.days)):
            return self._fold_old(customer, share, record)
        gone: Mapping[int, Bucket] = {}
        if all_anew:
            gone = share.days
            share.clear()
            self.forget_facts()
        share.totals = record.totals
        self._take_facts(share, record)
        share.take_uses(record)
        if gone:
            share.days.update(record.days)
            changed = sorted(gone.keys() | record.days.keys())
            shares = customer.shares.values()
            for day in changed:
                buckets = [other.days[day] for other in shares if day in other.days]
                self.series.put(day, merge_buckets(buckets) if buckets else [0])
            return changed
        for day, bucket in record.days.items():
            _replace_day(self.series, day, share.days.get(day), bucket)
            share.days[day] = bucket
        return sorted(record.days) if len(record.days) > 1 else list(record.days)

    def _is_old(self, share: Share, day: int) -> bool:
        """Whether the numbers of an active day are forgotten: the share's, or those of others on that day."""
        return share.has_forgotten(day) or (day in self.series and self.series.numbers(day) is None)

    def _fold_old(self, customer: Customer, share: Share, record: ProfileState) -> list[int]:
        """Take in news about days whose numbers are forgotten: rare, so that all is folded anew."""
        before = set(share.days) | set(share.old_days)
        if record.detached or record.full:
            share.clear()
            self.forget_facts()
        share.totals = record.totals
        self._take_facts(share, record)
        share.take_uses(record)
        for day, bucket in record.days.items():
            if share.has_forgotten(day):
                share.note(day, bucket)
            else:
                share.days[day] = bucket
        self._derive(customer)
        return sorted(before | record.days.keys()) if record.detached or record.full else sorted(record.days)

    def _take_facts(self, share: Share, record: ProfileState) -> None:
        share.detached, share.by_domain = record.detached, record.by_domain
        if record.traits:
            share.traits.update(record.traits)
            self._put_traits(record.traits)
        if record.outcomes:
            for key, outcome in record.outcomes.items():
                put(share.outcomes, key, (outcome.type, outcome.at_ms, outcome.data))
            self._outcomes = self._history = self._fact_days = self._campaigns = None

    def compact(self, customer: Customer, day: int, kept_days: int, kept_active_days: int) -> None:
        """Forget the numbers of days that no window of ``day`` or later reaches, and older uses of modules.

        Kept are the newest ``kept_days`` and, for customers with long rhythms, the newest ``kept_active_days``. Changes
        nothing that is told: totals are the profiles' own, and that a day was active is kept.
        """
        series = self.series
        for share in customer.shares.values():
            if len(share.uses) > _MANY_USES:
                share.forget_uses(monday(day - WHOLE_USE_DAYS), monday(day - USE_DAYS))
        if len(series.days) <= kept_active_days:
            return
        reach = series.count_before(day) - kept_active_days
        horizon = day - kept_days
        money_from = day - KEPT_MONEY_DAYS
        old: list[int] = []
        for active in series.days[: max(reach, 0)]:
            if active >= horizon:
                break
            bucket = series.numbers(active)
            if bucket is not None and (active < money_from or not (bucket[ORDERS] or bucket[REVENUE])):
                old.append(active)
        if len(old) < _ENOUGH:
            return
        sums = self._old_sums or [0] * SUMMED
        core: set[int] = set()
        for active in old:
            bucket = series.numbers(active)
            assert bucket is not None
            if bucket[QUERIES]:
                core.add(active)
            for field in range(SUMMED):
                sums[field] += bucket[field]
        self._old_sums = sums
        for share in customer.shares.values():
            share.forget(old)
        series.forget(old, core, sums)
        self._disown(customer, day - SHARED_DAYS)

    @staticmethod
    def _disown(customer: Customer, before_day: int) -> None:
        days, core = set(customer.old_days), set(customer.old_core)
        for share in customer.shares.values():
            old, old_core = share.disown(before_day)
            days.update(old)
            core.update(old_core)
        customer.old_days, customer.old_core = sorted(days), sorted(core)

    def uses(self, customer: Customer) -> dict[int, dict[str, int]]:
        """Uses of modules by day, of the newest weeks; older ones by weeks, under their Mondays."""
        merged: dict[int, dict[str, int]] = {}
        for share in customer.shares.values():
            for day, modules in share.uses.items():
                add_uses(merged, day, modules)
        return merged

    def modules(self, customer: Customer, day: int, width: int) -> set[str]:
        """Modules that people used in the ``width`` days before ``day``."""
        found: set[str] = set()
        for share in customer.shares.values():
            for used, modules in share.uses.items():
                if day - width <= used < day:
                    found.update(modules)
        found.discard(MACHINE)
        return found

    def last_at(self, customer: Customer, field: int, day: int) -> int | None:
        """Epoch second of the newest activity (``LAST``) or login (``LAST_LOGIN``) before ``day``."""
        kept = self.series.last_at(field, day)
        old = max(share.old_last if field == LAST else share.old_login for share in customer.shares.values())
        found = max(old, -1 if kept is None else kept)
        return None if found < 0 or found >= day * DAY_SECONDS else found

    def traits(self, customer: Customer) -> dict[str, Trait]:
        """Newest value of every trait over all profiles."""
        if self._newest is None:
            self._newest = {}
            for share in customer.shares.values():
                self._put_traits(share.traits)
        return self._newest

    def traits_at(self, customer: Customer, names: Iterable[str], at_ms: int) -> dict[str, Trait]:
        """Newest value of some traits over all profiles, as of ``at_ms``.

        As of an instant, so that what is told of it does not depend on which later facts had arrived with it.
        """
        newest, held = self.traits(customer), {}
        for name in names:
            value = newest.get(name)
            if value is not None and value.at_ms > at_ms:
                values = trait_values(customer, name)
                value = next((earlier for earlier in reversed(values) if earlier.at_ms <= at_ms), None)
            if value is not None:
                held[name] = value
        return held

    def _put_traits(self, traits: Mapping[str, list[Trait]]) -> None:
        newest = self._newest
        if newest is not None:
            for name, values in traits.items():
                known = newest.get(name)
                if known is None or values[-1][1:3] > known[1:3]:
                    newest[name] = values[-1]

    def outcomes(self, customer: Customer) -> list[OutcomeValue]:
        """All dated facts, oldest first."""
        if self._outcomes is None:
            merged = {key: value for share in customer.shares.values() for key, value in share.outcomes.items()}
            self._outcomes = [value for _, value in sorted(merged.items(), key=lambda item: (item[1][1], item[0]))]
        return self._outcomes

    def history(self, customer: Customer) -> History:
        """All dated facts, each with its id and whose profile it is."""
        if self._history is None:
            self._history = History(
                DatedFact(kind, at_ms, data, event_id, key)
                for key, share in customer.shares.items()
                for event_id, (kind, at_ms, data) in share.outcomes.items()
            )
        return self._history

    def next_fact_day(self, customer: Customer, day: int) -> int | None:
        """The first UTC day from ``day`` on with a dated fact."""
        if self._fact_days is None:
            self._fact_days = sorted({at_ms // DAY_MS for _, at_ms, _ in self.outcomes(customer)})
        index = bisect_left(self._fact_days, day)
        return self._fact_days[index] if index < len(self._fact_days) else None

    def known_from(self, customer: Customer) -> int | None:
        """UTC day of the first dated fact or trait; None where nobody told anything."""
        told = [at_ms for _, at_ms, _ in self.outcomes(customer)[:1]]
        told += [values[0].at_ms for share in customer.shares.values() for values in share.traits.values() if values]
        return min(told) // DAY_MS if told else None

    def campaigns(self, customer: Customer, day: int) -> list[int]:
        """Days of the campaigns before ``day`` whose effect is still taken out."""
        if self._campaigns is None:
            self._campaigns = sorted(
                at_ms // DAY_MS
                for kind, at_ms, data in self.outcomes(customer)
                if kind == TOUCHPOINT and data.get("kind") == CAMPAIGN
            )
        known = self._campaigns
        return known[bisect_left(known, day - CAMPAIGN_DAYS) : bisect_left(known, day)] if known else known

    def roles(self, customer: Customer, day: int) -> dict[str, tuple[str, int | None]]:
        """By profile with a role as of ``day``: the role, and its last active day before (None: never active)."""
        found: dict[str, tuple[str, int | None]] = {}
        before_ms = day * DAY_MS
        for key, share in customer.shares.items():
            values = share.traits.get("role")
            if values and not share.detached:
                held: Trait | None = values[-1]
                if values[-1].at_ms >= before_ms:
                    held = next((value for value in reversed(values) if value.at_ms < before_ms), None)
                if held is not None:
                    found[key] = str(held.value), share.last_day(day)
        return found

    def contributions(self, score: Published) -> list[Contribution]:
        """The score's reasons as contract records; alerts on the same score share them."""
        if self._reasons is None or self._reasons[0] is not score:
            reasons = [
                Contribution(name, value, part)
                for name, value, part in zip(NAMES, score.features, score.contributions, strict=True)
            ]
            self._reasons = score, reasons
        return self._reasons[1]

    def forget_facts(self) -> None:
        """A profile went away or said all anew: derive traits and dated facts anew when asked."""
        self._newest = self._outcomes = self._history = self._fact_days = self._campaigns = None


def kept_days(policy: CorePolicy) -> int:
    """Newest days whose numbers are needed of customers that are active every other day or so."""
    # The baseline's weeks, its first one not whole, and a window of up to four weeks; usage and the windows before it.
    usage = policy.usage
    return max(_WINDOW_DAYS, 7 * (policy.baseline.weeks + 5), usage.window_days * (usage.baseline_windows + 1))


def trait_values(customer: Customer, name: str) -> list[Trait]:
    """All known values of a trait over all profiles, oldest first."""
    unique = {value[1:3]: value for share in customer.shares.values() for value in share.traits.get(name, ())}
    return [unique[key] for key in sorted(unique)]


def fold(customer: Customer, view: View, record: ProfileState) -> list[int]:
    """Take in one profile's contribution; return the days that changed. An older record changes nothing."""
    share = customer.shares.get(record.profile_id)
    if share is None:
        share = customer.shares[record.profile_id] = Share(record.subject.type, record.subject.value)
    if share.knows(record):
        return []
    share.epoch, share.effective_ms = record.epoch, record.effective_ms
    share.version, share.accepted, share.partition = record.version, record.accepted, record.partition
    return view.fold(customer, share, record)


def _replace_day(series: DaySeries, day: int, old: Bucket | None, new: Bucket) -> None:
    """Swap one profile's bucket of a day. Its numbers only grow, so sums move by the difference."""
    total = series.numbers(day)
    if total is None:
        series.put(day, list(new))
        return
    for field in range(SUMMED):
        total[field] += new[field] - (old[field] if old else 0)
    for field in (FIRST, FIRST + 2):
        if new[field] >= 0:
            total[field] = min(total[field], new[field]) if total[field] >= 0 else new[field]
            total[field + 1] = max(total[field + 1], new[field + 1])
    series.put(day, total)
