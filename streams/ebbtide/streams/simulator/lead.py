"""Leads on trial: where they came from and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import numpy as np

from ebbtide.streams.simulator.catalogue import CHANNELS, SALES, Channel
from ebbtide.streams.simulator.config import BookConfig
from ebbtide.streams.simulator.episode import Episode, EpisodeType

LEAD_STREAM = 7
TRIAL_DAYS = 60


class LeadKind(StrEnum):
    """The course of a trial."""

    STEADY = "steady"
    FADES = "fades"
    RETURNS = "returns"


@dataclass(frozen=True)
class Lead:
    """A trial from day ``arrives`` until it signs or ends. A returning one is silent on ``[sleeps, wakes)``."""

    lead_id: str
    channel: Channel
    owner: str
    kind: LeadKind
    arrives: int
    signs: int | None
    ends: int
    sleeps: int = 0
    wakes: int = 0
    free_mail: bool = False

    @property
    def until(self) -> int:
        """The last day of the trial, exclusive."""
        return self.ends if self.signs is None else self.signs

    def episodes(self) -> Iterator[Episode]:
        """The trial and, for a returning lead, its dormancy."""
        # Two weeks of fading leave a quarter, four a twentieth; then it is near silence.
        factor = 0.002 if self.kind is LeadKind.FADES else 1.0
        yield Episode(EpisodeType.TRIAL, self.arrives, self.until, factor, detail=self.kind)
        if self.kind is LeadKind.RETURNS:
            yield Episode(EpisodeType.WARM_RETURN, self.sleeps, self.wakes, 0.0)


def arriving_leads(config: BookConfig) -> Iterator[Lead]:
    """All leads of the book in the order of arrival. Every day has its own draws."""
    rate = config.customers * config.leads_per_month / 30
    for day in range(config.days):
        count = int(np.random.default_rng([config.seed, LEAD_STREAM, day]).poisson(rate))
        for number in range(count):
            yield _lead(Random(f"{config.seed}:lead:{day}:{number}"), f"lead-{day:04d}-{number:03d}", day)


def _lead(rng: Random, lead_id: str, day: int) -> Lead:
    channel = rng.choices(CHANNELS, [c.share for c in CHANNELS])[0]
    owner, free_mail = rng.choice(SALES), rng.random() < 0.12
    signs = rng.random() < channel.signs
    sleeps = day + rng.randint(6, 10)
    wakes = sleeps + rng.randint(12, 24)
    returns = rng.random() < (0.2 if signs else 0.3)
    signs_at: int | None = None
    if signs:
        signs_at = wakes + rng.randint(6, 14) if returns else day + rng.randint(10, 30)
    kind = LeadKind.RETURNS if returns else LeadKind.STEADY if signs else LeadKind.FADES
    return Lead(lead_id, channel, owner, kind, day, signs_at, day + TRIAL_DAYS, sleeps, wakes, free_mail)
