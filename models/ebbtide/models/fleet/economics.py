"""Unit economics of a segment, from the sums of all partitions [FX]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ebbtide.models.fleet.sketch import Sketch
from ebbtide.models.policy import EconomicsPolicy
from ebbtide.models.value.economics import ltv, per_period, segment_lifetime
from ebbtide.models.value.nps import Answers, nps
from ebbtide.models.value.rate import Rate
from ebbtide.models.value.referrals import Wins, referral_rate
from ebbtide.models.value.renewals import Renewals, expansion_rate, renewal_rate, renewal_verdict
from ebbtide.schemas.fleet import (
    AnswerCounts,
    LifetimeStats,
    LtvStats,
    NpsStats,
    RateStats,
    RenewalCounts,
    SegmentEconomics,
    ValueSums,
    WinCounts,
)

CURRENCIES = 8
"""So many are told, those of most customers."""

_YEAR_DAYS = 365


@dataclass(slots=True)
class Values:
    """Yearly values in one currency: merged sums."""

    sketch: Sketch
    least: float
    greatest: float

    def add(self, sums: ValueSums) -> None:
        """Add those of some customers."""
        self.sketch.merge(sums.sketch)
        self.least, self.greatest = min(self.least, sums.least), max(self.greatest, sums.greatest)

    @property
    def median(self) -> float:
        """The median, within the sketch's accuracy; exact where all are equal."""
        (found,) = self.sketch.quantiles((0.5,))
        return min(max(found, self.least), self.greatest)


class Economy:
    """Sums of a segment that its unit economics follow from. Their order does not matter."""

    def __init__(self, accuracy: float) -> None:
        self._accuracy = accuracy
        self._renewals, self._answers, self._wins = Renewals(), Answers(), Wins()
        self._values: dict[str, Values] = {}

    def add(
        self, renewals: RenewalCounts, answers: AnswerCounts, wins: WinCounts, values: Mapping[str, ValueSums]
    ) -> None:
        """Add those of some customers."""
        self._renewals += Renewals(renewals.renewed, renewals.expanded, renewals.downgraded, renewals.churned)
        self._answers += Answers(answers.promoters, answers.passives, answers.detractors)
        self._wins += Wins(wins.won, wins.referred)
        for currency, sums in values.items():
            known = self._values.get(currency)
            if known is None:
                known = self._values[currency] = Values(Sketch(self._accuracy), sums.least, sums.greatest)
            known.add(sums)

    def stats(self, policy: EconomicsPolicy) -> SegmentEconomics:
        """What follows from the sums."""
        renewal = renewal_rate(self._renewals)
        lifetime = segment_lifetime(renewal, policy)
        score = nps(self._answers, policy)
        told = SegmentEconomics(
            renewal=_rate(renewal),
            verdict=renewal_verdict(renewal, policy).value,
            expansion=_rate(expansion_rate(self._renewals)),
            referral=_rate(referral_rate(self._wins)),
            nps=None if score is None else NpsStats(score=score.score, n=score.n, low=score.low, high=score.high),
        )
        if lifetime is None:
            return told
        periods = LifetimeStats(periods=lifetime.periods, low=lifetime.low, high=lifetime.high)
        return told.model_copy(
            update={
                "lifetime": periods,
                "multiple": _ltv(1.0, lifetime.periods, policy),
                "ltv": self._ltv(periods, policy),
            }
        )

    def _ltv(self, lifetime: LifetimeStats, policy: EconomicsPolicy) -> list[LtvStats]:
        ranked = sorted(self._values.items(), key=lambda item: (-item[1].sketch.count, item[0]))
        return [
            LtvStats(
                currency=currency,
                customers=values.sketch.count,
                median=(median := values.median),
                ltv=_ltv(median, lifetime.periods, policy),
                low=_ltv(median, lifetime.low, policy),
                high=_ltv(median, lifetime.high, policy),
            )
            for currency, values in ranked[:CURRENCIES]
        ]


def _ltv(yearly_value: float, periods: float, policy: EconomicsPolicy) -> float:
    return ltv(per_period(yearly_value, _YEAR_DAYS, policy), periods, policy)


def _rate(found: Rate) -> RateStats:
    return RateStats(share=found.share, n=found.n, low=found.low, high=found.high)
