"""The score that was published last, with its reasons in words, the greatest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ebbtide.models.churn.reasons import Reasons, why_scored
from ebbtide.models.churn.wording import Value, clause
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.view import View
from ebbtide.models.portrait.dates import date_of


@dataclass(frozen=True, slots=True)
class Part:
    """A feature's part of the logit, in nats against the average customer: above 0 it raises the chance of churn."""

    feature: str
    value: Value
    contribution: float
    says_en: str
    says_zh: str


@dataclass(frozen=True, slots=True)
class LastScore:
    """``intercept`` and the contributions of all ``parts`` add up to ``logit``; ``reasons`` say so in words."""

    p_churn: float
    tier: str
    as_of: date | None
    version: int
    model_version: str
    intercept: float
    logit: float
    parts: list[Part]
    reasons: Reasons


def last_score(customer: Customer, view: View) -> LastScore | None:
    """The score that was published last; None where there was none."""
    score = customer.score
    if score is None:
        return None
    contributions = view.contributions(score)
    values = {reason.feature: reason.value for reason in contributions}
    parts = []
    for reason in contributions:
        said = clause(reason.feature, reason.value, values)
        parts.append(Part(reason.feature, reason.value, reason.contribution, said.en, said.zh))
    parts.sort(key=lambda part: (-abs(part.contribution), part.feature))
    return LastScore(
        p_churn=score.p_churn,
        tier=score.tier,
        as_of=None if customer.scored_day is None else date_of(customer.scored_day),
        version=score.version,
        model_version=score.model_version,
        intercept=score.intercept,
        logit=score.logit,
        parts=parts,
        reasons=why_scored(score.intercept, score.logit, contributions),
    )
