"""A source profile: everything that one subject did, split by the account it did it for (identity §2).

It holds only what folds in any order: day buckets, first and last seconds, dated trait values, a set of outcomes.
State is owned by its shard; ``step`` changes it in place and says what changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from ebbtide.models.churn.grid import last_observation_day
from ebbtide.models.identity.identifiers import is_person
from ebbtide.models.identity.membership import Membership, heard, union
from ebbtide.models.profile.facts import MEMBERSHIP, storable, traits_of
from ebbtide.models.profile.history import KEPT, put
from ebbtide.models.profile.modules import Modules, count
from ebbtide.models.profile.money import OrderMoney, bounded
from ebbtide.models.profile.virtual_events import VirtualEvents
from ebbtide.schemas.base import DAY_MS, DAY_SECONDS
from ebbtide.schemas.events import Event, EventKind
from ebbtide.schemas.identity import MembershipKind, Span
from ebbtide.schemas.profile_state import MACHINE, TOTAL_FIELDS, Trait

NO_ACCOUNT = ""
# To ask an enumeration for a member takes as long as a call.
_ACTIVITY = EventKind.ACTIVITY
_EMPTY_HASH, _EMPTY_MARK = blake2b(digest_size=8), blake2b(digest_size=4)

USE_DAYS = 63
"""Days whose uses of modules anybody asks for, as of any instant: nine weeks."""

_MOST_SOURCES = 8

_NO_DAYS, _NO_NAMES = frozenset[int](), frozenset[str]()

MOST_VALUES = 32
"""Newest values kept of a trait: what held at an instant must be known for as long as the instant may be evaluated."""


class Slot(msgspec.Struct):
    """What the profile did for one account (or, under ``NO_ACCOUNT``, for none).

    ``first_day`` is the earliest day on which the account was named, ``left`` and ``back`` the days on which the CRM
    says that the subject left it and is in it. ``owner`` is the customer that has the slot's traits. ``names`` are the
    account's names that identity was told, folded, each with its earliest event time; None without any. ``totals``,
    ``uses`` and ``sources`` are as ``ProfileState`` has them.
    """

    days: dict[int, list[int]] = msgspec.field(default_factory=dict)
    traits: dict[str, list[Trait]] = msgspec.field(default_factory=dict)
    outcomes: dict[str, tuple[str, int, dict[str, Any]]] = msgspec.field(default_factory=dict)
    totals: list[int] = msgspec.field(default_factory=lambda: [0] * len(TOTAL_FIELDS))
    uses: dict[int, dict[str, int]] = msgspec.field(default_factory=dict)
    sources: dict[int, list[str]] = msgspec.field(default_factory=dict)
    accepted: int = 0
    first_day: int | None = None
    left: tuple[int, ...] = ()
    back: tuple[int, ...] = ()
    owner: str | None = None
    names: dict[str, int] | None = None

    @property
    def membership(self) -> Membership | None:
        """When the subject was in the slot's account; None before it was seen there."""
        return None if self.first_day is None else Membership(self.first_day, self.left, self.back)


class SlotChange:
    """What changed in a slot since the last flush. ``moved``: also when the subject was in the account.

    ``days`` are those with another bucket, ``used`` those with other uses by machines alone. Mostly it is one day, and
    nothing else: sets that grow in place would be four large objects for that. ``slot`` is whose change it is, ``day``
    the day that was counted last, with its ``bucket`` and its last ``source``: mostly it is counted next too.
    ``heard`` tells that something was heard of when the subject was in the account, also where it moved nothing.
    """

    __slots__ = ("bucket", "day", "days", "heard", "moved", "outcomes", "slot", "source", "traits", "used")

    def __init__(self) -> None:
        self.moved = self.heard = False
        self.slot: Slot | None = None
        self.day: int | None = None
        self.bucket: list[int] = []
        self.source: str | None = None
        self.days = self.used = _NO_DAYS
        self.traits: frozenset[str] = _NO_NAMES
        self.outcomes: set[str] | frozenset[str] = _NO_NAMES

    def add_outcome(self, event_id: str) -> None:
        """Another fact: there may be thousands at once."""
        if not isinstance(self.outcomes, set):
            self.outcomes = set()
        self.outcomes.add(event_id)


