"""When each person of a customer was active last as of an instant: kept from record to record, and never stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ebbtide.models.customer.share import STRANGERS, Share
from ebbtide.schemas.profile_state import ProfileState

if TYPE_CHECKING:
    from ebbtide.models.customer.customer import Customer

_NEVER = -1 << 30
"""A day before all others."""


class LastDays:
    """The last active days of a customer's people before the newest instant that was asked for.

    Of days from then on mostly something is known, too: it counts once they are over. Strangers are no people.
    """

    __slots__ = ("_ascending", "_by_profile", "_day", "_later")

    def __init__(self) -> None:
        # The instant; None until somebody asks.
        self._day: int | None = None
        self._by_profile: dict[str, int] = {}
        # None until somebody asks.
        self._ascending: list[int] | None = None
        # Who was active on each day from the instant on.
        self._later: dict[int, set[str]] = {}

    def hear(self, share: Share, record: ProfileState, *, all_anew: bool) -> None:
        """News of a profile, of which ``share`` has nothing yet."""
        if self._day is None or share.subject_type in STRANGERS:
            return
        if share.detached or record.detached:
            # It counts no more, or again: rare enough to begin anew.
            self._day = None
            return
        key = record.profile_id
        if all_anew:
            self._by_profile.pop(key, None)
            self._ascending = None
            for active in self._later.values():
                active.discard(key)
        self._put(key, record.days, self._day)

    def of(self, customer: Customer, profile_id: str, share: Share, day: int) -> int | None:
        """The last active day before ``day`` of a profile that counts for the customer."""
        if self._day != day:
            self._go_on(customer, day)
        if self._day != day or share.subject_type in STRANGERS:
            return share.last_day(day)
        return self._by_profile.get(profile_id)

    def ascending(self, customer: Customer, day: int) -> list[int]:
        """Those before ``day`` of all people that count. To be read only."""
        if self._day != day:
            self._go_on(customer, day)
        if self._day != day:
            return sorted(last for _, share in _people(customer) if (last := share.last_day(day)) is not None)
        if self._ascending is None:
            self._ascending = sorted(self._by_profile.values())
        return self._ascending

    def since(self, customer: Customer, day: int, from_day: int) -> list[tuple[str, int]]:
        """Those from ``from_day`` on and before ``day``, of all people that count."""
        if self._day != day:
            self._go_on(customer, day)
        if self._day == day:
            return [(key, last) for key, last in self._by_profile.items() if last >= from_day]
        found = ((key, share.last_day(day)) for key, share in _people(customer))
        return [(key, last) for key, last in found if last is not None and last >= from_day]

    def _go_on(self, customer: Customer, day: int) -> None:
        """To a later instant. What is asked for one before is not kept."""
        if self._day is None:
            self._day = day
            self._by_profile = {
                key: last for key, share in _people(customer) if (last := share.last_day(day)) is not None
            }
            self._ascending = None
            self._later = {}
            for key, share in _people(customer):
                self._put(key, [active for active in share.days if active >= day], day)
        elif day > self._day:
            self._day = day
            known = self._by_profile
            for over in [active for active in self._later if active < day]:
                self._ascending = None
                for key in self._later.pop(over):
                    if over > known.get(key, _NEVER):
                        known[key] = over

    def _put(self, key: str, days: Iterable[int], now: int) -> None:
        """A profile was active on some days."""
        for day in days:
            if day >= now:
                self._later.setdefault(day, set()).add(key)
                continue
            if day > self._by_profile.get(key, _NEVER):
                self._by_profile[key] = day
                self._ascending = None


def _people(customer: Customer) -> Iterator[tuple[str, Share]]:
    """The profiles that name somebody and count for the customer."""
    return (
        (key, share)
        for key, share in customer.shares.items()
        if not share.detached and share.subject_type not in STRANGERS
    )
