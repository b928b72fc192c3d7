"""When which source was blind: it says when its next heartbeat is due, and was not heard for long (design §3, law 10).

A heartbeat covers the time from it on until the source is overdue: a number of its own expected intervals later. Time
after the first heartbeat that none covers is dark, from when the source was heard last to when it came back. All of it
follows from the set of heartbeats: neither order nor repeats matter, and what came before an instant is all that is
seen as of it. A source that never sent a heartbeat is never blind.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ebbtide.models.policy import SourcesPolicy
from ebbtide.schemas.base import DAY_MS, to_ms
from ebbtide.schemas.fleet import SourceHeartbeat

SOURCES_KEY = b"@sources"
MOST_DAYS = 200
"""What lies further before the newest heartbeat of a source is forgotten."""

_LEAST_COVER_MS = 3_600_000
"""Blindness is told by the day. Shorter gaps, of sources that beat every minute, would only fill the table."""


class Stretch(msgspec.Struct, array_like=True):
    """Time that heartbeats cover without a gap, epoch ms: from the first, up to when the source is overdue.

    ``heard`` is the last of them.
    """

    start: int
    heard: int
    overdue: int


Stretches = dict[str, dict[str, list[Stretch]]]


class SourceBook:
    """Heartbeats by tenant and source, as the stretches they cover, oldest first. ``stored`` is the table's value."""

    def __init__(self, policy: SourcesPolicy, stored: bytes | None = None) -> None:
        self._after = policy.blind_after_intervals
        self._dark_ms = policy.blind_day_share * DAY_MS
        self._stretches: Stretches = {} if stored is None else msgspec.msgpack.decode(stored, type=Stretches)
        self._changed = False

    def put(self, heartbeat: SourceHeartbeat) -> None:
        """Take in a heartbeat."""
        at_ms = to_ms(heartbeat.occurred_at)
        cover_ms = max(_LEAST_COVER_MS, round(heartbeat.interval_seconds * 1000 * self._after))
        sources = self._stretches.setdefault(heartbeat.tenant, {})
        known = sources.get(heartbeat.source, [])
        found = _joined([*known, Stretch(at_ms, at_ms, at_ms + cover_ms)])
        if found != known:
            sources[heartbeat.source] = found
            self._changed = True

    @property
    def tenants(self) -> list[str]:
        """Tenants with a source that was heard."""
        return sorted(self._stretches)

    def sources(self, tenant: str) -> list[str]:
        """Sources that ever sent a heartbeat, in the order of their names."""
        return sorted(self._stretches.get(tenant, ()))

    def is_blind(self, tenant: str, source: str, day: int) -> bool:
        """Whether nothing is heard of the source at grid instant ``day``, for longer than it may be silent."""
        return self.dark_since(tenant, source, day) is not None

    def dark_since(self, tenant: str, source: str, day: int) -> int | None:
        """When a source that is blind at grid instant ``day`` was heard last, epoch ms; None for one that is not."""
        return next((since for since, back in self._dark(tenant, source, day) if back == day * DAY_MS), None)

    def blind_days(self, tenant: str, source: str, day: int) -> list[int]:
        """UTC days before grid instant ``day`` on which the source was blind for the policy's share, oldest first.

        At most the newest ``MOST_DAYS``. As of ``day``: a silence that is not too long yet may turn out to be.
        """
        dark: dict[int, int] = {}
        for since, back in self._dark(tenant, source, day):
            first = max(since, (day - MOST_DAYS) * DAY_MS)
            for one in range(first // DAY_MS, -(-back // DAY_MS)):
                lost = min(back, (one + 1) * DAY_MS) - max(first, one * DAY_MS)
                dark[one] = dark.get(one, 0) + lost
        return [one for one, lost in dark.items() if lost >= self._dark_ms]

    def _dark(self, tenant: str, source: str, day: int) -> Iterator[tuple[int, int]]:
        """Times ``[since, back)`` without a sign of life, epoch ms; the last is open where it ends at ``day``."""
        day_ms = day * DAY_MS
        stretches = self._stretches.get(tenant, {}).get(source, [])
        for number, stretch in enumerate(stretches):
            if stretch.start >= day_ms:
                return
            later = stretches[number + 1].start if number + 1 < len(stretches) else day_ms
            back = min(later, day_ms)
            if stretch.overdue < back:
                yield stretch.heard, back

    def take_write(self) -> bytes | None:
        """The table value if it changed since the last time."""
        changed, self._changed = self._changed, False
        return msgspec.msgpack.encode(self._stretches, order="deterministic") if changed else None


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Stretches that meet made one, and all clipped to the newest days."""
    horizon = (max(one.heard for one in stretches) // DAY_MS - MOST_DAYS) * DAY_MS
    joined: list[Stretch] = []
    for one in sorted(stretches, key=lambda stretch: stretch.start):
        if one.overdue <= horizon:
            continue
        start, heard = max(one.start, horizon), max(one.heard, horizon)
        if joined and start <= joined[-1].overdue:
            last = joined.pop()
            joined.append(Stretch(last.start, max(last.heard, heard), max(last.overdue, one.overdue)))
        else:
            joined.append(Stretch(start, heard, one.overdue))
    return joined
