"""Which part of a profile belongs to which customer (identity §2).

What was done for an account belongs to it. Activity that names no account belongs, day by day, to the only account that
the person was in on that day; where it was in none or in several, to the account that has the domain of the person's
e-mail, else to the person itself. So a part as of a day depends on nothing that happened later. Traits and dated facts
without an account follow the membership as it is, or was last.

An owner is named by the key (``type/value``) of its anchor: that of the account, or of the person. Until identity says
otherwise these are the group id and the subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from ebbtide.models.customer.series import REVENUE, SUMMED, merge_buckets
from ebbtide.models.identity.membership import Timeline, of_spans, union
from ebbtide.models.profile.money import bounded
from ebbtide.models.profile.profile import NO_ACCOUNT, Profile, Slot, SlotChange, merged
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import IdentifierType
from ebbtide.schemas.identity import Span
from ebbtide.schemas.profile_state import Outcome, Trait

_NOTHING = Slot()


class Owners:
    """Who owns what of a profile: the person, the accounts of its slots, and when it is in which account.

    ``members`` are the stays in each account, of all its group ids; ``otherwise`` has what was done in none of them.
    """

    __slots__ = ("_accounts", "_known_timeline", "members", "otherwise", "person")

    def __init__(self, profile: Profile) -> None:
        self.person = profile.anchor or profile.subject
        self.otherwise = profile.by_domain or self.person
        self._accounts = {group: anchor for group, (anchor, _) in profile.accounts.items()}
        stays = {group: of_spans(spans) for group, (_, spans) in profile.accounts.items()}
        for group, slot in profile.slots.items():
            if group != NO_ACCOUNT and slot.membership is not None:
                stays[group] = union(stays.get(group), slot.membership)
        self.members: dict[str, list[Span]] = {}
        for group in sorted(stays):
            self.members.setdefault(self.of(group), []).extend(stays[group].spans)
        self._known_timeline: Timeline | None = None

    @property
    def _timeline(self) -> Timeline:
        # Mostly owners are only compared.
        if self._known_timeline is None:
            self._known_timeline = Timeline(self.members, self.otherwise)
        return self._known_timeline

    @property
    def now(self) -> str:
        """Owner of what names no account and has no day."""
        return self._timeline.now

    def same(self, other: Owners, groups: Iterable[str]) -> bool:
        """Whether the others own the same: of what names no account, and of what was done for some."""
        mine, theirs = (self.person, self.otherwise, self.members), (other.person, other.otherwise, other.members)
        return mine == theirs and all(self.of(group) == other.of(group) for group in groups)

    @property
    def now_since_ms(self) -> int:
        """The instant from which on that is so, epoch ms; 0 where it always was."""
        day = self._timeline.now_since
        return 0 if day is None else day * DAY_MS

    def of(self, group: str) -> str:
        """Owner of what was done for an account."""
        return self._accounts.get(group) or f"{IdentifierType.GROUP_ID}/{group}"

    def on(self, day: int) -> str:
        """Owner of the activity of ``day`` that names no account."""
        return self._timeline.on(day)


class _Slots:
    """Slots of a profile that count for one customer, whole."""

    __slots__ = ("_slots", "owner")

    def __init__(self, owner: str, slots: list[Slot]) -> None:
        self.owner = owner
        self._slots = slots

    @property
    def accepted(self) -> int:
        """Distinct messages that count for this customer, of whatever kind."""
        return sum(slot.accepted for slot in self._slots)

    def outcomes(self, only: Set[str] | None = None) -> dict[str, Outcome]:
        """All dated facts, or some."""
        return outcomes_of(self._slots, only)


class Part(_Slots):
    """What the profile contributes to one customer: its account's slots, and its share of what names no account."""

    __slots__ = ("_loose", "_named", "_owners")

    def __init__(self, profile: Profile, owner: str, owners: Owners) -> None:
        self._owners = owners
        self._loose = profile.slots.get(NO_ACCOUNT, _NOTHING)
        self._named = [
            slot for group, slot in profile.slots.items() if group != NO_ACCOUNT and owners.of(group) == owner
        ]
        # Whose what has no day is follows from all stays: it is asked only where there is any.
        mine = self._loose is not _NOTHING and owners.now == owner
        super().__init__(owner, [*self._named, self._loose] if mine else self._named)

    @property
    def is_empty(self) -> bool:
        """Whether the profile has nothing for this customer."""
        loose = self._loose
        return not self.accepted and not any(map(self._is_ours, {**loose.days, **loose.uses}))

    @property
    def by_domain(self) -> bool:
        """Whether the customer has it by the domain of an e-mail alone."""
        owners = self._owners
        return self.owner == owners.otherwise != owners.person and self.owner not in owners.members

    def _is_ours(self, day: int) -> bool:
        return self._owners.on(day) == self.owner

    def days(self, only: Iterable[int] | None = None) -> dict[int, list[int]]:
        """Copies of the day buckets, all or only those of some days."""
        named, loose = self._named, self._loose.days
        found: dict[int, list[int]] = {}
        for day in sorted(set(loose).union(*(slot.days for slot in named)) if only is None else only):
            buckets = [slot.days[day] for slot in named if day in slot.days]
            if day in loose and self._is_ours(day):
                buckets.append(loose[day])
            if buckets:
                found[day] = merge_buckets(buckets)
                if len(buckets) > 1:
                    found[day][REVENUE] = bounded(found[day][REVENUE])
        return found

    @property
    def totals(self) -> list[int]:
        """Sums over all time; machines' use without an account goes with what has no day."""
        found = [sum(numbers) for numbers in zip(_NOTHING.totals, *(s.totals for s in self._slots), strict=True)]
        if self._loose.days:
            ours = self._owners.now == self.owner
            for day, bucket in self._loose.days.items():
                # Nearly always one customer has all days.
                if self._is_ours(day) != ours:
                    for index in range(SUMMED):
                        found[index] += -bucket[index] if ours else bucket[index]
        found[REVENUE] = bounded(found[REVENUE])
        return found

    def uses(self, only: Iterable[int] | None = None) -> dict[int, dict[str, int]]:
        """Uses of modules by day, all or only those of some days."""
        named, loose = self._named, self._loose.uses
        found: dict[int, dict[str, int]] = {}
        for day in sorted(set(loose).union(*(slot.uses for slot in named)) if only is None else only):
            merged: dict[str, int] = {}
            of_day = [slot.uses[day] for slot in named if day in slot.uses]
            if day in loose and self._is_ours(day):
                of_day.append(loose[day])
            for uses in of_day:
                for module, times in uses.items():
                    merged[module] = merged.get(module, 0) + times
            if merged:
                found[day] = merged
        return found

    def sources(self, only: Iterable[int] | None = None) -> dict[int, list[str]]:
        """Sources of the activity by day, all or only those of some days."""
        named, loose = self._named, self._loose.sources
        found: dict[int, list[str]] = {}
        for day in sorted(set(loose).union(*(slot.sources for slot in named)) if only is None else only):
            heard = {source for slot in named for source in slot.sources.get(day, ())}
            if day in loose and self._is_ours(day):
                heard.update(loose[day])
            if heard:
                found[day] = sorted(heard)
        return found

    def traits(self, only: Set[str] | None = None) -> dict[str, list[Trait]]:
        """Values of every trait, or of some, oldest first."""
        values: dict[str, list[Trait]] = {}
        for slot in self._slots:
            # What names no account was the person's before: its account has it from the day of joining on.
            since_ms = self._owners.now_since_ms if slot is self._loose and slot.traits else 0
            for name in [name for name in slot.traits if only is None or name in only]:
                found = held_from(since_ms, slot.traits[name])
                values[name] = merged(values[name], found) if name in values else found
        return values


