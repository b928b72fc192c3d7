"""What can be seen of an endpoint without sending it anything."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from ebbtide.streams.deliver.guard import BLOCKED, AddressGuard
from ebbtide.streams.deliver.secrets import SecretError, target_of
from ebbtide.streams.deliver.settings import EndpointSettings
from ebbtide.streams.reach import unreachable


def fault_of(name: str, endpoint: EndpointSettings) -> tuple[str, str | None]:
    """Its host, and what is wrong: a secret that cannot be read, an address that is not allowed, nobody there."""
    try:
        target = target_of(name, endpoint)
    except SecretError as error:
        return "", str(error)
    parts = urlsplit(target.url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    guard = AddressGuard(endpoint.allow)
    try:
        found = [entry["host"] for entry in asyncio.run(guard.resolve(host, port))]
    except OSError as error:
        return host, f"{host}: {error.strerror or error}"
    refused = [address for address in found if not guard.allows(address)]
    if refused:
        return host, f"{host} is at {refused[0]}, which {BLOCKED}"
    return host, unreachable(f"{found[0]}:{port}")
