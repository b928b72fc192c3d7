"""A customer as a table value: small, because it is written to the changelog whenever the customer changes.

What several profiles have goes by columns (``packing``), so that numbers of one kind stand side by side: of all
profiles their versions, of all their days the events, then the queries, and so on; names once for the customer. Then
all of it is deflated, with the words that every customer has known beforehand, or, where it is long, pressed by LZMA,
which takes ten times as long, knows no words, and writes numbers shorter. The times of day are kept for the days that
may still be evaluated; of those before, the newest of each profile.
"""

from __future__ import annotations

import lzma
import zlib
from itertools import accumulate, compress
from operator import not_
from typing import Any

import msgspec

from ebbtide.models.alerting.lifecycle import alert_id
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.packing.columns import Column, Names, Tail, pack_bits, steps, unpack_bits
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
from ebbtide.models.customer.packing.days import (
    newest_day,
    pack_days,
    pack_ends,
    pack_old,
    unpack_days,
    unpack_ends,
    unpack_old,
)
from ebbtide.models.customer.packing.scores import pack_scores, unpack_scores
from ebbtide.models.customer.packing.words import WORDS
from ebbtide.models.customer.share import Share
from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.schemas.alert import AlertType
from ebbtide.schemas.base import DAY_MS

_DEFLATED = b"\x06"
_LZMA = b"\x07"
_LEVEL = 6
_BLOCK = 6
"""Deflate's memory level: it begins a code of its own for every few thousand bytes."""
_LONG = 4_000
"""More bytes than these are tried with LZMA, too."""
_FILTERS = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 0, "lp": 0, "pb": 0}]
"""Numbers of one kind stand side by side: what a byte is goes by neither its place nor the one before."""
_PACKED = frozenset({"shares", "old_days", "old_core", "score", "observations"})
_NOTHING = msgspec.structs.asdict(Customer("", "", "", ""))
PLAIN = tuple(name for name in _NOTHING if name not in _PACKED)
"""Fields of a customer that do not go by columns."""


def encode(customer: Customer) -> bytes:
    """The customer as bytes; the first is the layout's version."""
    names, tail = Names(), Tail()
    timed_from = _timed_from(customer)
    quiet = [share.is_quiet for share in customer.shares.values()]
    keys = [*compress(customer.shares, map(not_, quiet)), *compress(customer.shares, quiet)]
    shares = [customer.shares[key] for key in keys]
    others = shares[: len(shares) - sum(quiet)]
    columns = [
        pack_bits(quiet),
        tail.put_ids(
            "" if key == share.own_key(customer.tenant) else key for key, share in zip(keys, shares, strict=True)
        ),
        pack_days(others, timed_from),
        pack_ends(shares, timed_from, tail),
        _pack_shares(shares, len(others), names, tail),
        pack_sources(shares, names),
        pack_uses(others, names),
        pack_traits(others, names, tail),
        pack_facts(others, names, tail),
        pack_old(customer.old_days, customer.old_core),
        pack_scores(customer.score, customer.observations),
    ]
    return _pressed(msgspec.msgpack.encode([pack_plain(customer), list(names.places), columns])) + tail.packed


def decode(value: bytes) -> Customer:
    """A customer from its table value. Raises ``ValueError`` on a layout this version does not know."""
    packed, rest = _unpressed(value)
    plain, names, columns = msgspec.msgpack.decode(packed)
    bits, left, days, ends, told, sources, uses, traits, facts, old, scores = columns
    customer = unpack_plain(plain)
    tail = Tail(rest)
    keys = tail.take_ids(left)
    shares = [Share("", "") for _ in left]
    quiet = unpack_bits(bits, len(left))
    others = shares[: len(shares) - sum(quiet)]
    unpack_days(others, days, _timed_from(customer))
    unpack_ends(shares, ends, tail)
    _unpack_shares(shares, len(others), told, names, tail)
    unpack_sources(shares, sources, names)
    unpack_uses(others, uses, names)
    unpack_traits(others, traits, names, tail)
    unpack_facts(others, facts, names, tail)
    tenant = customer.tenant
    rows = [(key or share.own_key(tenant), share) for key, share in zip(keys, shares, strict=True)]
    active, idle = iter(rows), iter(rows[len(others) :])
    customer.shares = dict(next(idle if is_quiet else active) for is_quiet in quiet)
    customer.old_days, customer.old_core = unpack_old(old)
    customer.score, customer.observations = unpack_scores(scores)
    return customer


