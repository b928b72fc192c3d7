"""Log bins: beside each standardised number a one-hot of the half deviation it falls into.

A linear model over a number and its bins is a piecewise function of that number: it bends, and yet every feature's
part of the logit stays a single, exact addend.
"""

from __future__ import annotations

CLIP = 3.0
"""Standardised numbers are cut to ±3: one outlier must not move a weight, nor run up a score."""

PER_DEVIATION = 2.0
BINS = int(2 * CLIP * PER_DEVIATION) + 1
"""13 bins: the half deviations from -3 to 3, and one for z = 3 and beyond. The bin of a cut z is
``int(z * PER_DEVIATION + CLIP * PER_DEVIATION)``, spelled out where it is used: a call would double its cost."""
