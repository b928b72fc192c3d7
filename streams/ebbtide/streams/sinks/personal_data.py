"""E-mail addresses and phone numbers on their way into history: kept, hashed under a key, or dropped.

History is read by more people than the CRM, and for longer. A hash under a key (HMAC-SHA256, 128 bits of it) still
joins and counts people, and says nothing to who lacks the key. What is found: identifiers of type `email` and `phone`,
values of properties that are named so, and whatever looks like an address, or like a number in its international form,
in any text. Names of people are not found so; `ebbtide forget` erases them.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import cast

from ebbtide.schemas.events import Identifier, IdentifierType


class PersonalDataMode(StrEnum):
    """What becomes of e-mail addresses and phone numbers."""

    KEEP = "keep"
    HASH = "hash"
    DROP = "drop"


_NAME = r"[^\s@<>\"'(),;:=&?/\[\]{}|\\]"
# Bounded (RFC 5321: 64 and 255 characters), so that a text of a megabyte costs no more than its length.
_EMAIL = re.compile(rf"{_NAME}{{1,64}}(?:@|%40){_NAME}{{1,255}}")
_PHONE = re.compile(r"(?<![\w+])\+\d(?:[ ().\-/]{0,2}\d){7,14}(?!\w)")
_NOT_DIGITS = re.compile(r"\D+")
_LETTERS = re.compile(r"[^a-z]+")
_PHONE_NAMES = frozenset(
    ("phone", "phonenumber", "mobile", "mobilephone", "mobilenumber", "telephone", "tel", "cell", "cellphone", "fax")
)
_TYPED = {IdentifierType.EMAIL: "email", IdentifierType.PHONE: "phone"}
_NESTED = (dict, list)
_HASHED = re.compile(r"(?:email|phone)-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class PersonalData:
    """A mode with its key. Every method is pure: the same value gives the same result under the same key."""

    mode: PersonalDataMode = PersonalDataMode.KEEP
    key: bytes = field(default=b"", repr=False)

    def may_be_in(self, record: bytes) -> bool:
        """Whether any text of this JSON can change. Most records have none of the characters that all of it needs."""
        return self.mode is not PersonalDataMode.KEEP and (
            b"@" in record or b"+" in record or b"%" in record or b"\\" in record
        )

    def names(self, identifiers: Sequence[Identifier]) -> bool:
        """Whether one of them is of a type that is hidden."""
        if self.mode is not PersonalDataMode.KEEP:
            for each in identifiers:  # any() of a generator takes three times as long, and this is asked of each event
                if each.type in _TYPED:
                    return True
        return False

    def identifier(self, kind: str, value: str) -> str:
        """The value of an identifier; empty where it is dropped."""
        if self.mode is PersonalDataMode.KEEP:
            return value
        typed = _TYPED.get(kind)  # type: ignore[call-overload]
        if typed is None:
            return self.text(value)
        return "" if self.mode is PersonalDataMode.DROP else self._hashed(typed, value)

    def text(self, text: str) -> str:
        """The text with what stands for every address and number in it."""
        if self.mode is PersonalDataMode.KEEP:
            return text
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(lambda found: self._mark("email", found[0]), text)
        if "+" in text:
            text = _PHONE.sub(lambda found: self._mark("phone", found[0]), text)
        return text

    def structure(self, value: object) -> object:
        """JSON's lists, maps and texts, the names of maps as well."""
        if self.mode is PersonalDataMode.KEEP:
            return value
        kind = type(value)
        if kind is str:
            return self.text(cast(str, value))
        if kind is dict:
            return {
                self.text(name): self._property(name, each) for name, each in cast(dict[str, object], value).items()
            }
        if kind is list:
            return [self.structure(each) for each in cast(list[object], value)]
        return value

    def properties(self, properties: dict[str, object]) -> object:
        """Those of a record whose texts cannot change: only what is named as a phone can."""
        if _name_phones(tuple(properties)):
            return self.structure(properties)
        for value in properties.values():
            if type(value) in _NESTED:
                return self.structure(properties)
        return properties

    def _property(self, name: str, value: object) -> object:
        if _names_phone(name) and type(value) in (str, int) and value != "":
            return None if self.mode is PersonalDataMode.DROP else self._hashed("phone", str(value))
        return self.structure(value)

    def _mark(self, kind: str, value: str) -> str:
        return f"[{kind}]" if self.mode is PersonalDataMode.DROP else self._hashed(kind, value)

    def _hashed(self, kind: str, value: str) -> str:
        if _HASHED.fullmatch(value):
            return value
        digest = hmac.digest(self.key, f"{kind}/{_same(kind, value)}".encode(), "sha256")
        return f"{kind}-{digest[:16].hex()}"


@lru_cache(maxsize=4_096)
def _names_phone(name: str) -> bool:
    return _LETTERS.sub("", name.lower()) in _PHONE_NAMES


@lru_cache(maxsize=4_096)
def _name_phones(names: tuple[str, ...]) -> bool:
    """Whether any of them does; the names of one kind of event are mostly the same."""
    return any(map(_names_phone, names))


def _same(kind: str, value: str) -> str:
    """One spelling of an address or a number, however it was written."""
    if kind == "phone":
        return _NOT_DIGITS.sub("", value)
    return value.strip().lower().replace("%40", "@").rstrip(".")


KEPT = PersonalData()
