"""Evidence that a subject was seen in an account again, after it had come to another (identity §6).

Identity hears of the first day in every account. To tell a person who works in two accounts from one whose account
was renamed it needs to know whether the one is still used after the other began, and nothing more: for accounts A and
B the earliest active day in A that is more than ``SETTLING_DAYS`` after the first day in B, unless the first day in A
says it. It is sent whenever it becomes another, so what was sent of before any midnight does not depend on the order of
arrival; where events come in the order of time, it is sent at most once for each A and B.
"""

from __future__ import annotations

from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.identity.links import membership
from ebbtide.models.identity.renames import MOST_ACCOUNTS, SETTLING_DAYS
from ebbtide.models.profile.profile import NO_ACCOUNT, Profile, Slot
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.events import Event, EventKind
from ebbtide.schemas.identity import IdentityLink, MembershipKind

_ACTIVITY = EventKind.ACTIVITY  # To ask an enumeration for a member takes as long as a call.


def returns(profile: Profile, event: Event, *, earlier: bool) -> list[IdentityLink]:
    """What the event, folded by now, tells about returns. ``earlier``: it may have moved the account's first day.

    For profiles of one account there is nothing to tell; callers need not ask.
    """
    account, slots = event.account, profile.slots
    if not account:
        return []
    mine, day = slots[account], event.occurred_ms // DAY_MS
    # Mostly it is not the first activity of its day, and moved no first day.
    if not earlier and (event.kind is not _ACTIVITY or event.machine or mine.days[day][0] > 1):
        return []
    if not is_person(event.subject.type) or len(slots) - (NO_ACCOUNT in slots) > MOST_ACCOUNTS:
        return []
    if earlier:
        # Another first day here: all days of all accounts are to be compared with it.
        others = _others(profile, account)
        days = {(account, _return(mine, _first(slot))) for slot in others.values()}
        days |= {(group, _return(slot, _first(mine))) for group, slot in others.items()}
        return [membership(event, group, MembershipKind.SEEN, back) for group, back in sorted(days) if back]
    before = max((active for active in mine.days if active < day), default=_first(mine))
    starts = map(_first, _others(profile, account).values())
    if any(before <= start + SETTLING_DAYS < day for start in starts):
        return [membership(event, account, MembershipKind.SEEN, day)]
    return []


def _others(profile: Profile, account: str) -> dict[str, Slot]:
    return {group: slot for group, slot in profile.slots.items() if group not in (NO_ACCOUNT, account)}


def _return(slot: Slot, began: int) -> int:
    """The day on which a slot was used again after another account began; 0 if it was not, or began after that."""
    settled = began + SETTLING_DAYS
    return 0 if _first(slot) > settled else min((day for day in slot.days if day > settled), default=0)


def _first(slot: Slot) -> int:
    assert slot.first_day is not None  # Every slot was made by an event.
    return slot.first_day
