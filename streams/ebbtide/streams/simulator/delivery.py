"""How records travel: network delay, phones that were offline, retries that arrive twice, clocks that are wrong."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from math import log
from operator import attrgetter
from random import Random
from typing import NamedTuple

import numpy as np
import orjson

from ebbtide.streams.simulator.behaviour import Rows
from ebbtide.streams.simulator.config import HOUR_MS, MINUTE_MS, BookConfig
from ebbtide.streams.simulator.fact import Fact, timestamp
from ebbtide.streams.simulator.population import Ints

DELIVERY_STREAM = 3
# Browsers send within seconds (median 1.5 s), CRMs' change feeds within minutes.
NETWORK_MS, NETWORK_SPREAD = 1_500, 0.8
FEED_MS, FEED_SPREAD = 20_000, 0.8
RETRY_MS = 30_000
BOUND_MS = 58 * MINUTE_MS


class Arrival(NamedTuple):
    """One line and when it reaches the collector, in milliseconds since 1970."""

    received_ms: int
    line: bytes


class Delivery:
    """Holds what is on its way and gives it out in the order of arrival."""

    def __init__(self, config: BookConfig) -> None:
        self._config = config
        self._waiting: list[Arrival] = []
        self._tenant = "" if config.tenant == "default" else f',"tenant":{orjson.dumps(config.tenant).decode()}'

    def release(self, until_ms: int | None) -> Iterator[Arrival]:
        """What arrives before ``until_ms``, in order; everything when None."""
        # Ties are broken by the line itself, so that the order does not depend on what else was on its way.
        self._waiting.sort()
        if until_ms is None:
            cut = len(self._waiting)
        else:
            cut = bisect_left(self._waiting, until_ms, key=attrgetter("received_ms"))
        out, self._waiting = self._waiting[:cut], self._waiting[cut:]
        return iter(out)

    def post(self, day: int, rows: Rows) -> None:
        """Send a day's product events on their way."""
        config = self._config
        rng = np.random.default_rng([config.seed, DELIVERY_STREAM, day])
        count = len(rows.heads)
        received = rows.at_ms + self._delays(rng, count)
        message = rng.integers(0, 2**63, count)
        again = np.flatnonzero(rng.random(count) < config.duplicate_share)
        retry = received[again] + 1 + np.minimum(rng.exponential(RETRY_MS, len(again)), HOUR_MS).astype(np.int64)
        row = np.concatenate([np.arange(count), again])
        received = np.concatenate([received, retry])
        inside = (rows.at_ms[row] >= config.start_ms) & (rows.at_ms[row] < config.end_ms)
        row, received = row[inside], received[inside]
        at, skew = rows.at_ms[row], rows.skew_ms[row]
        # A retry is sent anew: sentAt moves with receivedAt, so the corrected timestamp stays what it was.
        columns = [_texts(at), _texts(received), _texts(at + skew), _texts(received + skew)]
        heads, ids, tenant = rows.heads, message.tolist(), self._tenant
        self._waiting.extend(
            [
                Arrival(
                    ms,
                    f'{{{heads[number]},"messageId":"{ids[number]:016x}{day:04x}","timestamp":"{ts}Z",'
                    f'"originalTimestamp":"{original}Z","sentAt":"{sent}Z","receivedAt":"{rec}Z"{tenant}}}'.encode(),
                )
                for ms, number, ts, rec, original, sent in zip(received.tolist(), row.tolist(), *columns, strict=True)
            ]
        )

    def _delays(self, rng: np.random.Generator, count: int) -> Ints:
        config = self._config
        delay = np.minimum(rng.lognormal(np.log(NETWORK_MS), NETWORK_SPREAD, count), MINUTE_MS)
        draw = rng.random(count)
        within = rng.uniform(MINUTE_MS, BOUND_MS, count)
        beyond = rng.uniform(HOUR_MS, config.very_late_hours * HOUR_MS, count)
        delay = np.where(draw < config.late_share + config.very_late_share, within, delay)
        return np.where(draw < config.very_late_share, beyond, delay).astype(np.int64)

    def post_facts(self, day: int, facts: Iterable[Fact]) -> None:
        """Send a day's CRM facts on their way. Feeds repeat and delay records as browsers do."""
        config = self._config
        rng = Random(f"{config.seed}:feed:{day}")
        for number, fact in enumerate(facts):
            delay = min(int(rng.lognormvariate(log(FEED_MS), FEED_SPREAD)), 10 * MINUTE_MS)
            late, twice, retry = rng.random(), rng.random(), rng.expovariate(1 / RETRY_MS)
            if late < config.very_late_share:
                delay = int(rng.uniform(1, config.very_late_hours) * HOUR_MS)
            if fact.type == "source.heartbeat":
                delay, twice = 500, 1.0
            if not config.start_ms <= fact.at_ms < config.end_ms:
                continue
            record = {
                "type": fact.type,
                "id": f"fact-{day:04d}-{number:06d}",
                "occurred_at": timestamp(fact.at_ms),
                "source": fact.source,
                "ids": fact.ids,
                "data": fact.data,
            }
            if config.tenant != "default":
                record["tenant"] = config.tenant
            arrivals = [fact.at_ms + delay]
            if twice < config.duplicate_share:
                arrivals.append(arrivals[0] + 1 + int(min(retry, HOUR_MS)))
            for received in arrivals:
                record["received_at"] = timestamp(received)
                self._waiting.append(Arrival(received, orjson.dumps(record)))


def _texts(ms: Ints) -> list[str]:
    texts: list[str] = np.datetime_as_string(ms.astype("datetime64[ms]")).tolist()
    return texts