class Profile(msgspec.Struct):
    """State of one profile. ``version`` is the last applied offset of the partition that feeds it.

    ``links`` are weights of the evidence that was sent, by key of the other identifier, or ``address/`` and an e-mail
    whose domain was told; none of them covers another.
    ``anchor`` is the key of the owner that identity gave it at ``epoch`` (None: itself); ``accounts`` are those of that
    person by group id, each with the key of its anchor and the person's stays there; ``by_domain`` is the key of the
    account that the domain of an e-mail points to. ``assigned_ms`` is the instant that rests on, ``effective_ms`` the
    one that what is told of the profile holds from.
    ``counted_before`` messages were accepted before the one of offset ``counted_from``, which was the first since the
    partition's own total was stored.
    ``members`` and ``told`` are what the customers were told last: when it is in which account; who has a part.
    """

    tenant: str
    subject_type: str
    subject_value: str
    version: int = -1
    slots: dict[str, Slot] = msgspec.field(default_factory=dict)
    links: dict[str, list[tuple[int, int]]] = msgspec.field(default_factory=dict)
    seen: dict[int, None] = msgspec.field(default_factory=dict)
    anchor: str | None = None
    epoch: int = 0
    assigned_ms: int = 0
    effective_ms: int = 0
    accounts: dict[str, tuple[str, list[Span]]] = msgspec.field(default_factory=dict)
    by_domain: str | None = None
    members: dict[str, list[Span]] = msgspec.field(default_factory=dict)
    told: list[str] = msgspec.field(default_factory=list)
    counted_from: int = -1
    counted_before: int = 0

    @property
    def accepted(self) -> int:
        """Distinct messages, of whatever kind."""
        return sum(slot.accepted for slot in self.slots.values())

    @property
    def subject(self) -> str:
        """Key of the subject, ``type/value``."""
        return f"{self.subject_type}/{self.subject_value}"

    @property
    def is_person(self) -> bool:
        """Whether the subject is a person (else an account, by facts of its own)."""
        return is_person(self.subject_type)


def mark_of_id(event_id: str) -> int:
    """What is stored of a message id."""
    # A copy of an empty hash costs less than a new one.
    hashed = _EMPTY_HASH.copy()
    hashed.update(event_id.encode())
    return int.from_bytes(hashed.digest(), "little")


def step(
    profile: Profile,
    event: Event,
    change: SlotChange,
    virtual_events: VirtualEvents,
    modules: Modules,
    money: OrderMoney,
) -> Iterable[tuple[MembershipKind, int]]:
    """Fold one event, seen for the first time, into its slot; mark what changed.

    Returns what turned out about when the subject was in the slot's account: mostly nothing.
    """
    slot = change.slot
    if slot is None:
        account = event.account or NO_ACCOUNT
        slot = profile.slots.get(account)
        if slot is None:
            slot = profile.slots[account] = Slot()
        change.slot = slot
    slot.accepted += 1
    at_ms = event.occurred_ms
    day = at_ms // DAY_MS
    kind, first_day = event.kind, slot.first_day
    edges: Iterable[tuple[MembershipKind, int]] = ()
    if first_day is None or day < first_day or (kind is not _ACTIVITY and event.type in MEMBERSHIP):
        edges = _stay(slot, event, day)
        change.moved, change.heard = change.moved or bool(edges), True
    if event.machine:
        slot.totals[5] += 1
        count(slot.uses, day, MACHINE)
        if day not in change.used:
            change.used |= {day}
        return edges
    if kind is _ACTIVITY:
        second = at_ms // 1000 % DAY_SECONDS
        if day != change.day:
            _turn_to(change, slot, day, second)
        login = _count(slot, event, second, change.bucket, virtual_events, money)
        module = None if login else modules.module(event.type, event.name, event.properties)
        if module is not None:
            count(slot.uses, day, module)
        source = event.source
        if source != change.source:
            change.source = source
            sources = slot.sources.get(day)
            if sources is None:
                slot.sources[day] = _alone(source)
            elif source not in sources:
                slot.sources[day] = sorted([*sources, source])[:_MOST_SOURCES]
        return edges
    _note_facts(slot, event, change, at_ms)
    return edges


