"""Which part of a profile belongs to which customer (identity §2).

What was done for an account belongs to it. Activity that names no account belongs, day by day, to the only account that
the person was in by that day; before the first and from the second on, to the person itself. So a part as of a day
depends on nothing that happened later. Traits and dated facts without an account follow the membership as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from ebbtide.models.customer.series import merge_buckets
from ebbtide.models.profile.profile import NO_ACCOUNT, Profile, Slot, SlotChange, merged
from ebbtide.schemas.profile_state import Outcome, Trait

_NOTHING = Slot()


class Membership:
    """In which accounts a person was, and since which day."""

    __slots__ = ("_first", "_only", "_second", "now")

    def __init__(self, members: dict[str, int]) -> None:
        starts = sorted((day, account) for account, day in members.items())
        self._first, self._only = starts[0] if starts else (0, NO_ACCOUNT)
        self._second = starts[1][0] if len(starts) > 1 else None
        self.now = self._only if self._second is None else NO_ACCOUNT

    def on(self, day: int) -> str:
        """The account that activity of ``day`` without an account belongs to; ``NO_ACCOUNT``: the person."""
        return self._only if day >= self._first and (self._second is None or day < self._second) else NO_ACCOUNT


def members_of(profile: Profile) -> dict[str, int]:
    """Accounts the profile was ever seen in, each with its first day."""
    return {
        account: slot.first_day
        for account, slot in profile.slots.items()
        if account != NO_ACCOUNT and slot.first_day is not None
    }


class Part:
    """What the profile contributes to one customer: its own slot, and its share of what names no account."""

    __slots__ = ("_holds_loose", "_loose", "_member", "_slot", "_slots", "account")

    def __init__(self, profile: Profile, account: str, member: Membership) -> None:
        self.account = account
        self._member = member
        self._loose = profile.slots.get(NO_ACCOUNT, _NOTHING)
        self._slot = _NOTHING if account == NO_ACCOUNT else profile.slots.get(account, _NOTHING)
        self._holds_loose = member.now == account
        self._slots = (self._slot, self._loose) if self._holds_loose else (self._slot,)

    @property
    def is_empty(self) -> bool:
        """Whether the profile has nothing for this customer."""
        return not self.accepted and not any(map(self._is_ours, self._loose.days))

    @property
    def accepted(self) -> int:
        """Distinct messages that count for this customer, of whatever kind."""
        return sum(slot.accepted for slot in self._slots)

    def _is_ours(self, day: int) -> bool:
        return self._member.on(day) == self.account

    def days(self, only: Iterable[int] | None = None) -> dict[int, list[int]]:
        """Copies of the day buckets, all or only those of some days."""
        own, loose = self._slot.days, self._loose.days
        found: dict[int, list[int]] = {}
        for day in sorted(own.keys() | loose.keys() if only is None else only):
            buckets = [own[day]] if day in own else []
            if day in loose and self._is_ours(day):
                buckets.append(loose[day])
            if buckets:
                found[day] = merge_buckets(buckets)
        return found

    def traits(self, only: Set[str] | None = None) -> dict[str, list[Trait]]:
        """Values of every trait, or of some, oldest first."""
        values: dict[str, list[Trait]] = {}
        for slot in self._slots:
            for name in [name for name in slot.traits if only is None or name in only]:
                found = slot.traits[name]
                values[name] = merged(values[name], found) if name in values else found
        return values

    def outcomes(self, only: Set[str] | None = None) -> dict[str, Outcome]:
        """All dated facts, or some."""
        return outcomes_of(self._slots, only)


def outcomes_of(slots: Iterable[Slot], only: Set[str] | None) -> dict[str, Outcome]:
    """Dated facts of slots as contract records, all or some."""
    return {
        key: Outcome(kind, at_ms, data)
        for slot in slots
        for key, (kind, at_ms, data) in slot.outcomes.items()
        if only is None or key in only
    }


def touched(changes: dict[str, SlotChange], member: Membership) -> list[str]:
    """Accounts (or ``NO_ACCOUNT``) whose part may have changed."""
    accounts = [account for account in changes if account != NO_ACCOUNT]
    loose = changes.get(NO_ACCOUNT)
    if loose is not None:
        accounts += sorted({member.on(day) for day in loose.days} | {member.now})
    return list(dict.fromkeys(accounts))


def changed(changes: dict[str, SlotChange], account: str) -> SlotChange:
    """What may have changed in the part of ``account``."""
    found = SlotChange()
    for slot in {account, NO_ACCOUNT} & changes.keys():
        found.days |= changes[slot].days
        found.traits |= changes[slot].traits
        found.outcomes |= changes[slot].outcomes
    return found
