"""A profile in memory, with what its shard must know of it between two flushes and nobody stores."""

from __future__ import annotations

from typing import Any

from ebbtide.models.identity.identifiers import profile_id
from ebbtide.models.profile.parts import Owners
from ebbtide.models.profile.profile import Profile, SlotChange, mark_of_id
from ebbtide.schemas.events import Identifier


class LiveProfile:
    """A profile in memory with what goes with it and is not stored: one look-up an event finds all of it.

    ``changes`` by slot are those since it was told last, None without any. ``noted`` are the very identifiers of its
    last links but those of facts, with the type of event and the weight that they had. ``anchor`` is that of the key
    ``owner``.
    ``owners`` are None where the profile's slots or what identity says of it may have moved since they were made.
    ``ids`` are message ids in place of the marks of a profile that was never stored: only who stores needs marks.
    """

    __slots__ = (
        "anchor",
        "changes",
        "id",
        "ids",
        "key",
        "noted",
        "noted_type",
        "owner",
        "owners",
        "profile",
        "subject",
        "weight",
    )

    def __init__(self, key: str, subject: Identifier, profile: Profile) -> None:
        self.key = key
        self.subject = subject
        self.profile = profile
        self.id: str | None = None
        self.ids: dict[str, None] = {}
        self.changes: dict[str, SlotChange] | None = None
        self.noted: list[Identifier] | None = None
        self.noted_type = ""
        self.weight = (0, 0)
        self.owner: str | None = None
        self.owners: Owners | None = None
        self.anchor = subject

    @property
    def profile_id(self) -> str:
        """Made when it is first told: most identifiers never are the subject of an event."""
        self.id = self.id or profile_id(self.key)
        return self.id

    def known_owners(self) -> Owners:
        """Who owns what of the profile, kept until it may be others; of one slot it is hardly ever asked."""
        owners = self.owners
        if owners is None:
            owners = Owners(self.profile)
            if len(self.profile.slots) > 1:
                self.owners = owners
        return owners

    def seen_before(self, event_id: str, ring_size: int) -> bool:
        """Remember a message id; tell whether it is among the newest ``ring_size`` already."""
        ring: dict[Any, None] = self.profile.seen
        mark: Any = event_id
        if ring:
            mark = mark_of_id(event_id)
        else:
            ring = self.ids
        before = len(ring)
        ring[mark] = None  # One that is there already keeps its place.
        if len(ring) == before:
            return True
        if before >= ring_size:
            del ring[next(iter(ring))]
        return False

    def stored(self) -> Profile:
        """The profile as it is to be stored, with a mark for every message."""
        if self.ids:
            self.profile.seen = dict.fromkeys(map(mark_of_id, self.ids))
            self.ids = {}
        return self.profile
