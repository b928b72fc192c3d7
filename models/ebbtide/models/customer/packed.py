"""A customer as a table value: small, because it is written to the changelog whenever the customer changes.

What several profiles have goes by columns (``packing``), so that numbers of one kind stand side by side: of all
profiles their versions, of all their days the events, then the queries, and so on; names once for the customer. Then
all of it is deflated, with the words that every customer has known beforehand. The times of day are kept for the days
that may still be evaluated; of those before, the newest of each profile.
"""

from __future__ import annotations

import zlib
from itertools import accumulate

import msgspec

from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.packing.columns import Column, Names, pack_times, steps, unpack_times
from ebbtide.models.customer.packing.contents import (
    pack_facts,
    pack_sources,
    pack_traits,
    pack_uses,
    unpack_facts,
    unpack_sources,
    unpack_traits,
    unpack_uses,
)
from ebbtide.models.customer.packing.days import pack_days, pack_old, unpack_days, unpack_old
from ebbtide.models.customer.packing.scores import pack_observations, pack_score, unpack_observations, unpack_score
from ebbtide.models.customer.packing.words import WORDS
from ebbtide.models.customer.share import Share
from ebbtide.models.identity.identifiers import profile_id
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key

_LAYOUT = b"\x03"
_LEVEL = 6
_BLOCK = 6
"""Deflate's memory level: it begins a code of its own for every few thousand bytes."""
_PACKED = frozenset({"shares", "old_days", "old_core", "score", "observations"})
_NOTHING = msgspec.structs.asdict(Customer("", "", "", ""))


def encode(customer: Customer) -> bytes:
    """The customer as bytes; the first is the layout's version."""
    names = Names()
    shares = list(customer.shares.values())
    columns = [
        [None if key == _key(customer.tenant, share) else key for key, share in customer.shares.items()],
        _pack_shares(shares),
        pack_days(shares, _timed_from(customer)),
        pack_uses(shares, names),
        pack_sources(shares, names),
        pack_traits(shares, names),
        pack_facts(shares, names),
        pack_old(customer.old_days, customer.old_core),
        pack_score(customer.score),
        pack_observations(customer.observations),
    ]
    plain = {
        name: value
        for name, value in msgspec.structs.asdict(customer).items()
        if name not in _PACKED and value != _NOTHING[name]
    }
    press = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, _BLOCK, zdict=WORDS)
    packed = msgspec.msgpack.encode([plain, list(names.places), columns])
    return _LAYOUT + press.compress(packed) + press.flush()


def decode(value: bytes) -> Customer:
    """A customer from its table value. Raises ``ValueError`` on a layout this version does not know."""
    if value[:1] != _LAYOUT:
        raise ValueError(f"customer layout {value[:1]!r} is unknown; this version reads {_LAYOUT[0]}")
    plain, names, columns = msgspec.msgpack.decode(zlib.decompressobj(-zlib.MAX_WBITS, WORDS).decompress(value[1:]))
    keys, told, days, uses, sources, traits, facts, old, score, observations = columns
    customer = msgspec.convert(plain, Customer)
    shares = _unpack_shares(told)
    unpack_days(shares, days, _timed_from(customer))
    unpack_uses(shares, uses, names)
    unpack_sources(shares, sources, names)
    unpack_traits(shares, traits, names)
    unpack_facts(shares, facts, names)
    tenant = customer.tenant
    customer.shares = {key or _key(tenant, share): share for key, share in zip(keys, shares, strict=True)}
    customer.old_days, customer.old_core = unpack_old(old)
    customer.score = unpack_score(score)
    customer.observations = unpack_observations(observations)
    return customer


def _timed_from(customer: Customer) -> int:
    """The first day that may be evaluated still."""
    return -1 if customer.settled_day is None else customer.settled_day - 1


def _key(tenant: str, share: Share) -> str:
    """Key of a share: nearly always the id of its subject's profile."""
    return profile_id(subject_key(tenant, Identifier(IdentifierType(share.subject_type), share.subject_value)))


def _pack_shares(shares: list[Share]) -> Column:
    """Whose the shares are, and the record that each rests on: mostly of a later one than that of the share before."""
    return [
        [share.subject_type for share in shares],
        [share.subject_value for share in shares],
        steps(share.epoch for share in shares),
        pack_times(share.effective_ms for share in shares),
        steps(share.version for share in shares),
        [share.partition for share in shares],
        [2 * share.detached + share.by_domain for share in shares],
    ]


def _unpack_shares(packed: Column) -> list[Share]:
    types, values, epochs, effective, versions, partitions, flags = packed
    rows = zip(types, values, accumulate(epochs), unpack_times(effective), accumulate(versions), strict=True)
    return [
        Share(*row, partition=partition, detached=flag > 1, by_domain=flag % 2 > 0)
        for row, partition, flag in zip(rows, partitions, flags, strict=True)
    ]
