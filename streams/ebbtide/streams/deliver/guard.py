"""Where requests may go: not to what lies behind the firewall, unless the settings say so.

Asked at the socket, with the address that is connected to: a name that resolves to something else a moment later, a
literal address, an IPv4 address in IPv6's clothes all come by here.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
BLOCKED = "is not a public address"


class BlockedAddressError(OSError):
    """A request would go where it must not."""

    def __init__(self, address: str) -> None:
        super().__init__(errno.EACCES, f"{address} {BLOCKED}; list it under `allow` if it is meant")


class AddressGuard(AbstractResolver):
    """Resolver and socket factory of an aiohttp connector.

    ``allow`` names hosts, addresses and networks of the house. A host that is named may be at any address but those of
    the own link (where clouds keep their metadata) and groups; these must be named as networks.
    """

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._hosts: set[str] = set()
        self._granted: dict[str, frozenset[Address]] = {}
        for entry in allow:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._hosts.add(entry.lower().rstrip("."))

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host; those of a host that is allowed may be connected to."""
        found = await ThreadedResolver().resolve(host, port, family)
        name = host.lower().rstrip(".")
        if name in self._hosts:
            self._granted[name] = frozenset(real_address(entry["host"]) for entry in found)
        return found

    async def close(self) -> None:
        """Nothing is kept open."""

    def socket(self, addr_info: tuple[Any, ...]) -> socket.socket:
        """A socket for this address. Raises ``BlockedAddressError``."""
        family, kind, protocol, _, address = addr_info
        if not self.allows(str(address[0])):
            raise BlockedAddressError(str(address[0]))
        return socket.socket(family, kind, protocol)

    def allows(self, address: str) -> bool:
        """Whether this address may be connected to."""
        real = real_address(address)
        if any(real in network for network in self._networks if network.version == real.version):
            return True
        if real.is_global and not real.is_multicast and not _of_local_nat64(real):
            return True
        never = real.is_link_local or real.is_multicast or real.is_unspecified
        return not never and any(real in granted for granted in self._granted.values())


def real_address(address: str) -> Address:
    """The address that packets end up at: the IPv4 address in one of IPv6's ways to write it."""
    plain = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(plain, ipaddress.IPv4Address):
        return plain
    if plain.ipv4_mapped is not None:
        return plain.ipv4_mapped
    if plain.sixtofour is not None:
        return plain.sixtofour
    if plain in _NAT64 or (plain in _COMPATIBLE and int(plain) > 1):
        return ipaddress.IPv4Address(int(plain) & 0xFFFF_FFFF)
    return plain


def _of_local_nat64(address: Address) -> bool:
    return address.version == 6 and address in _NAT64_LOCAL
