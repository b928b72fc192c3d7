"""Contract terms of an account, one after the other, and how each ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import exp
from random import Random

from ebbtide.streams.simulator.catalogue import Plan
from ebbtide.streams.simulator.config import BookConfig

# A churn 70 days ahead already shows in behaviour, and so does what may not overlap with it. Terms are planned this far
# past the end of the book, so that the first days of a book do not depend on its length.
LOOKAHEAD_DAYS = 180
# A customer that has just signed does not leave at its first monthly renewal.
SETTLING_DAYS = 75
FIT_WEIGHT = 0.7
WON_BACK = 0.05


class Outcome(StrEnum):
    """How a term ends, as in ``renewal.closed``."""

    RENEWED = "renewed"
    EXPANDED = "expanded"
    DOWNGRADED = "downgraded"
    CHURNED = "churned"


REASONS = (("product", 0.4), ("not_target", 0.2), ("natural", 0.25), ("other", 0.15))


@dataclass(frozen=True)
class Term:
    """One contract term on days ``[starts, ends)``. ``value`` is the money of the whole term."""

    number: int
    starts: int
    ends: int
    value: float
    seats: int
    outcome: Outcome
    reason: str | None = None
    causeless: bool = False


def pick(rng: Random, weighted: tuple[tuple[str, float], ...]) -> str:
    """One of the names, by weight."""
    return rng.choices([name for name, _ in weighted], [weight for _, weight in weighted])[0]


def monthly_hazard(plan: Plan, fit: float, scale: float) -> float:
    """Churn probability per month. The mean over ``fit`` ~ N(0, 1) is the plan's own."""
    return min(0.6, scale * plan.monthly_hazard * exp(-FIT_WEIGHT * fit - FIT_WEIGHT**2 / 2))


def plan_terms(
    config: BookConfig, index: int, plan: Plan, *, fit: float, seats: int, signed: int | None
) -> Iterator[Term]:
    """Terms from the one that holds the first day (``signed`` None) or from day ``signed``, until far past the end."""
    seed = f"{config.seed}:account:{index}:terms"
    rng = Random(seed)
    length = int(pick(rng, tuple((str(days), share) for days, share in plan.term_days)))
    hazard = monthly_hazard(plan, fit, config.churn_scale)
    discount = rng.uniform(0.75, 1.05)
    opening = signed is None
    # An opening account is anywhere within its term; at least a day is left.
    starts = -rng.randrange(length) if signed is None else signed
    newcomer_until = 0 if opening else starts + SETTLING_DAYS
    number = 0
    while starts < config.days + LOOKAHEAD_DAYS:
        rng = Random(f"{seed}:{number}")
        ends = starts + length
        value = round(seats * plan.price_per_seat * discount * length / 30.4, 2)
        churns = rng.random() < 1 - (1 - hazard) ** (length / 30.4) and ends >= newcomer_until
        reason, causeless = pick(rng, REASONS), rng.random() < config.causeless_share
        other = rng.random()
        # Per year about one renewal in four changes its size, whatever the length of the term.
        change = 0.16 * min(1.0, length / 250)
        outcome = Outcome.RENEWED
        if churns:
            outcome = Outcome.CHURNED
        elif other < change * exp(0.4 * fit):
            outcome = Outcome.EXPANDED
        elif other > 1 - 0.5 * change * exp(-0.4 * fit):
            outcome = Outcome.DOWNGRADED
        yield Term(number, starts, ends, value, seats, outcome, reason if churns else None, causeless and churns)
        gap = rng.randint(45, 120)
        if churns:
            if rng.random() >= WON_BACK:
                return
            newcomer_until = ends + gap + SETTLING_DAYS
        if outcome is Outcome.EXPANDED:
            seats = max(seats + 1, round(seats * rng.uniform(1.15, 1.6)))
        elif outcome is Outcome.DOWNGRADED:
            seats = max(2, round(seats * rng.uniform(0.5, 0.85)))
        starts = ends + gap if churns else ends
        number += 1
