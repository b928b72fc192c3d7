"""Stored forms of the identity graph: one record per link, decision, and identifier whose owner changed.

Keys begin with what they are about (``l``, ``d``, ``n``); a link's ends stand in the key alone. Values begin with
the version of their layout: 1, but 2 of a link that was bound again, which has its newest bind, too. Links and
decisions are the truth; an identifier's record is what was told last about it.
"""

from __future__ import annotations

import msgspec

from ebbtide.models.identity.evidence import Link, Operation

LAYOUT, BOUND_AGAIN = b"\x01", b"\x02"
_pack = msgspec.msgpack.Encoder().encode
_unpack_pair = msgspec.msgpack.Decoder(tuple[str, str]).decode
_unpack_link = msgspec.msgpack.Decoder(tuple[int, int, str]).decode
_unpack_bound = msgspec.msgpack.Decoder(tuple[int, int, str, tuple[int, str]]).decode
_unpack_operation = msgspec.msgpack.Decoder(Operation).decode
_unpack_owner = msgspec.msgpack.Decoder(tuple[str, int]).decode


class Owned(msgspec.Struct, frozen=True):
    """The owner's anchor that was told last for an identifier, and since which epoch."""

    identifier: str
    anchor: str
    epoch: int


def link_record(link: Link) -> tuple[bytes, bytes]:
    """Key and value of a link's evidence."""
    evidence = (link.evidence, link.at_ms, link.event_id)
    value = LAYOUT + _pack(evidence) if link.bound is None else BOUND_AGAIN + _pack((*evidence, link.bound))
    return b"l" + _pack((link.a, link.b)), value


def operation_record(operation: Operation) -> tuple[bytes, bytes]:
    """Key and value of the decision that holds about its target."""
    return b"d" + _pack(operation.target), LAYOUT + _pack(operation)


def owned_record(owned: Owned) -> tuple[bytes, bytes]:
    """Key and value of what was told about an identifier."""
    return b"n" + owned.identifier.encode(), LAYOUT + _pack((owned.anchor, owned.epoch))


def decode(key: bytes, value: bytes) -> Link | Operation | Owned:
    """A record from its stored form. Raises ``ValueError`` on a key or a layout that this version does not know."""
    kind, body = key[:1], memoryview(value)[1:]
    if value[:1] == BOUND_AGAIN and kind == b"l":
        a, b = _unpack_pair(memoryview(key)[1:])
        evidence, at_ms, event_id, bound = _unpack_bound(body)
        return Link(a, b, evidence, at_ms, event_id, bound)
    if value[:1] != LAYOUT:
        raise ValueError(f"identity layout {value[:1]!r} of {key!r} is unknown; this version reads {LAYOUT!r}")
    if kind == b"l":
        a, b = _unpack_pair(memoryview(key)[1:])
        evidence, at_ms, event_id = _unpack_link(body)
        return Link(a, b, evidence, at_ms, event_id)
    if kind == b"n":
        return Owned(key[1:].decode(), *_unpack_owner(body))
    if kind == b"d":
        return _unpack_operation(body)
    raise ValueError(f"identity record {key!r} is unknown; its key must begin with l, d or n")
