"""How good predictions were, exactly: for reports and tests, over lists that fit in memory."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import log, sqrt

P_FLOOR = 1e-9
"""A certain prediction that fails costs 20.7 nats, not infinity."""

CALIBRATION_BINS = 10

Z_95 = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


def auc(labels: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Chance that a random positive is ranked above a random negative, ties half; None unless there is one of each.

    The Mann-Whitney statistic over exact ranks, O(n log n).
    """
    positives = sum(labels)
    negatives = len(labels) - positives
    if not positives or not negatives:
        return None
    wins = 0.0
    below = 0
    for _, tied in groupby(sorted(zip(scores, labels, strict=True)), key=lambda pair: pair[0]):
        outcomes = [label for _, label in tied]
        up = sum(outcomes)
        down = len(outcomes) - up
        wins += up * (below + down / 2)
        below += down
    return wins / (positives * negatives)


def log_loss(label: bool, p: float) -> float:
    """Surprise at one outcome, nats."""
    return -log(max(p if label else 1.0 - p, P_FLOOR))


def mean_log_loss(labels: Sequence[bool], ps: Sequence[float]) -> float | None:
    """Mean surprise in nats; None for nothing."""
    return sum(map(log_loss, labels, ps)) / len(ps) if ps else None


def explained_share(labels: Sequence[bool], ps: Sequence[float]) -> float | None:
    """Part of the outcomes' surprise that the predictions took away: 1 - log loss ÷ log loss of the base rate.

    See :func:`explained`.
    """
    return explained(sum(map(log_loss, labels, ps)), sum(labels), len(labels))


def explained(loss: float, churned: int, examples: int) -> float | None:
    """Share of the uncertainty about who churns that predictions took away, 0 to 1 (McFadden 1974, R²).

    ``loss`` is the sum of their log losses, nats: one less it ÷ that of saying the base rate of everybody, which is
    known only afterwards. What is left is unexplained; predictions that are worse than the base rate explain nothing.
    Of the usual shares the one in the unit that the model is judged in: it is additive over examples, and a certain
    error costs what it costs. None until there is one of each outcome.
    """
    if not 0 < churned < examples:
        return None
    uncertainty = sum(-count * log(count / examples) for count in (churned, examples - churned))
    return max(0.0, 1.0 - loss / uncertainty)


def brier(labels: Sequence[bool], ps: Sequence[float]) -> float | None:
    """Mean squared error of the probabilities; None for nothing."""
    return sum((p - label) ** 2 for label, p in zip(labels, ps, strict=True)) / len(ps) if ps else None


def expected_calibration_error(labels: Sequence[bool], ps: Sequence[float]) -> float | None:
    """Mean distance of what was said from what happened, over tenths of probability (Naeini et al. 2015).

    In probability; each tenth weighs as many predictions as lie in it. None for nothing.
    """
    if not ps:
        return None
    gaps = [0.0] * CALIBRATION_BINS
    for label, p in zip(labels, ps, strict=True):
        gaps[min(int(p * CALIBRATION_BINS), CALIBRATION_BINS - 1)] += label - p
    return sum(map(abs, gaps)) / len(ps)


def wilson(successes: float, trials: float, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); (0, 1) where nothing was tried.

    Both may be sums of weights up to 1: the interval is then rather too wide than too narrow.
    """
    if not trials:
        return 0.0, 1.0
    share = successes / trials
    spread = z * z / trials
    middle = share + spread / 2
    half = z * sqrt(share * (1.0 - share) / trials + spread / (4 * trials))
    return max(0.0, (middle - half) / (1.0 + spread)), min(1.0, (middle + half) / (1.0 + spread))
