"""A customer as a table value: small, because it is written to the changelog whenever the customer changes.

Shares are packed by columns: days as steps from one to the next, then each number of all days, so that small whole
numbers stand side by side; names of modules and sources once for the customer; then all of it through zlib. The times
of day are kept for the days that may still be evaluated; of those before, the newest of each share.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import msgspec

from ebbtide.models.customer.customer import Customer, Observation
from ebbtide.models.customer.series import DAY_SECONDS, LAST, LAST_LOGIN, SUMMED, WIDTH, Bucket
from ebbtide.models.customer.share import Share
from ebbtide.models.identity.identifiers import profile_id
from ebbtide.schemas.events import Identifier, IdentifierType, subject_key
from ebbtide.schemas.profile_state import Trait

_LAYOUT = b"\x02"
_LEVEL = 6
_UNKNOWN_TIMES = [-1] * (WIDTH - SUMMED)


class _Names:
    """Names by their place in the order in which they first came."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, name: str) -> int:
        return self.places.setdefault(name, len(self.places))


def encode(customer: Customer) -> bytes:
    """The customer as bytes; the first is the layout's version."""
    names = _Names()
    shares = [_pack_share(customer, key, share, names) for key, share in customer.shares.items()]
    plain = msgspec.structs.asdict(customer)
    del plain["shares"]
    plain["observations"] = _pack_observations(customer.observations)
    plain["old_days"] = _pack_old(customer.old_days, customer.old_core)
    del plain["old_core"]
    return _LAYOUT + zlib.compress(msgspec.msgpack.encode([plain, list(names.places), shares]), _LEVEL)


def decode(value: bytes) -> Customer:
    """A customer from its table value. Raises ``ValueError`` on a layout this version does not know."""
    if value[:1] != _LAYOUT:
        raise ValueError(f"customer layout {value[:1]!r} is unknown; this version reads {_LAYOUT[0]}")
    plain, names, packed = msgspec.msgpack.decode(zlib.decompress(value[1:]))
    plain["observations"] = _unpack_observations(*plain["observations"])
    plain["old_days"], plain["old_core"] = _unpack_old(plain["old_days"])
    customer = msgspec.convert({**plain, "shares": {}}, Customer)
    for fields in packed:
        key, share = _unpack_share(customer.tenant, fields, names)
        customer.shares[key] = share
    return customer


def _pack_share(customer: Customer, key: str, share: Share, names: _Names) -> list[Any]:
    timed_from = -1 if customer.settled_day is None else customer.settled_day - 1
    days = sorted(share.days)
    buckets = [share.days[day] for day in days]
    old_last, old_login = share.old_last, share.old_login
    times: list[list[int]] = []
    for day, bucket in zip(days, buckets, strict=True):
        if day >= timed_from:
            times.append(bucket[SUMMED:])
            continue
        start = day * DAY_SECONDS
        old_last = max(old_last, start + bucket[LAST] if bucket[LAST] >= 0 else -1)
        old_login = max(old_login, start + bucket[LAST_LOGIN] if bucket[LAST_LOGIN] >= 0 else -1)
    derived = profile_id(
        subject_key(customer.tenant, Identifier(IdentifierType(share.subject_type), share.subject_value))
    )
    # Nearly always somebody used something on an active day, by one source.
    loose = sorted(day for day in share.uses if day < share.uses_from or day not in share.days)
    return [
        None if key == derived else key,
        share.subject_type,
        share.subject_value,
        share.epoch,
        share.effective_ms,
        share.version,
        share.accepted,
        share.partition,
        share.detached,
        share.by_domain,
        share.totals,
        _steps(days),
        [[bucket[field] for bucket in buckets] for field in range(SUMMED)],
        times,
        _pack_old(share.old_days, share.old_core),
        old_last,
        old_login,
        share.uses_from,
        _steps(loose),
        [
            [part for module, times in sorted(share.uses.get(day, {}).items()) for part in (names.place(module), times)]
            for day in _days_of(share, days) + loose
        ],
        _steps(sorted(share.sources)),
        [[names.place(source) for source in share.sources[day]] for day in sorted(share.sources)],
        share.traits,
        share.outcomes,
    ]


def _unpack_share(tenant: str, fields: list[Any], names: Sequence[str]) -> tuple[str, Share]:
    (
        key,
        subject_type,
        subject_value,
        epoch,
        effective_ms,
        version,
        accepted,
        partition,
        detached,
        by_domain,
        totals,
        steps,
        columns,
        times,
        old,
        old_last,
        old_login,
        uses_from,
        loose,
        uses,
        heard,
        sources,
        traits,
        outcomes,
    ) = fields
    days = list(accumulate(steps))
    untimed = len(days) - len(times)
    recent = days[bisect_left(days, uses_from) :]
    buckets: Iterator[Bucket] = (
        [*numbers, *(_UNKNOWN_TIMES if index < untimed else times[index - untimed])]
        for index, numbers in enumerate(zip(*columns, strict=True))
    )
    share = Share(
        subject_type,
        subject_value,
        epoch,
        effective_ms,
        version,
        accepted,
        partition,
        detached,
        by_domain,
        totals,
        dict(zip(days, buckets, strict=True)),
        *_unpack_old(old),
        old_last,
        old_login,
        {
            day: {names[place]: times for place, times in zip(flat[::2], flat[1::2], strict=True)}
            for day, flat in zip([*recent, *accumulate(loose)], uses, strict=True)
            if flat
        },
        uses_from,
        {day: [names[place] for place in places] for day, places in zip(accumulate(heard), sources, strict=True)},
        {name: [Trait(*value) for value in values] for name, values in traits.items()},
        {event_id: (kind, at_ms, data) for event_id, (kind, at_ms, data) in outcomes.items()},
    )
    subject = Identifier(IdentifierType(subject_type), subject_value)
    return key or profile_id(subject_key(tenant, subject)), share


def _days_of(share: Share, days: list[int]) -> list[int]:
    """The active days that have uses and sources of their own."""
    return days[bisect_left(days, share.uses_from) :]


def _pack_old(days: list[int], core: list[int]) -> list[int]:
    """Old days as steps: twice the days since the one before, and one more for a day with queries."""
    queried = set(core)
    return [2 * step + (day in queried) for step, day in zip(_steps(days), days, strict=True)]


def _unpack_old(steps: list[int]) -> tuple[list[int], list[int]]:
    days = list(accumulate(step >> 1 for step in steps))
    return days, [day for day, step in zip(days, steps, strict=True) if step & 1]


def _pack_observations(observations: list[Observation]) -> list[Any]:
    """Predictions by columns: of each byte of the features those of all, as they change little from week to week."""
    size = len(observations[0].features) if observations else 0
    features = b"".join(observation.features for observation in observations)
    return [
        _steps(observation.day for observation in observations),
        b"".join(features[place::size] for place in range(size)),
        [observation.p_churn for observation in observations],
        [observation.model_version for observation in observations],
    ]


def _unpack_observations(steps: list[int], columns: bytes, chances: list[float], versions: list[str]) -> list[Any]:
    count = len(steps)
    days = accumulate(steps)
    return [
        [day, columns[index::count], p_churn, version]
        for index, (day, p_churn, version) in enumerate(zip(days, chances, versions, strict=True))
    ]


def _steps(days: Iterable[int]) -> list[int]:
    """Ascending days as the first and the steps between."""
    listed = list(days)
    return listed[:1] + [after - before for before, after in pairwise(listed)]
