"""What channels cost: sums by day, channel, keyword and currency over the newest days; each spend counts once.

What is kept grows with the different keywords of a day, 8 bytes for each spend, and goes with the window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from ebbtide.models.fleet.channel_truth import Cost
from ebbtide.models.value.first_touch import FirstTouch
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.fleet import ChannelSpend

SPEND_KEY = b"spend/"


class Place(NamedTuple):
    """What spends are summed by."""

    tenant: str
    day: int
    channel: str
    keyword: str
    currency: str


class _Sum(msgspec.Struct, array_like=True):
    amount_micros: int = 0
    clicks: int = 0
    seen: set[bytes] = msgspec.field(default_factory=set)


class ChannelSpends:
    """All spends of the newest days, and the table values that keep them."""

    def __init__(self) -> None:
        self._sums: dict[Place, _Sum] = {}
        self._changed: set[Place] = set()

    def restore(self, key: bytes, value: bytes) -> None:
        """Take up a stored sum."""
        place = msgspec.json.decode(key.removeprefix(SPEND_KEY), type=Place)
        self._sums[place] = msgspec.msgpack.decode(value, type=_Sum)

    def add(self, spend: ChannelSpend) -> bool:
        """Count a spend; False for one that was counted before."""
        day = to_ms(spend.occurred_at) // DAY_MS
        place = Place(spend.tenant, day, spend.channel, spend.keyword, spend.currency)
        mark = blake2b(spend.spend_id.encode(), digest_size=8).digest()
        known = self._sums.get(place)
        if known is None:
            known = self._sums[place] = _Sum()
        if mark in known.seen:
            return False
        known.seen.add(mark)
        known.amount_micros += spend.amount_micros
        known.clicks += spend.clicks
        self._changed.add(place)
        return True

    def costs(self, tenant: str, day: int, width: int) -> dict[FirstTouch, Cost]:
        """What the tenant's channels and keywords cost in the ``width`` days before ``day``."""
        costs: defaultdict[FirstTouch, Cost] = defaultdict(Cost)
        for place, found in self._sums.items():
            if place.tenant == tenant and day - width <= place.day < day:
                cost = costs[FirstTouch(place.channel, place.keyword)]
                cost.clicks += found.clicks
                cost.spend[place.currency] += found.amount_micros
        return dict(costs)

    def forget(self, before: int) -> None:
        """Drop the days before ``before``."""
        old = [place for place in self._sums if place.day < before]
        self._changed.update(old)
        for place in old:
            del self._sums[place]

    def take_writes(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Table values since the last time, those to be deleted last."""
        changed, self._changed = self._changed, set()
        for place in sorted(changed, key=lambda place: (place not in self._sums, place)):
            known = self._sums.get(place)
            yield SPEND_KEY + msgspec.json.encode(place), None if known is None else _encode(known)


def _encode(known: _Sum) -> bytes:
    return msgspec.msgpack.encode(known, order="deterministic")
