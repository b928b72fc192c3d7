"""Test, then learn: quality measured on predictions that were frozen before their label existed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from math import log

import msgspec

from ebbtide.models.churn.quality import CALIBRATION_BINS, explained, log_loss, wilson

AUC_BUCKETS = 1000
"""Equal slices of probability. Pairs within one slice count half, so the AUC errs by less than half their share."""

RECENT_HALF_LIFE = 2000
"""Examples after which an old one weighs half in the recent loss, and examples of a tier in its recent churn: a drift
shows here first, and what has been mended is forgotten."""

_KEPT = 0.5 ** (1.0 / RECENT_HALF_LIFE)

TIER_BOUNDS = (0.054, 0.731)
TIERS = ("excellent", "normal", "danger")

MEASURES = ("auc", "active_auc", "log_loss", "brier", "calibration_error", "explained_share")
"""Told with every model as ``prequential_<name>``, and of the rule alone as ``baseline_<name>``."""


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
    active_churned_by_bucket: dict[int, int] = msgspec.field(default_factory=dict)
    active_stayed_by_bucket: dict[int, int] = msgspec.field(default_factory=dict)
    recent_tier_examples: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])
    recent_tier_churned: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])

    def add(self, p_churn: float, label: bool, *, active: bool) -> None:
        """Count one frozen prediction with its outcome; ``active``: the customer was, within the horizon before it."""
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
        if active:
            buckets = self.active_churned_by_bucket if label else self.active_stayed_by_bucket
            buckets[bucket] = buckets.get(bucket, 0) + 1
        tier = bisect_left(TIER_BOUNDS, p_churn)
        self.tier_examples[tier] += 1
        self.tier_churned[tier] += label
        self.recent_tier_examples[tier] = self.recent_tier_examples[tier] * _KEPT + 1.0
        self.recent_tier_churned[tier] = self.recent_tier_churned[tier] * _KEPT + label

    def take_back(self, p_churn: float, label: bool, *, active: bool) -> bool:
        """Count one frozen prediction no more with that outcome; False where none such was counted.

        The recent loss and the recent churn of tiers stay: they fade by themselves.
        """
        counted = [self.churned_by_bucket if label else self.stayed_by_bucket]
        if active:
            counted.append(self.active_churned_by_bucket if label else self.active_stayed_by_bucket)
        bucket = min(int(p_churn * AUC_BUCKETS), AUC_BUCKETS - 1)
        if any(bucket not in buckets for buckets in counted):
            return False
        for buckets in counted:
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
    def active_examples(self) -> int:
        """Examples whose customer was active within the horizon before."""
        return sum(self.active_churned_by_bucket.values()) + sum(self.active_stayed_by_bucket.values())

    def auc(self) -> float | None:
        """Chance that a churner was scored above a stayer (ties half); None until there is one of each."""
        return _auc(self.churned_by_bucket, self.stayed_by_bucket)

    def active_auc(self) -> float | None:
        """The same among customers that were active within the horizon: who is long gone is easily told."""
        return _auc(self.active_churned_by_bucket, self.active_stayed_by_bucket)

    def explained_share(self) -> float | None:
        """Share of the uncertainty about who churns that the predictions took away: see :func:`explained`."""
        return explained(self.log_loss_sum, self.churned, self.examples)

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
            "active_examples": self.active_examples,
            "prequential_active_auc": self.active_auc(),
            "prequential_log_loss": self.log_loss_sum / n if n else None,
            "prequential_brier": self.brier_sum / n if n else None,
            "prequential_calibration_error": self.calibration_error(),
            "prequential_explained_share": self.explained_share(),
            "recent_log_loss": self.recent_log_loss,
        }
        for tier, seen, churned in zip(TIERS, self.tier_examples, self.tier_churned, strict=True):
            report |= _tier(tier, seen, churned)
        for tier, weight, churn in zip(TIERS, self.recent_tier_examples, self.recent_tier_churned, strict=True):
            report |= _tier(f"recent_{tier}", weight, churn)
        return report


def _tier(name: str, examples: float, churned: float) -> dict[str, float | None]:
    """The realised churn of a tier with Wilson's interval."""
    rate, low, high = None, None, None
    if examples:
        rate = churned / examples
        low, high = wilson(churned, examples)
    return {
        f"{name}_examples": examples,
        f"{name}_churn_rate": rate,
        f"{name}_churn_low_95": low,
        f"{name}_churn_high_95": high,
    }


def _auc(churned_by_bucket: Mapping[int, int], stayed_by_bucket: Mapping[int, int]) -> float | None:
    below = 0
    wins = 0.0
    for bucket in sorted(churned_by_bucket.keys() | stayed_by_bucket.keys()):
        stayed = stayed_by_bucket.get(bucket, 0)
        wins += churned_by_bucket.get(bucket, 0) * (below + stayed / 2)
        below += stayed
    pairs = below * sum(churned_by_bucket.values())
    return wins / pairs if pairs else None
