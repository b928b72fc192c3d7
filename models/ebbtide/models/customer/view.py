"""What is derived from a customer's shares: one day series, uses of modules, traits as of any time, dated facts."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from operator import itemgetter, sub
from typing import TYPE_CHECKING, Any

from ebbtide.models.churn.attributes import NO_ATTRIBUTES, PREFIX, Attributes, told
from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.cadence import Gaps
from ebbtide.models.customer.course import Course
from ebbtide.models.customer.customer import MARK_LENGTH
from ebbtide.models.customer.kept import Kept, kept
from ebbtide.models.customer.kept_facts import kept_facts
from ebbtide.models.customer.last_days import LastDays
from ebbtide.models.customer.module_days import ModuleDays
from ebbtide.models.customer.outages import OwnSources
from ebbtide.models.customer.series import (
    LAST,
    NO_BUCKET,
    QUERIES,
    SUMMED,
    Bucket,
    DaySeries,
    add_bucket,
    merge_buckets,
)
from ebbtide.models.customer.share import NAME, OutcomeValue, Share
from ebbtide.models.customer.weekly_uses import ByDay, add_uses, by_weeks, kept_from, whole_from
from ebbtide.models.policy import CorePolicy
from ebbtide.models.profile.facts import ATTRIBUTES, PERSON_ATTRIBUTES
from ebbtide.models.profile.history import put
from ebbtide.models.standing.contracts import TERM_TRAITS
from ebbtide.models.standing.history import DatedFact, History
from ebbtide.models.standing.touchpoints import TOUCHPOINT
from ebbtide.schemas.base import DAY_MS, DAY_SECONDS
from ebbtide.schemas.profile_state import MACHINE, ProfileState, Trait
from ebbtide.schemas.score import Contribution

if TYPE_CHECKING:
    from ebbtide.models.customer.customer import Customer, Published
    from ebbtide.models.customer.key_people import Patience, Watched
    from ebbtide.models.customer.rhythm import Rhythm
    from ebbtide.models.standing.contracts import Term

SHARED_DAYS = 182
"""Older active days are kept for the customer alone: whose they were is forgotten."""

CAMPAIGN = "campaign"
"""The kind of touchpoint that is one."""

ROLE = "role"
"""The trait that says what a person is to the customer."""

COMPACTION_DAYS = 14
"""So often is forgotten what nobody asks for any more."""

BY_DEFAULT = kept(CorePolicy())

_ENOUGH = 7
"""Past days that are forgotten together: one by one would cost more than it saves."""


class View:
    """What is derived from the shares; never stored."""

    __slots__ = (
        "_campaigns",
        "_compacted_day",
        "_fact_days",
        "_history",
        "_kept",
        "_module_days",
        "_newest",
        "_outcomes",
        "_people",
        "_reasons",
        "_roles",
        "alarm_day",
        "alarmed_by",
        "alarmed_health",
        "course",
        "gaps",
        "key_people",
        "last_days",
        "patience",
        "quiet_since",
        "quiet_until",
        "series",
        "sources",
        "term",
    )

    def __init__(self, customer: Customer, keep: Kept = BY_DEFAULT) -> None:
        self._kept = keep
        # The newest gaps as of the instant that was asked for last.
        self.gaps: Gaps | None = None
        # Before this grid instant only its trend can move it, unless something is heard; and the instant and rhythm by
        # which that is to be told, where nobody asked yet: see ``Timers``.
        self.quiet_until = 0
        self.quiet_since: tuple[int, Rhythm] | None = None
        # What the alerts that facts decide were told from last (None: ask again) and the health then, and the next grid
        # instant at which the passing of time alone can move them: see ``FactAlarms``.
        self.alarmed_by: object = None
        self.alarmed_health: object = None
        self.alarm_day: int | None = None
        self.course = Course()
        self.sources = OwnSources()
        # The term of its contract, and since when, epoch ms, that is the newest told of it. None: tell it anew.
        self.term: tuple[int, Term | None] | None = None
        # Key people as of an observation instant, and by profile what is known of one up to its last active day.
        self.key_people: Watched | None = None
        self.patience: dict[str, tuple[int, Patience]] = {}
        self._newest: dict[str, Trait] | None = None
        self._outcomes: list[OutcomeValue] | None = None
        self._history: History | None = None
        self._fact_days: list[int] | None = None
        self._campaigns: list[int] | None = None
        self._reasons: tuple[Published, list[Contribution]] | None = None
        # Who has a role, by the one that nobody has to be told of.
        self._roles: dict[str | None, list[tuple[str, Share, Trait]]] = {}
        self._people: list[dict[int, Bucket]] | None = None
        self._compacted_day: int | None = None
        self._module_days: ModuleDays | None = None
        self.last_days = LastDays()
        self._derive(customer)

    def _derive(self, customer: Customer) -> None:
        """Fold all shares anew."""
        shares = [share for share in customer.shares.values() if not share.detached]
        if not shares:
            customer.old_days, customer.old_core = [], []
        self.gaps = None
        series = self.series = DaySeries()
        partial = {day for share in shares for day in share.old_days}.union(customer.old_days)
        partial |= {day for share in shares if share.thin_from for day in share.days if day < share.thin_from}
        core = {day for share in shares for day in share.old_core}.union(customer.old_core)
        told = [0] * SUMMED
        for day in sorted({day for share in shares for day in share.days} | partial):
            buckets = [share.days[day] for share in shares if day in share.days]
            bucket = merge_buckets(buckets) if buckets else NO_BUCKET
            if day in partial:
                series.put_partial(day, bucket, core=day in core)
            else:
                series.put(day, bucket)
            if partial:
                bucket = series.get(day) or NO_BUCKET
                for field in range(SUMMED):
                    told[field] += bucket[field]
        if partial:
            totals = [sum(share.totals[field] for share in shares) for field in range(SUMMED)]
            series.rest = [total - known for total, known in zip(totals, told, strict=True)]

    def fold(self, customer: Customer, share: Share, record: ProfileState) -> list[int]:
        """Take in news of one share; return the days of which it tells."""
        days, all_anew = record.days, record.detached or record.full
        first = min(days) if days else None
        self.last_days.hear(share, record, all_anew=all_anew)
        if all_anew or (days and not share.days):
            self._people = None
        self._rouse(customer, record, first, all_anew=all_anew)
        self._forget_key_people(record, first, all_anew=all_anew)
        if all_anew:
            self.course.forget(chain(share.days, days))
        elif first is not None:
            self.course.forget((first,))
        if self.series.partial and not self._leaves_the_past(customer, share, record, all_anew=all_anew):
            return self._fold_past(customer, share, record)
        gone: Mapping[int, Bucket] = {}
        if all_anew:
            gone = share.days
            self._clear(share)
        self._take(customer, share, record)
        if gone:
            share.days.update(record.days)
            told = sorted(gone.keys() | record.days.keys())
            shares = customer.shares.values()
            for day in told:
                # A profile that tells all of it says of most days what it said before.
                if gone.get(day) != record.days.get(day):
                    buckets = [other.days[day] for other in shares if day in other.days]
                    self.series.put(day, merge_buckets(buckets) if buckets else NO_BUCKET)
            return told
        series, known = self.series, share.days
        for day, bucket in days.items():
            _replace_day(series, day, known.get(day), bucket)
            known[day] = bucket
        return sorted(days) if len(days) > 1 else list(days)

    def _rouse(self, customer: Customer, record: ProfileState, first: int | None, *, all_anew: bool) -> None:
        """More than its trend may move it; but days from the last instant on are not seen before they are over.

        ``first`` is the first day of which the record tells.
        """
        settled = customer.settled_day
        told = all_anew or record.traits or record.outcomes
        if told or first is None or settled is None or first < settled:
            self.quiet_until, self.quiet_since = 0, None
        elif self.quiet_until > first:
            self.quiet_until = first + 1

    def _forget_key_people(self, record: ProfileState, first: int | None, *, all_anew: bool) -> None:
        """News of before the instant that they were told as of: tell it anew."""
        told = self.key_people
        if told is not None:
            if all_anew or (first is not None and first < told.day) or ROLE in record.traits:
                self.key_people = None
            elif first is not None:
                told.hear(record.profile_id, first)
        known = self.patience.get(record.profile_id)
        if known is not None and (all_anew or (first is not None and first <= known[0])):
            del self.patience[record.profile_id]

    def _leaves_the_past(self, customer: Customer, share: Share, record: ProfileState, *, all_anew: bool) -> bool:
        """Whether the news is of days alone of which all is known: then no day that is known in part, nor the sums that
        no day tells, can move."""
        partial = self.series.partial
        if not all_anew or not partial.isdisjoint(record.days):
            return partial.isdisjoint(record.days)
        if share.old_days or not partial.isdisjoint(share.days):
            return False
        stays = not record.detached or any(
            not other.detached for other in customer.shares.values() if other is not share
        )
        return stays and _untold(share.totals, share.days) == _untold(record.totals, record.days)

    def _fold_past(self, customer: Customer, share: Share, record: ProfileState) -> list[int]:
        """Take in news of days that are known in part: rare, so that all is folded anew."""
        all_anew = record.detached or record.full
        changed = set(record.days)
        if all_anew:
            changed.update(share.days, share.old_days)
            self._clear(share)
        self._take(customer, share, record)
        for day, bucket in record.days.items():
            share.put(day, bucket)
        self._derive(customer)
        return sorted(changed)

    def _take(self, customer: Customer, share: Share, record: ProfileState) -> None:
        """Take in all but the days."""
        share.totals = record.totals
        share.detached, share.by_domain = record.detached, record.by_domain
        uses = record.uses
        if uses:
            self._note_modules(share, uses)
            settled = customer.settled_day
            if settled is not None and min(uses) >= settled:
                # What is added up lies before.
                share.uses.update(uses)
            else:
                from_day = 0 if record.full or settled is None else whole_from(settled, self._kept.use_days)
                share.take_uses(uses, from_day)
        if record.sources:
            self.sources.hear(share.sources, record.sources)
            share.sources.update(record.sources)
        traits = record.traits
        if traits:
            if not traits.keys().isdisjoint(TERM_TRAITS):
                self.alarmed_by = self.term = None
            if PERSON_ATTRIBUTES in traits and customer.is_account:
                # Only of who is its own customer anybody asks for them; who becomes one tells them anew.
                traits = {name: values for name, values in traits.items() if name != PERSON_ATTRIBUTES}
            share.traits.update(traits)
            self._put_traits(traits)
            if ROLE in traits:
                self._roles = {}
        for key, outcome in record.outcomes.items():
            self._take_fact(customer, share, record.profile_id, key, (outcome.type, outcome.at_ms, outcome.data))

    def _take_fact(
        self, customer: Customer, share: Share, profile_id: str, event_id: str, outcome: OutcomeValue
    ) -> None:
        """Take in a dated fact. Mostly it is new and the newest: what is derived goes on then, instead of anew."""
        kind, at_ms, data = outcome
        known, days, history = self._outcomes, self._fact_days, self._history
        is_new = not any(event_id in other.outcomes for other in customer.shares.values())
        count = len(share.outcomes)
        put(share.outcomes, event_id, outcome)
        is_new = is_new and len(share.outcomes) > count
        if not is_new:
            self.alarmed_by = None
        elif self.alarm_day is None or at_ms // DAY_MS < self.alarm_day:
            # It is seen when its day is over.
            self.alarm_day = at_ms // DAY_MS + 1
        if not (known and days and history) or not is_new or at_ms <= known[-1][1]:
            self._forget_facts()
            return
        known.append(outcome)
        history.append(DatedFact(kind, at_ms, data, event_id, profile_id))
        if days[-1] != at_ms // DAY_MS:
            days.append(at_ms // DAY_MS)
        if _is_campaign(kind, data):
            self._campaigns = None

    def _note_modules(self, share: Share, uses: ByDay) -> None:
        """News of uses: a day is told anew with all of its modules, and nearly always with no less than before."""
        newest = self._module_days
        if newest is None:
            return
        for day, modules in uses.items():
            known = share.uses.get(day)
            if known is not None and not known.keys() <= modules.keys():
                self._module_days = None
                return
            newest.note(day, modules)

    def compact(self, customer: Customer, day: int) -> None:
        """Forget what no grid instant from ``day`` on asks for; what was decided at ``day`` may still be told after.

        Nothing that is told changes: totals are the profiles' own, and that a day was active is kept. Therefore it may
        be done now and then: days where it pays, the rest after ``COMPACTION_DAYS``, and once after a restart.
        """
        # The return of a customer is told as of the day before.
        told_from = day - 1
        self._compact_days(customer, told_from)
        if self._compacted_day is not None and day < self._compacted_day + COMPACTION_DAYS:
            return
        self._compacted_day = day
        names: set[tuple[int, int]] | None = None
        for share in customer.shares.values():
            share.forget_uses(day, self._kept.use_days)
            share.forget_sources(told_from)
            if share.has_past_traits(told_from * DAY_MS):
                names = name_changes(customer) if names is None else names
                share.forget_traits(told_from * DAY_MS, names)
        if self._module_days is not None:
            self._module_days.forget(kept_from(day))
        self._compact_facts(customer, told_from)
        _forget_strangers(customer, told_from - SHARED_DAYS)

    def _compact_facts(self, customer: Customer, day: int) -> None:
        shares = list(customer.shares.values())
        facts = kept_facts([(share.outcomes, not share.traits) for share in shares], day, self._kept)
        for share, still in zip(shares, facts, strict=True):
            if still is not share.outcomes:
                share.outcomes = still
                self._forget_facts()

    def _compact_days(self, customer: Customer, day: int) -> None:
        series, shares, kept = self.series, list(customer.shares.values()), self._kept
        thin_from, shared_from = day - kept.query_days, day - SHARED_DAYS
        if series.count_before(thin_from) - len(series.partial) < _ENOUGH:
            return
        newest = series.days[max(series.count_before(day) - kept.active_days, 0)]
        changed: set[int] = set()
        for share in shares:
            if share.days:
                changed.update(share.thin(thin_from))
                past = share.past(day, kept, min(shared_from, newest))
                share.forget(past)
                changed.update(past)
        rest = series.rest
        for old in sorted(changed):
            before = series.get(old)
            assert before is not None, "an active day of a profile is one of its customer"
            known = [share.days[old] for share in shares if old in share.days]
            told = series.put_partial(old, merge_buckets(known) if known else NO_BUCKET, core=before[QUERIES] > 0)
            for field in range(SUMMED):
                rest[field] += before[field] - told[field]
        series.rest = rest
        self._disown(customer, shared_from)

    @staticmethod
    def _disown(customer: Customer, before_day: int) -> None:
        days, core = set(customer.old_days), set(customer.old_core)
        for share in customer.shares.values():
            old, old_core = share.disown(before_day)
            days.update(old)
            core.update(old_core)
        customer.old_days, customer.old_core = sorted(days), sorted(core)

    def people(self, customer: Customer) -> list[dict[int, Bucket]]:
        """The active days of each profile that has any. They go on as it tells more, and are to be read only."""
        if self._people is None:
            self._people = [share.days for share in customer.shares.values() if share.days]
        return self._people

    def people_days(self, customer: Customer, ends: Iterable[int], width: int) -> list[int]:
        """Of each window of ``width`` days before one of ``ends``: on how many days each person was active, summed."""
        days = self.people(customer)
        return [sum(day in known for known in days for day in range(end - width, end)) for end in ends]

    def uses(self, customer: Customer, day: int) -> ByDay:
        """Uses of modules as of ``day``: by day for the newest weeks; of older ones by weeks, under their Mondays."""
        merged: ByDay = {}
        for share in customer.shares.values():
            for used, modules in by_weeks(share.uses, day, self._kept.use_days).items():
                add_uses(merged, used, modules)
        return merged

    def modules(self, customer: Customer, day: int, width: int) -> set[str]:
        """Modules that people used in the ``width`` days before ``day``."""
        newest = self._module_days
        if newest is None:
            uses = chain.from_iterable(share.uses.items() for share in customer.shares.values())
            newest = self._module_days = ModuleDays(uses)
        first = day - width
        found = newest.used(first, day)
        if found is None:
            found = {
                module
                for share in customer.shares.values()
                for used_on, modules in share.uses.items()
                if first <= used_on < day
                for module in modules
            }
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
        held: dict[str, Trait] = {}
        for name in names:
            value = self.trait_at(customer, name, at_ms)
            if value is not None:
                held[name] = value
        return held

    def trait_at(self, customer: Customer, name: str, at_ms: int) -> Trait | None:
        """The newest value of a trait, as ``traits_at``."""
        value = self.traits(customer).get(name)
        if value is None or value.at_ms <= at_ms:
            return value
        return max(
            (
                earlier
                for share in customer.shares.values()
                for earlier in share.traits.get(name, ())
                if earlier.at_ms <= at_ms
            ),
            key=itemgetter(1, 2),
            default=None,
        )

    def attributes_at(self, customer: Customer, at_ms: int) -> Attributes:
        """What the vendor tells of the customer for its score, as of ``at_ms``: all that was told together last.

        Of an account that is what was told of the account, not of its people.
        """
        name = ATTRIBUTES if customer.is_account else PERSON_ATTRIBUTES
        held = self.trait_at(customer, name, at_ms)
        return NO_ATTRIBUTES if held is None else held.value

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
        known = self._fact_days
        # Mostly there is none.
        return known[bisect_left(known, day)] if known and known[-1] >= day else None

    def known_from(self, customer: Customer) -> int | None:
        """UTC day of the first dated fact or trait; None where nobody told anything."""
        told = [at_ms for _, at_ms, _ in self.outcomes(customer)[:1]]
        told += [values[0].at_ms for share in customer.shares.values() for values in share.traits.values() if values]
        return min(told) // DAY_MS if told else None

    def campaigns(self, customer: Customer, day: int) -> list[int]:
        """Days of the campaigns before ``day`` whose effect is still taken out."""
        if self._campaigns is None:
            self._campaigns = sorted(
                at_ms // DAY_MS for kind, at_ms, data in self.outcomes(customer) if _is_campaign(kind, data)
            )
        known = self._campaigns
        return known[bisect_left(known, day - self._kept.campaign_days) : bisect_left(known, day)] if known else known

    def roles(self, customer: Customer, day: int, *, without: str | None = None) -> dict[str, tuple[str, int | None]]:
        """By profile with a role as of ``day``: the role, and its last active day before (None: never active).

        Those in the role ``without`` are left out: most are in one that few ask for.
        """
        known = self._roles.get(without)
        if known is None:
            known = self._roles[without] = [
                (key, share, values[-1])
                for key, share in customer.shares.items()
                if (values := share.traits.get(ROLE)) and any(value.value != without for value in values)
            ]
        found: dict[str, tuple[str, int | None]] = {}
        before_ms = day * DAY_MS
        for key, share, newest in known:
            if not share.detached:
                held: Trait | None = newest
                if newest.at_ms >= before_ms:
                    held = next((value for value in reversed(share.traits[ROLE]) if value.at_ms < before_ms), None)
                if held is not None and held.value != without:
                    found[key] = str(held.value), self.last_days.of(customer, key, share, day)
        return found

    def contributions(self, score: Published) -> list[Contribution]:
        """All parts of the score as contract records; alerts on the same score share them."""
        if self._reasons is None or self._reasons[0] is not score:
            reasons = [
                Contribution(name, value, part)
                for name, value, part in zip(NAMES, score.features, score.contributions, strict=True)
            ]
            reasons += [
                Contribution(PREFIX + name, told(score.attributes[name]), part)
                for name, part in score.parts_of_attributes.items()
            ]
            self._reasons = score, reasons
        return self._reasons[1]

    def reasons(self, score: Published) -> list[Contribution]:
        """The parts that move the score at all: what an alert tells of it."""
        return [part for part in self.contributions(score) if part.contribution]

    def _clear(self, share: Share) -> None:
        """A profile went away, or says all anew: derive what it told of anew when asked."""
        self.alarmed_by = None
        if share.sources:
            self.sources.forget()
        if share.traits:
            self._newest = self.term = None
            self._roles = {}
        if share.uses:
            self._module_days = None
        if share.outcomes:
            self._forget_facts()
        share.clear()

    def _forget_facts(self) -> None:
        self._outcomes = self._history = self._fact_days = self._campaigns = None


def _is_campaign(kind: str, data: Mapping[str, Any]) -> bool:
    return kind == TOUCHPOINT and data.get("kind") == CAMPAIGN


def trait_values(customer: Customer, name: str) -> list[Trait]:
    """All known values of a trait over all profiles, oldest first."""
    unique = {value[1:3]: value for share in customer.shares.values() for value in share.traits.get(name, ())}
    return [unique[key] for key in sorted(unique)]


def name_changes(customer: Customer) -> set[tuple[int, int]]:
    """Times and marks of the values of the name that differ from the one before, over all profiles."""
    values = trait_values(customer, NAME)
    return {
        value[1:3]
        for before, value in zip([None, *values], values, strict=False)
        if not before or before[0] != value[0]
    }


def _forget_strangers(customer: Customer, before_day: int) -> None:
    """Of browsers and devices that were last seen before a day keep the beginning of the profile's id alone."""
    gone = {
        key
        for key, share in customer.shares.items()
        # Only of an id that follows from the subject the beginning is as good as random.
        if share.is_stranger(before_day) and key == share.own_key(customer.tenant)
    }
    if gone:
        beginnings = Counter(key[:MARK_LENGTH] for key in customer.shares)
        shares: dict[str, Share] = {}
        for key, share in customer.shares.items():
            mark = key[:MARK_LENGTH]
            if key in gone and beginnings[mark] == 1:
                shares[mark], share.subject_value = share, ""
            else:
                shares[key] = share
        customer.shares = shares


