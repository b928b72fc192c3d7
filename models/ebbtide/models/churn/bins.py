"""Log bins: beside each standardised number a one-hot of the half deviation it falls into.

A linear model over a number and its bins is a piecewise function of that number: it bends, and yet every feature's
part of the logit stays a single, exact addend.
"""

from __future__ import annotations

CLIP = 3.0
"""Standardised numbers are cut to ±3: one outlier must not move a weight, nor run up a score."""

PER_DEVIATION = 2.0
BINS = int(2 * CLIP * PER_DEVIATION) + 1
"""13 bins: -3 … +2.5 in half deviations, and one for z = 3 and beyond."""


def clip(z: float) -> float:
    """``z`` cut to ±:data:`CLIP`."""
    return -CLIP if z < -CLIP else min(z, CLIP)


def bin_of(z: float) -> int:
    """Index 0 … 12 of a clipped ``z``: floor(2z) + 6."""
    return int(z * PER_DEVIATION + CLIP * PER_DEVIATION)
