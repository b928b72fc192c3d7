"""Test, then learn: quality measured on predictions that were frozen before their label existed."""

from __future__ import annotations

from bisect import bisect_left
from math import log

import msgspec

from ebbtide.models.churn.quality import CALIBRATION_BINS, log_loss

AUC_BUCKETS = 1000
"""Equal slices of probability. Pairs within one slice count half, so the AUC errs by less than half their share."""

RECENT_HALF_LIFE = 2000
"""Examples after which an old loss weighs half in the recent loss: a drift shows here first."""

TIER_BOUNDS = (0.054, 0.731)
TIERS = ("excellent", "normal", "danger")


class Prequential(msgspec.Struct):
    """Running sums over matured examples. Plain numbers: they go through JSON unchanged."""

    examples: int = 0
    churned: int = 0
    log_loss_sum: float = 0.0
    brier_sum: float = 0.0
    recent_log_loss: float | None = None
    churned_by_bucket: dict[int, int] = msgspec.field(default_factory=dict)
    stayed_by_bucket: dict[int, int] = msgspec.field(default_factory=dict)
    tier_examples: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])
    tier_churned: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0])

    def add(self, p_churn: float, label: bool) -> None:
        """Count one frozen prediction with its outcome."""
        loss = log_loss(label, p_churn)
        self.examples += 1
        self.churned += label
        self.log_loss_sum += loss
        self.brier_sum += (p_churn - label) ** 2
        if self.recent_log_loss is None:
            self.recent_log_loss = loss
        else:
            # A plain mean until there are enough examples, then an exponential one.
            share = max(1.0 / self.examples, log(2.0) / RECENT_HALF_LIFE)
            self.recent_log_loss += share * (loss - self.recent_log_loss)
        buckets = self.churned_by_bucket if label else self.stayed_by_bucket
        bucket = min(int(p_churn * AUC_BUCKETS), AUC_BUCKETS - 1)
        buckets[bucket] = buckets.get(bucket, 0) + 1
        tier = bisect_left(TIER_BOUNDS, p_churn)
        self.tier_examples[tier] += 1
        self.tier_churned[tier] += label

    def take_back(self, p_churn: float, label: bool) -> bool:
        """Count one frozen prediction no more with that outcome; False where none such was counted.

        The recent loss stays: it fades by itself.
        """
        buckets = self.churned_by_bucket if label else self.stayed_by_bucket
        bucket = min(int(p_churn * AUC_BUCKETS), AUC_BUCKETS - 1)
        if bucket not in buckets:
            return False
        buckets[bucket] -= 1
        if not buckets[bucket]:
            del buckets[bucket]
        self.examples -= 1
        self.churned -= label
        self.log_loss_sum -= log_loss(label, p_churn)
        self.brier_sum -= (p_churn - label) ** 2
        tier = bisect_left(TIER_BOUNDS, p_churn)
        self.tier_examples[tier] -= 1
        self.tier_churned[tier] -= label
        return True

    @property
    def stayed(self) -> int:
        """Examples whose customer did not churn."""
        return self.examples - self.churned

    def auc(self) -> float | None:
        """Chance that a churner was scored above a stayer (ties half); None until there is one of each."""
        if not self.churned or not self.stayed:
            return None
        below = 0
        wins = 0.0
        for bucket in sorted(self.churned_by_bucket.keys() | self.stayed_by_bucket.keys()):
            stayed = self.stayed_by_bucket.get(bucket, 0)
            wins += self.churned_by_bucket.get(bucket, 0) * (below + stayed / 2)
            below += stayed
        return wins / (self.churned * self.stayed)

    def calibration_error(self) -> float | None:
        """Expected calibration error over tenths of probability, each prediction taken for the middle of its slice."""
        if not self.examples:
            return None
        width = AUC_BUCKETS // CALIBRATION_BINS
        gaps = [0.0] * CALIBRATION_BINS
        for outcome, buckets in ((1.0, self.churned_by_bucket), (0.0, self.stayed_by_bucket)):
            for bucket, seen in buckets.items():
                gaps[bucket // width] += seen * (outcome - (bucket + 0.5) / AUC_BUCKETS)
        return sum(map(abs, gaps)) / self.examples

    def report(self) -> dict[str, float | None]:
        """The numbers published with every model."""
        n = self.examples
        report: dict[str, float | None] = {
            "examples": n,
            "churned": self.churned,
            "prequential_auc": self.auc(),
            "prequential_log_loss": self.log_loss_sum / n if n else None,
            "prequential_brier": self.brier_sum / n if n else None,
            "prequential_calibration_error": self.calibration_error(),
            "recent_log_loss": self.recent_log_loss,
        }
        for tier, seen, churned in zip(TIERS, self.tier_examples, self.tier_churned, strict=True):
            report[f"{tier}_examples"] = seen
            report[f"{tier}_churn_rate"] = churned / seen if seen else None
        return report
