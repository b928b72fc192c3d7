"""Identifiers of an event: which there are, which is the subject, which values are none (identity §1)."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha1
from uuid import UUID

from ebbtide.schemas.events import Identifier, IdentifierType, path_segment, subject_key

NAMESPACE = UUID("6f2d7c52-63a3-5a0e-9d6b-0d6a4b6f7f10")
_NAMESPACE_BYTES = NAMESPACE.bytes
# RFC 9562: the bits of variant and version, and what they are in a name-based id.
_FIXED_BITS = 0xF << 76 | 0x3 << 62
_NAME_BASED = 0x5 << 76 | 0x2 << 62

PERSON_TYPES = (
    IdentifierType.USER_ID,
    IdentifierType.CRM_CONTACT_ID,
    IdentifierType.EMAIL,
    IdentifierType.PHONE,
    IdentifierType.CRM_LEAD_ID,
    IdentifierType.DEVICE_ID,
    IdentifierType.ANONYMOUS_ID,
)
ACCOUNT_TYPES = (
    IdentifierType.GROUP_ID,
    IdentifierType.CRM_ACCOUNT_ID,
    IdentifierType.BILLING_ID,
    IdentifierType.DOMAIN,
)
_PEOPLE = frozenset(PERSON_TYPES)
RANK = {kind: rank for rank, kind in enumerate(PERSON_TYPES + ACCOUNT_TYPES)}

_MAX_LENGTH = 1024
"""What fits the contract; no system hands out longer ids."""

_LOWER_CASED = {IdentifierType.EMAIL, IdentifierType.DOMAIN}
_BLOCKED = {
    "",
    "-1",
    "null",
    "none",
    "nil",
    "nan",
    "undefined",
    "anonymous",
    "guest",
    "true",
    "false",
    "id",
    "email",
    "distinct_id",
    "[object object]",
}
_ZEROS = re.compile(r"^[0\-\s]*$")
_ROLE_MAILBOX = re.compile(r"^(info|sales|support|billing|admin|noreply|no-reply|contact|hello|office|help)@")
_FREE_MAIL = {
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "proton.me",
    "protonmail.com",
    "mail.ru",
    "qq.com",
    "163.com",
    "126.com",
    "foxmail.com",
    "sina.com",
}


@lru_cache(maxsize=262_144)
def identifier(kind: IdentifierType, raw: str) -> Identifier | None:
    """The identifier that a raw value stands for, or None where the value names nobody."""
    value = raw.strip().strip("\"'").strip()
    folded = value.lower()
    if folded in _BLOCKED or _ZEROS.match(value):
        return None
    if kind in _LOWER_CASED:
        value = folded
    if kind is IdentifierType.EMAIL and _ROLE_MAILBOX.match(value):
        return None
    if kind is IdentifierType.DOMAIN and value in _FREE_MAIL:
        return None
    return Identifier(type=kind, value=value) if len(value) <= _MAX_LENGTH else None


def strongest(identifiers: list[Identifier]) -> Identifier | None:
    """The subject: people before accounts, strong types before weak, then the smaller value."""
    return min(identifiers, key=lambda i: (RANK[i.type], i.value), default=None)


def is_person(kind: str) -> bool:
    """Whether the type of an identifier, also as it is stored, names a person (else an account)."""
    return kind in _PEOPLE


def named_id(name: str) -> str:
    """The name-based UUID of a name: ``str(uuid5(NAMESPACE, name))`` in half of its time."""
    hashed = sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).digest()
    text = f"{int.from_bytes(hashed[:16], 'big') & ~_FIXED_BITS | _NAME_BASED:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=262_144)
def profile_id(key: str) -> str:
    """Id of the source profile of a subject key."""
    return named_id(f"profile/{key}")


@lru_cache(maxsize=65_536)
def profile_id_of(tenant: str, subject_type: str, subject_value: str) -> str:
    """Id of the source profile of a subject as it is stored."""
    return profile_id(subject_key(tenant, Identifier(IdentifierType(subject_type), subject_value)))


@lru_cache(maxsize=262_144)
def canonical_id(tenant: str, anchor: Identifier) -> str:
    """Id of the cluster that ``anchor`` stands for: a function of the anchor alone."""
    graph = "person" if is_person(anchor.type) else "account"
    return named_id(f"{graph}/{path_segment(tenant)}/{anchor.type}/{anchor.value}")


@lru_cache(maxsize=262_144)
def identifier_of(key: str) -> Identifier:
    """The identifier of a key, ``type/value``. Raises ``ValueError`` on a type that there is not."""
    kind, _, value = key.partition("/")
    return Identifier(IdentifierType(kind), value)
