"""A simulated book, parsed: what a test asks of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from ebbtide.schemas.base import DAY_MS
from ebbtide.streams.simulator.book import Account, Book
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.delivery import Arrival
from ebbtide.streams.simulator.episode import Episode, EpisodeType
from ebbtide.streams.simulator.simulate import arrivals, truth

Record = dict[str, Any]


@cache
def milliseconds(text: str) -> int:
    return int(np.datetime64(text.removesuffix("Z"), "ms").astype(np.int64))


@dataclass
class Simulated:
    config: BookConfig
    arrivals: list[Arrival]
    records: list[Record]
    truth: list[Record]

    @cached_property
    def book(self) -> Book:
        return Book(self.config)

    @cached_property
    def behaviour(self) -> list[Record]:
        return [record for record in self.records if "messageId" in record]

    @cached_property
    def facts(self) -> list[Record]:
        return [record for record in self.records if "occurred_at" in record]

    def facts_of(self, kind: str) -> list[Record]:
        return [fact for fact in self.facts if fact["type"] == kind]

    def day_of(self, record: Record) -> int:
        at = milliseconds(record["timestamp"] if "timestamp" in record else record["occurred_at"])
        return (at - self.config.start_ms) // DAY_MS

    @cached_property
    def activity(self) -> dict[str, npt.NDArray[np.float64]]:
        """Human events with a user, once each, by account and day."""
        days: defaultdict[str, npt.NDArray[np.float64]] = defaultdict(lambda: np.zeros(self.config.days))
        seen: set[str] = set()
        for record in self.behaviour:
            group = record["context"].get("groupId")
            if group and record["type"] in {"track", "page"} and not record["context"].get("machine"):
                if record["messageId"] not in seen:
                    days[group][self.day_of(record)] += 1
                seen.add(record["messageId"])
        return days

    def rate(self, account: Account, starts: int, ends: int) -> float:
        """Events a day of an account on ``[starts, ends)``."""
        return float(self.activity[account.group_id][max(0, starts) : ends].mean())

    def planted(self, kind: EpisodeType, *, before: int = 28) -> Iterator[tuple[Account, Episode]]:
        """Episodes that lie in the log with some habit before them."""
        for account in self.book.accounts:
            for episode in account.episodes:
                if episode.type is kind and episode.starts >= before and episode.ends <= self.config.days:
                    yield account, episode


def read(config: BookConfig) -> Simulated:
    lines = list(arrivals(config))
    return Simulated(config, lines, [orjson.loads(arrival.line) for arrival in lines], list(truth(config)))
