"""When each profile of a customer was active last: kept from record to record, and never stored."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from ebbtide.models.customer.share import STRANGERS, Share
from ebbtide.schemas.base import DAY_SECONDS
from ebbtide.schemas.profile_state import ProfileState

if TYPE_CHECKING:
    from ebbtide.models.customer.customer import Customer


class LastDays:
    """The last active days of those that were asked for, whose people are asked for at once."""

    __slots__ = ("_known", "_people")

    def __init__(self) -> None:
        # By profile; -1 of one that was never active.
        self._known: dict[str, int] = {}
        # Those of all people who were ever active, ascending; None until somebody asks.
        self._people: list[int] | None = None

    def hear(self, share: Share, record: ProfileState, *, all_anew: bool) -> None:
        """News of a profile, of which ``share`` has nothing yet."""
        is_person = share.subject_type not in STRANGERS
        before = self._known.get(record.profile_id)
        if before is None:
            if self._people is None or not is_person:
                return
            before = _newest(share)
        after = max(record.days, default=-1)
        if before > after and not all_anew:
            after = before
        self._known[record.profile_id] = after
        people = self._people
        if people is not None and is_person:
            if before >= 0 and not share.detached:
                del people[bisect_left(people, before)]
            if after >= 0 and not record.detached:
                insort(people, after)

    def of(self, profile_id: str, share: Share, day: int) -> int | None:
        """The last active day of a profile before ``day``."""
        last = self._known.get(profile_id)
        if last is None:
            last = self._known[profile_id] = _newest(share)
        if last >= day:
            return share.last_day(day)
        return last if last >= 0 else None

    def of_people(self, customer: Customer, day: int) -> list[int]:
        """Those before ``day`` of all people who were active before it, ascending. To be read only."""
        if self._people is None:
            self._people = sorted(
                last
                for key, share in customer.shares.items()
                if _counts(share) and (last := self._known.setdefault(key, _newest(share))) >= 0
            )
        people = self._people
        if people and people[-1] >= day:
            # Something is known of the days from then on.
            lasts = [self.of(key, share, day) for key, share in customer.shares.items() if _counts(share)]
            return sorted(last for last in lasts if last is not None)
        return people


def _counts(share: Share) -> bool:
    """Whether a profile is of a person that counts for the customer."""
    return not share.detached and share.subject_type not in STRANGERS


def _newest(share: Share) -> int:
    return max(max(share.days, default=-1), share.old_last // DAY_SECONDS)
