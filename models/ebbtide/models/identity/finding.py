"""What a consistency check found in one tenant, as a value (identity §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import msgspec

from ebbtide.schemas.identity import FindingKind

VIOLATIONS = frozenset({FindingKind.SEVERAL_OWNERS, FindingKind.OVER_LIMIT, FindingKind.BARRED_BUT_LINKED})
"""What must never be, whatever the input. Everything else is for somebody to look at."""

_WORDING = {
    FindingKind.SEVERAL_OWNERS: "{identifier} is in the cluster of {other} and in another",
    FindingKind.OVER_LIMIT: "{identifier} has {count} of {detail}, and at most {total} are allowed",
    FindingKind.BARRED_BUT_LINKED: "{identifier} is {detail} but linked",
    FindingKind.NAME_AS_ID: "{identifier} has spaces, as a name has and an id has not",
    FindingKind.SUSPECTED_RENAME: "{identifier} may be {other} now: {count} of {total} people went, from {since} on",
    FindingKind.SHARED_CRM_ACCOUNT: "{identifier} is in {count} accounts since {since}",
    FindingKind.MOVED_DOMAIN: "{identifier} is claimed by {count} accounts since {since}",
    FindingKind.LARGE_COMPONENT: "{identifier} is connected with {count} identifiers, more than {total}",
    FindingKind.OVERSIZED_COMPONENT: "{identifier} is connected with {count} identifiers, more than {total}",
}
_NAMED = "{identifier} is a name, which account {other} bears since {since}"
_EPOCH_DAY = date(1970, 1, 1)

Key = tuple[FindingKind, str, str, str]
"""What makes a finding the same one: kind, identifier, other identifier, detail."""

_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Key] = msgspec.msgpack.Decoder(Key).decode


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: whom it is about, and its evidence.

    ``other`` is the second identifier, ``detail`` the type of a limit (``size`` for that of a cluster) or why a value
    is barred; both are empty where there is none. ``count`` and ``total`` are in identifiers, accounts or people, as
    the kind has it; ``first_day`` counts days since 1970-01-01.
    """

    kind: FindingKind
    identifier: str
    other: str = ""
    detail: str = ""
    count: int | None = None
    total: int | None = None
    first_day: int | None = None

    @property
    def key(self) -> Key:
        """Its identity: evidence may change, the finding stays."""
        return (self.kind, self.identifier, self.other, self.detail)

    @property
    def since(self) -> date | None:
        """The first day of its evidence."""
        return None if self.first_day is None else _EPOCH_DAY + timedelta(days=self.first_day)

    @property
    def sentence(self) -> str:
        """What was found, for a person to read."""
        named = self.kind is FindingKind.NAME_AS_ID and self.other
        return (_NAMED if named else _WORDING[self.kind]).format(**asdict(self), since=self.since)


def reason_of(key: Key) -> str:
    """The check's name, with its detail, as audit rows have it."""
    kind, _, _, detail = key
    return f"{kind}:{detail}" if detail else str(kind)


def pack(key: Key) -> bytes:
    """Stored form of a key."""
    return _encode(key)


def unpack(stored: bytes) -> Key:
    """A key from its stored form. Raises ``msgspec.ValidationError`` on a kind that this version does not know."""
    return _decode(stored)