def _note_facts(slot: Slot, event: Event, change: SlotChange, at_ms: int) -> None:
    traits = traits_of(event)
    if traits:
        name_of_event = mark(event)
        for name, value in traits.items():
            slot.traits[name] = merged(slot.traits.get(name, []), [Trait(value, at_ms, name_of_event, event.source)])
        change.traits |= traits.keys()
    if event.type in KEPT and put(slot.outcomes, event.event_id, (event.type, at_ms, storable(event.properties))):
        change.add_outcome(event.event_id)


def _stay(slot: Slot, event: Event, day: int) -> list[tuple[MembershipKind, int]]:
    """Take in that the subject was in the account, left it or is back in it; return what that changes, in order."""
    known = slot.membership
    new = union(known, heard(MEMBERSHIP.get(event.type, MembershipKind.SEEN), day))
    slot.first_day, slot.left, slot.back = new
    return sorted(new.edges if known is None else new.edges - known.edges)


def mark(event: Event) -> int:
    """A small number in place of the event's id, which names it among those of one millisecond."""
    hashed = _EMPTY_MARK.copy()
    hashed.update(event.event_id.encode())
    return int.from_bytes(hashed.digest(), "little")


def merged(values: list[Trait], others: list[Trait]) -> list[Trait]:
    """Values of one trait in the order of their time, the newest ``MOST_VALUES``, in whatever order they came."""
    if len(others) == 1 and (not values or others[0][1:3] > values[-1][1:3]):
        return [*values, *others][-MOST_VALUES:]
    unique = {value[1:3]: value for value in [*values, *others]}
    return [unique[key] for key in sorted(unique)][-MOST_VALUES:]


@lru_cache(maxsize=1_024)
def _alone(source: str) -> list[str]:
    """A source by itself, as on nearly every day of everybody: one list for all, which nobody changes."""
    return [source]


def forget_uses(profile: Profile, day: int) -> None:
    """Forget uses and sources that no instant from ``day`` on asks for, once they have become many.

    Weeks are told whole, so that what a Monday asks for is kept until the next.
    """
    for slot in profile.slots.values():
        if len(slot.uses) > 2 * USE_DAYS or len(slot.sources) > 2 * USE_DAYS:
            first = last_observation_day(day, 7) - USE_DAYS
            slot.uses = {used: uses for used, uses in slot.uses.items() if used >= first}
            slot.sources = {used: sources for used, sources in slot.sources.items() if used >= first}


def _turn_to(change: SlotChange, slot: Slot, day: int, second: int) -> None:
    """Count on another day than before; ``second`` is that of its event."""
    bucket = slot.days.get(day)
    if bucket is None:
        bucket = slot.days[day] = [0, 0, 0, 0, 0, second, second, -1, -1]
    change.day, change.bucket, change.source = day, bucket, None
    days = change.days
    if not days:
        change.days = _only(day)
    elif day not in days:
        change.days = days | {day}


@lru_cache(maxsize=1_024)
def _only(day: int) -> frozenset[int]:
    return frozenset((day,))


def _count(
    slot: Slot, event: Event, second: int, bucket: list[int], virtual_events: VirtualEvents, money: OrderMoney
) -> bool:
    """Count an activity; returns whether it was a login."""
    login, query, order = virtual_events.classify(event.name, event.properties)
    totals = slot.totals
    totals[0] += 1
    bucket[0] += 1
    if second < bucket[5]:
        bucket[5] = second
    elif second > bucket[6]:
        bucket[6] = second
    if login:
        totals[1] += 1
        bucket[1] += 1
        if bucket[7] < 0 or second < bucket[7]:
            bucket[7] = second
        bucket[8] = max(bucket[8], second)
    if query:
        totals[2] += 1
        bucket[2] += 1
    if order:
        totals[3] += 1
        bucket[3] += 1
        micros = money.micros(event.properties)
        totals[4] = bounded(totals[4] + micros)
        bucket[4] = bounded(bucket[4] + micros)
    return login
