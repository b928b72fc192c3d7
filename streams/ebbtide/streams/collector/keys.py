"""Who sends: keys and what they open."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

from ebbtide.streams.collector.settings import CollectorSettings


class Access(NamedTuple):
    """What a key opens. ``tenant`` None: the record may name any (only where no keys are set)."""

    name: str
    tenant: str | None
    secret: bool


OPEN = Access("open", None, True)


class KeyRing:
    """All keys of a deployment."""

    def __init__(self, settings: CollectorSettings) -> None:
        kinds = ((settings.write_keys, False), (settings.secret_keys, True))
        self._known = {
            key.get_secret_value(): Access(f"{tenant}/{'secret' if secret else 'write'}/{n}", tenant, secret)
            for keys, secret in kinds
            for tenant, theirs in keys.items()
            for n, key in enumerate(theirs)
        }

    @property
    def open(self) -> bool:
        """No key is set: everybody on this machine may send."""
        return not self._known

    def access(self, key: str | None) -> Access | None:
        """What the key opens; None where it is none of ours."""
        if self.open:
            return OPEN
        return None if key is None else self._known.get(key)


def key_of_head(headers: Mapping[str, str], query: Mapping[str, str]) -> str | None:
    """The key that stands outside the body: Basic (the user name, as in all SDKs), Bearer, or ``token`` (Sensors)."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            name = b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, ValueError):
            return None
        return name or None
    return query.get("token") or query.get("writeKey") or None


def key_of_body(body: Any) -> str | None:
    """The key that stands in the body: ``writeKey`` (analytics.js), ``api_key`` or ``token`` (PostHog)."""
    for part in (body, *(body[:1] if isinstance(body, list) else ())):
        if isinstance(part, dict):
            for name in ("writeKey", "api_key", "token"):
                found = part.get(name)
                if isinstance(found, str) and found:
                    return found
    return None
