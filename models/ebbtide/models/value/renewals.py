"""Renewals of a segment: the rates of renewal and expansion [FX]."""

from __future__ import annotations

from dataclasses import dataclass

from ebbtide.models.policy import EconomicsPolicy
from ebbtide.models.value.rate import Rate, Verdict, rate, verdict


@dataclass(frozen=True, slots=True)
class Renewals:
    """Renewals of a segment closed in a period, by outcome. Counts of several parts add up."""

    renewed: int = 0
    expanded: int = 0
    downgraded: int = 0
    churned: int = 0

    def __add__(self, other: Renewals) -> Renewals:
        return Renewals(
            self.renewed + other.renewed,
            self.expanded + other.expanded,
            self.downgraded + other.downgraded,
            self.churned + other.churned,
        )

    @property
    def stayed(self) -> int:
        """Customers that stayed, whatever they pay."""
        return self.renewed + self.expanded + self.downgraded

    @property
    def closed(self) -> int:
        """All closed renewals."""
        return self.stayed + self.churned


_OUTCOMES = {
    "renewed": Renewals(renewed=1),
    "expanded": Renewals(expanded=1),
    "downgraded": Renewals(downgraded=1),
    "churned": Renewals(churned=1),
}


def one_renewal(outcome: object) -> Renewals:
    """The counts of one ``renewal.closed`` by its outcome; nothing for another word."""
    return _OUTCOMES.get(outcome, Renewals()) if isinstance(outcome, str) else Renewals()


def renewal_rate(renewals: Renewals) -> Rate:
    """Share of closed renewals that stayed."""
    return rate(renewals.stayed, renewals.closed)


def expansion_rate(renewals: Renewals) -> Rate:
    """Share of closed renewals that expanded."""
    return rate(renewals.expanded, renewals.closed)


def renewal_verdict(renewal: Rate, policy: EconomicsPolicy) -> Verdict:
    """The renewal rate against the line at 70 %, by its interval."""
    return verdict(renewal, policy.renewal_line, policy.min_renewals)