def held_from(since_ms: int, values: list[Trait]) -> list[Trait]:
    """The values as of ``since_ms`` and later: of those before, the newest, dated then."""
    later = [value for value in values if value.at_ms >= since_ms]
    if len(later) == len(values):
        return values
    held = values[-len(later) - 1]._replace(at_ms=since_ms)
    return later if later and later[0][1:3] <= held[1:3] else [held, *later]


class WholeSlot(_Slots):
    """The part of a profile that is one account's slot and nothing else, as most are: nothing has to be added up."""

    __slots__ = ()

    @property
    def is_empty(self) -> bool:
        """Never: a slot was made by an event."""
        return False

    @property
    def by_domain(self) -> bool:
        """Never: the account was named."""
        return False

    def days(self, only: Iterable[int] | None = None) -> dict[int, list[int]]:
        """As ``Part.days``."""
        [slot] = self._slots
        return {day: slot.days[day].copy() for day in sorted(slot.days if only is None else only)}

    @property
    def totals(self) -> list[int]:
        """As ``Part.totals``."""
        return self._slots[0].totals.copy()

    def uses(self, only: Iterable[int] | None = None) -> dict[int, dict[str, int]]:
        """As ``Part.uses``."""
        uses = self._slots[0].uses
        return {day: uses[day].copy() for day in sorted(uses if only is None else only) if day in uses}

    def sources(self, only: Iterable[int] | None = None) -> dict[int, list[str]]:
        """As ``Part.sources``."""
        sources = self._slots[0].sources
        return {day: sources[day] for day in sorted(sources if only is None else only)}

    def traits(self, only: Set[str] | None = None) -> dict[str, list[Trait]]:
        """As ``Part.traits``."""
        traits = self._slots[0].traits
        return {name: values for name, values in traits.items() if only is None or name in only}


def part_of(profile: Profile, owner: str, owners: Owners) -> Part | WholeSlot:
    """What the profile contributes to an owner."""
    if NO_ACCOUNT not in profile.slots:
        named = [slot for group, slot in profile.slots.items() if owners.of(group) == owner]
        if len(named) == 1:
            return WholeSlot(owner, named)
    return Part(profile, owner, owners)


def outcomes_of(slots: Iterable[Slot], only: Set[str] | None) -> dict[str, Outcome]:
    """Dated facts of slots as contract records, all or some."""
    return {
        key: Outcome(kind, at_ms, data)
        for slot in slots
        for key, (kind, at_ms, data) in slot.outcomes.items()
        if only is None or key in only
    }


def touched(changes: dict[str, SlotChange], owners: Owners) -> list[str]:
    """Owners whose part may have changed."""
    found = [owners.of(group) for group in changes if group != NO_ACCOUNT]
    loose = changes.get(NO_ACCOUNT)
    if loose is not None:
        found += sorted({owners.on(day) for day in loose.days | loose.used} | {owners.now})
    return list(dict.fromkeys(found))


def changed(changes: dict[str, SlotChange], owner: str, owners: Owners) -> SlotChange:
    """What may have changed in the part of an owner."""
    found = SlotChange()
    for group, change in changes.items():
        if group == NO_ACCOUNT or owners.of(group) == owner:
            found.days |= change.days
            found.used |= change.used
            found.traits |= change.traits
            found.outcomes = found.outcomes | change.outcomes
    return found