def _pressed(packed: bytes) -> bytes:
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, _BLOCK, zdict=WORDS)
    deflated = b"".join((_DEFLATED, deflate.compress(packed), deflate.flush()))
    if len(deflated) <= _LONG:
        return deflated
    return min(deflated, _LZMA + lzma.compress(packed, lzma.FORMAT_RAW, filters=_FILTERS), key=len)


def _unpressed(value: bytes) -> tuple[bytes, bytes]:
    """What was pressed, and the tail behind it."""
    press: Any
    if value[:1] == _DEFLATED:
        press = zlib.decompressobj(-zlib.MAX_WBITS, WORDS)
    elif value[:1] == _LZMA:
        press = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS)
    else:
        raise ValueError(f"customer layout {value[:1]!r} is unknown; this version reads {_DEFLATED[0]} and {_LZMA[0]}")
    return press.decompress(value[1:]), press.unused_data


def pack_plain(customer: Customer) -> dict[str, Any]:
    """What does not go by columns, by field: where it is not the default, and does not follow from the rest."""
    plain = {name: value for name in PLAIN if (value := getattr(customer, name)) != _NOTHING[name]}
    if customer.customer_id == canonical_id(customer.tenant, customer.anchor):
        del plain["customer_id"]
    if customer.alerts:
        plain["alerts"] = {
            kind: msgspec.structs.replace(alert, alert_id="") if alert.alert_id == _alert_id(customer, kind) else alert
            for kind, alert in customer.alerts.items()
        }
    return plain


def unpack_plain(plain: dict[str, Any]) -> Customer:
    """A customer that has these fields and no others."""
    customer = msgspec.convert({"customer_id": "", **plain}, Customer)
    if not customer.customer_id:
        customer.customer_id = canonical_id(customer.tenant, customer.anchor)
    for kind, alert in customer.alerts.items():
        alert.alert_id = alert.alert_id or _alert_id(customer, kind)
    return customer


def _timed_from(customer: Customer) -> int:
    """The first day that may be evaluated still."""
    return -1 if customer.settled_day is None else customer.settled_day - 1


def _alert_id(customer: Customer, kind: str) -> str:
    return alert_id(customer.customer_id, AlertType(kind), customer.alerts[kind].episode)


def _pack_shares(shares: list[Share], others: int, names: Names, tail: Tail) -> Column:
    """Whose the shares are, and the record that each rests on: mostly of a later one than that of the share before."""
    return [
        [names.place(share.subject_type) for share in shares],
        tail.put_ids(share.subject_value for share in shares),
        steps(share.epoch for share in shares),
        *_pack_effective(shares, others),
        tail.put_low(steps(share.version for share in shares), 1),
        [share.partition for share in shares],
        [2 * share.detached + share.by_domain for share in shares],
    ]


def _pack_effective(shares: list[Share], others: int) -> Column:
    """Since when the records hold: those of quiet shares from the end of their newest day, nearly always."""
    days, rests = zip(*(divmod(share.effective_ms, DAY_MS) for share in shares), strict=True) if shares else ((), ())
    quiet_days = [day - newest_day(share) for day, share in zip(days[others:], shares[others:], strict=True)]
    return [steps(days[:others]), quiet_days, list(rests)]


def _unpack_shares(shares: list[Share], others: int, packed: Column, names: list[str], tail: Tail) -> None:
    types, values, epochs, days, quiet_days, rests, versions, partitions, flags = packed
    days = [
        *accumulate(days),
        *(newest_day(share) + day for share, day in zip(shares[others:], quiet_days, strict=True)),
    ]
    rows = zip(
        shares,
        types,
        tail.take_ids(values),
        accumulate(epochs),
        days,
        rests,
        accumulate(tail.take_low(versions, 1)),
        partitions,
        flags,
        strict=True,
    )
    for share, kind, value, epoch, day, rest, version, partition, flag in rows:
        share.subject_type, share.subject_value = names[kind], value
        share.epoch, share.version, share.partition = epoch, version, partition
        share.effective_ms = day * DAY_MS + rest
        share.detached, share.by_domain = flag > 1, flag % 2 > 0
