"""The customers beside the probes: a simulated book, its past as it was and its behaviour of tomorrow sent as now's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.topics import Topic
from ebbtide.streams.bench.live.probes import iso
from ebbtide.streams.sender import address
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.simulate import arrivals
from ebbtide.streams.transport import Output

_TIME, _ID = b"@time@", b"@message@"
_CORRECTED = ("originalTimestamp", "sentAt", "receivedAt")
_RAW = Topic.RAW_BEHAVIOR.topic_name


class Background:
    """A book whose last days lie after ``today_ms``: ``past`` gives what came before, ``live`` the rest, over and over.

    The live records are kept, as simulating them would take the time that is measured: ``distinct`` of them, some
    500 bytes each. They are what people do in the product; what a CRM tells would not be told twice.
    """

    def __init__(
        self, customers: int, past_days: int, today_ms: int, *, intensity: float, distinct: int, seed: int
    ) -> None:
        # With intensity 1 some ten events per customer and day, on working days: far more days than it takes.
        ahead = 7 + int(distinct / (2 * intensity * customers))
        self._book = BookConfig(
            customers=customers,
            seed=seed,
            days=past_days + ahead,
            start=datetime.fromtimestamp((today_ms - past_days * DAY_MS) / 1000, UTC),
            intensity=intensity,
            outages=False,
            holidays=False,
        )
        self._today_ms, self._distinct = today_ms, distinct
        self._live: list[tuple[bytes | None, bytes]] = []
        self._sent = 0

    def past(self) -> Iterator[bytes]:
        """Raw records up to today in order of arrival; the live ones are kept on the way."""
        for received_ms, line in arrivals(self._book):
            if received_ms < self._today_ms:
                yield line
                continue
            record = orjson.loads(line)
            if "." in record["type"]:
                continue
            for name in _CORRECTED:
                record.pop(name, None)
            record["timestamp"], record["messageId"] = _TIME.decode(), _ID.decode()
            self._live.append((address(line, None)[1], orjson.dumps(record)))
            if len(self._live) >= self._distinct:
                return

    def live(self, count: int, at_ms: float) -> list[Output]:
        """The next records of what happens now."""
        time, lines = iso(at_ms).encode(), self._live
        outputs = []
        for number in range(self._sent, self._sent + count):
            key, line = lines[number % len(lines)]
            value = line.replace(_TIME, time, 1).replace(_ID, b"live-%d" % number, 1)
            outputs.append(Output(_RAW, key, value))
        self._sent += count
        return outputs
