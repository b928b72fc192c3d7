"""What befalls the whole fleet: weekends, holidays, a source that goes blind, campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import cos, tau
from random import Random

from ebbtide.streams.simulator.catalogue import PRODUCT_SOURCES
from ebbtide.streams.simulator.config import BookConfig

# One dip and one outage in every stretch of 150 days, at drawn days that never meet.
CYCLE_DAYS = 150
CAMPAIGN_EVERY_DAYS = 42
DIP_FACTOR = 0.3
YEAR_END_FACTOR = 0.25
# Well under the 30 % of a fleet-wide drop (signals §7), so that the rest of the fleet is a fair comparison.
CAMPAIGN_REACH = 0.15


@dataclass(frozen=True)
class Outage:
    """A source delivers nothing on the days ``[starts, ends)``, not even a heartbeat."""

    source: str
    starts: int
    ends: int


@dataclass(frozen=True)
class Dip:
    """The whole fleet does less on the days ``[starts, ends)``."""

    starts: int
    ends: int
    factor: float
    name: str


@dataclass(frozen=True)
class Campaign:
    """A campaign that goes out on ``day`` to a part of the book."""

    campaign_id: str
    day: int


def _next_weekday(config: BookConfig, day: int, weekday: int) -> int:
    return day + (weekday - config.at(day).weekday()) % 7


class Season:
    """The fleet's calendar. A function of the seed and the start alone, so a longer book has the same first days."""

    def __init__(self, config: BookConfig) -> None:
        self._config = config
        self.outages: list[Outage] = []
        self.dips: list[Dip] = []
        self.campaigns: list[Campaign] = []
        for cycle in range(config.days // CYCLE_DAYS + 1):
            rng = Random(f"{config.seed}:season:{cycle}")
            first = cycle * CYCLE_DAYS
            outage_day = _next_weekday(config, first + rng.randint(28, 36), 1)
            dip_day = _next_weekday(config, first + rng.randint(64, 80), 0)
            source, length = rng.choice(PRODUCT_SOURCES), rng.randint(2, 4)
            if config.outages and outage_day < config.days:
                self.outages.append(Outage(source, outage_day, outage_day + length))
            if config.holidays and dip_day < config.days:
                self.dips.append(Dip(dip_day, dip_day + 5, DIP_FACTOR, "public holidays"))
        if config.holidays:
            self.dips.extend(self._year_ends())
        self.dips.sort(key=lambda dip: dip.starts)
        for number in range(config.days // CAMPAIGN_EVERY_DAYS + 1):
            rng = Random(f"{config.seed}:campaign:{number}")
            day = _next_weekday(config, number * CAMPAIGN_EVERY_DAYS + rng.randint(10, 30), rng.randint(0, 3))
            self.campaigns.append(Campaign(f"campaign-{number + 1}", day))

    def _year_ends(self) -> list[Dip]:
        first = self._config.first_day
        dips = []
        for year in range(first.year - 1, (first + timedelta(days=self._config.days)).year + 1):
            starts = (first.replace(year=year, month=12, day=22) - first).days
            if starts + 11 > 0 and starts < self._config.days:
                dips.append(Dip(starts, starts + 11, YEAR_END_FACTOR, "year end"))
        return dips

    def factor(self, day: int) -> float:
        """Activity of the fleet on ``day`` relative to habit: ±6 % over the year with a quiet August, and holidays."""
        year_day = self._config.at(day).timetuple().tm_yday
        level = 1.0 + 0.06 * cos(tau * (year_day - 40) / 365)
        for dip in self.dips:
            if dip.starts <= day < dip.ends:
                level *= dip.factor
        return level

    def silent_sources(self, day: int) -> frozenset[str]:
        """Product sources that deliver nothing on ``day``."""
        return frozenset(outage.source for outage in self.outages if outage.starts <= day < outage.ends)
