"""Whether a challenger foretells better than the champion, with confidence at any time.

Both say a probability of the same example before either has learned it; the difference of their squared errors lies in
[-1, 1]. Evidence is a test martingale: a bet that grows where the challenger was better and whose expected value is at
most 1 where on average it is not. So the chance that it *ever* passes 1/error is below ``error``, however often one
looks (Ville 1939; Howard et al. 2021, the empirical Bernstein case; Choe and Ramdas 2023 for forecasters).

Outcomes of one customer within a horizon are nearly the same outcome. :func:`is_judged` takes each customer once a
horizon, so that what is counted as evidence is.
"""

from __future__ import annotations

from math import exp, log, log1p
from zlib import crc32

import msgspec

BETS = (0.05, 0.1, 0.2, 0.4, 0.7)
"""Shares of the capital that are bet, each on a fifth of it: for great and for small differences."""

_PRICES = tuple(-log1p(-bet) - bet for bet in BETS)


class Contest(msgspec.Struct):
    """Champion against challenger so far; plain numbers. Losses are sums of squared errors."""

    judged: int = 0
    champion_loss: float = 0.0
    challenger_loss: float = 0.0
    gained: float = 0.0
    log_capitals: list[float] = msgspec.field(default_factory=lambda: [0.0] * len(BETS))

    def judge(self, champion_p: float, challenger_p: float, label: bool) -> None:
        """Take in one outcome (True: churned) and what both said of it."""
        champion, challenger = (champion_p - label) ** 2, (challenger_p - label) ** 2
        gain = (champion - challenger) / 2
        # What was expected may rest on the past alone.
        surprise = gain - (self.gained / self.judged if self.judged else 0.0)
        for number, (bet, price) in enumerate(zip(BETS, _PRICES, strict=True)):
            self.log_capitals[number] += bet * gain - price * surprise * surprise
        self.gained += gain
        self.judged += 1
        self.champion_loss += champion
        self.challenger_loss += challenger

    @property
    def log_evidence(self) -> float:
        """Natural logarithm of what the bets have become, on average."""
        greatest = max(self.log_capitals)
        return greatest + log(sum(exp(capital - greatest) for capital in self.log_capitals) / len(BETS))

    def is_won(self, error: float, least: int) -> bool:
        """Whether the challenger is better, but for a chance of ``error``; not before ``least`` outcomes."""
        return self.judged >= least and self.log_evidence >= -log(error)

    @property
    def briers(self) -> tuple[float, float] | None:
        """Mean squared error of champion and challenger; None before the first outcome."""
        return (self.champion_loss / self.judged, self.challenger_loss / self.judged) if self.judged else None


def is_judged(customer_id: str, observed_day: int, horizon_days: int, every_days: int) -> bool:
    """Whether this observation counts as evidence: of a customer's one a horizon, at a place by its id."""
    span = max(horizon_days, every_days)
    return (observed_day + crc32(customer_id.encode())) % span < every_days
