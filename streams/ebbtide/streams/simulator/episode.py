"""A planted stretch of a customer's life, and how it bends its activity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EpisodeType(StrEnum):
    """What was planted. The values are those of the truth file."""

    DECLINE = "decline"
    CAUSELESS_CHURN = "causeless_churn"
    SLUMP = "slump"
    DOWNGRADE = "downgrade"
    SURGE = "surge"
    WARM_RETURN = "warm_return"
    KEY_PERSON_LOSS = "key_person_loss"
    CAMPAIGN = "campaign"
    RENAME = "rename"
    TRIAL = "trial"
    WON_BACK = "won_back"
    TRAINING = "training"


# What a human observer would see as that customer's behaviour: no two of these overlap on one account.
EXCLUSIVE = frozenset(
    {
        EpisodeType.DECLINE,
        EpisodeType.CAUSELESS_CHURN,
        EpisodeType.SLUMP,
        EpisodeType.DOWNGRADE,
        EpisodeType.SURGE,
        EpisodeType.WARM_RETURN,
        EpisodeType.KEY_PERSON_LOSS,
    }
)


ONSET_LEVEL = 0.5
"""Activity under this share of the habit is what a sudden drop is (signals §7)."""


@dataclass(frozen=True)
class Episode:
    """Days count from the start of the book, ``[starts, ends)``.

    ``factor`` is the multiplier of activity at full effect, ``after`` the one that stays when it is over.
    ``feature`` is the index of the feature that drives a surge or was trained.
    """

    type: EpisodeType
    starts: int
    ends: int
    factor: float = 1.0
    after: float = 1.0
    feature: int | None = None
    detail: str = ""

    def multiplier(self, day: int) -> float:
        """Activity relative to the customer's habit on ``day``."""
        if not self.starts <= day < self.ends:
            return 1.0
        return float(self.factor ** self._effect(day))

    def onset(self) -> int | None:
        """The first day on which activity is under half of the habit; None where it never is."""
        return next((day for day in range(self.starts, self.ends) if self.multiplier(day) < ONSET_LEVEL), None)

    def _effect(self, day: int) -> float:
        """How much of the full effect has set in, 0 to 1."""
        passed = day - self.starts + 1
        match self.type:
            case EpisodeType.DECLINE | EpisodeType.TRIAL:
                return passed / (self.ends - self.starts)
            case EpisodeType.DOWNGRADE:
                return min(1.0, 2 * passed / (self.ends - self.starts))
            case EpisodeType.SLUMP:
                return min(passed, self.ends - day, 4) / 4
            case EpisodeType.SURGE:
                return min(1.0, passed / 3)
            case EpisodeType.WARM_RETURN | EpisodeType.CAMPAIGN:
                return 1.0
        return 0.0
