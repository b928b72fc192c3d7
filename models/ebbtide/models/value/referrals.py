"""Who was won, and by a recommendation: the referral rate of a segment [FX]."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ebbtide.models.policy import ChannelPolicy
from ebbtide.models.value.first_touch import PAYING, UNKNOWN, DatedFact, first_touch
from ebbtide.models.value.rate import Rate, rate


@dataclass(frozen=True, slots=True)
class Wins:
    """Customers won in a period whose first touch is known, and those that were referred. Counts of parts add up."""

    won: int = 0
    referred: int = 0

    def __add__(self, other: Wins) -> Wins:
        return Wins(self.won + other.won, self.referred + other.referred)


def wins(facts: Iterable[DatedFact], since_ms: int, before_ms: int, policy: ChannelPolicy) -> Wins:
    """One where the customer paid first in ``[since_ms, before_ms)``, else none; so the order of facts does not matter.

    Nobody can say of one without a known channel whether it was referred: it is left out.
    """
    known = [fact for fact in facts if fact[1] < before_ms]
    paid_at = min((at for kind, at, _ in known if kind in PAYING), default=None)
    if paid_at is None or paid_at < since_ms:
        return NO_WINS
    touch = first_touch(known, before_ms)
    if touch is None or touch.channel == UNKNOWN:
        return NO_WINS
    return Wins(1, int(touch.channel.lower() in policy.referrals))


def referral_rate(found: Wins) -> Rate:
    """Share of the customers won that were referred."""
    return rate(found.referred, found.won)


NO_WINS = Wins()
