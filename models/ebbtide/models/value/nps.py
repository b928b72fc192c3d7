"""Net promoter score [FX]."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from ebbtide.models.churn.quality import Z_95
from ebbtide.models.policy import EconomicsPolicy

PROMOTER_FROM, DETRACTOR_TO = 9, 6
"""Of an answer from 0 to 10 (Reichheld 2003)."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to "would you recommend us", by kind. Counts of several parts add up."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    def __add__(self, other: Answers) -> Answers:
        return Answers(
            self.promoters + other.promoters, self.passives + other.passives, self.detractors + other.detractors
        )

    @property
    def n(self) -> int:
        """All answers."""
        return self.promoters + self.passives + self.detractors


def answer(score: float) -> Answers:
    """One answer from 0 to 10: promoter from 9, detractor up to 6. Raises ValueError outside."""
    if not 0 <= score <= 10:
        raise ValueError(f"an NPS answer lies between 0 and 10, not at {score}")
    if score >= PROMOTER_FROM:
        return Answers(promoters=1)
    return Answers(detractors=1) if score <= DETRACTOR_TO else Answers(passives=1)


@dataclass(frozen=True, slots=True)
class Nps:
    """Promoters less detractors, -100..100, with its 95 % interval (normal, from the answers' variance)."""

    score: float
    n: int
    low: float
    high: float


def nps(answers: Answers, policy: EconomicsPolicy) -> Nps | None:
    """Net promoter score; None below ``policy.min_answers``."""
    n = answers.n
    if n < policy.min_answers:
        return None
    mean = (answers.promoters - answers.detractors) / n
    half = Z_95 * sqrt(((answers.promoters + answers.detractors) / n - mean * mean) / n)
    return Nps(100 * mean, n, 100 * max(-1.0, mean - half), 100 * min(1.0, mean + half))
