"""A profile in memory, with what its shard must know of it between two flushes and nobody stores."""

from __future__ import annotations

from ebbtide.models.identity.identifiers import profile_id
from ebbtide.models.profile.profile import Profile, SlotChange
from ebbtide.schemas.events import Identifier


class LiveProfile:
    """A profile in memory with what goes with it and is not stored: one look-up an event finds all of it.

    ``changes`` by slot are those since it was told last, None without any. ``noted`` are the very identifiers of its
    last links, with the type of event and the weight that they had. ``anchor`` is that of the key ``owner``.
    """

    __slots__ = (
        "anchor",
        "changes",
        "id",
        "key",
        "noted",
        "noted_type",
        "owner",
        "profile",
        "subject",
        "weight",
    )

    def __init__(self, key: str, subject: Identifier, profile: Profile) -> None:
        self.key = key
        self.subject = subject
        self.profile = profile
        self.id: str | None = None
        self.changes: dict[str, SlotChange] | None = None
        self.noted: list[Identifier] | None = None
        self.noted_type = ""
        self.weight = (0, 0)
        self.owner: str | None = None
        self.anchor = subject

    @property
    def profile_id(self) -> str:
        """Made when it is first told: most identifiers never are the subject of an event."""
        if self.id is None:
            self.id = profile_id(self.key)
        return self.id