def fold(customer: Customer, view: View, record: ProfileState) -> list[int] | None:
    """Take in one profile's contribution; return the days of which it tells, in order. An older record changes nothing,
    and tells None."""
    share = customer.shares.get(record.profile_id)
    if share is None:
        # Perhaps a stranger who was long gone.
        share = customer.shares.pop(record.profile_id[:MARK_LENGTH], None) or Share(record.subject.type, "")
        share.subject_value = record.subject.value
        customer.shares[record.profile_id] = share
    if share.knows(record):
        return None
    share.epoch, share.effective_ms = record.epoch, record.effective_ms
    share.version, share.accepted, share.partition = record.version, record.accepted, record.partition
    return view.fold(customer, share, record)


def _untold(totals: list[int], days: Mapping[int, Bucket]) -> list[int]:
    """What the buckets of a profile do not tell of its sums."""
    return [totals[field] - sum(map(itemgetter(field), days.values())) for field in range(SUMMED)]


def _replace_day(series: DaySeries, day: int, old: Bucket | None, new: Bucket) -> None:
    """Swap one profile's bucket of a day. Its numbers only grow, so sums move by the difference."""
    total = series.get(day)
    if total is None or total == old:
        # Nobody else was there.
        series.put(day, list(new))
        return
    if old:
        total[:SUMMED] = map(sub, total[:SUMMED], old[:SUMMED])
    add_bucket(total, new)
    series.put(day, total)
