"""What each value of an attribute adds to the logit, folded from a model's numbers."""

from __future__ import annotations

from math import inf

from ebbtide.models.churn.attributes import OTHER, Attribute, category, logarithm
from ebbtide.models.churn.bins import BINS, CLIP, PER_DEVIATION
from ebbtide.schemas.learning import AttributeWeights

_FIRST_BIN = CLIP * PER_DEVIATION


class AttributeAddends:
    """An attribute ready to score, against the average customer who tells it: ``center``, in nats, is that one's.

    What the model never saw adds nothing, as what is not told.
    """

    __slots__ = ("_bins", "_categories", "_mean", "_scale", "_slope", "center")

    def __init__(self, weights: AttributeWeights, factor: float) -> None:
        """``factor`` is that of the champion in the published logit."""
        self.center = center = factor * weights.center
        self._categories = {name: factor * weight - center for name, weight in weights.categories.items()}
        self._slope, self._mean, self._scale = factor * weights.coefficient, weights.mean, weights.scale or inf
        bins = weights.bins
        self._bins = tuple(factor * bins.get(str(index), 0.0) - center for index in range(BINS)) if bins else ()

    def of(self, value: Attribute) -> float:
        """What a value adds, in nats."""
        if isinstance(value, bool | str):
            addend = self._categories.get(category(value))
            return self._categories.get(OTHER, 0.0) if addend is None else addend
        if not self._bins:
            return 0.0
        z = min(max((logarithm(value) - self._mean) / self._scale, -CLIP), CLIP)
        return self._slope * z + self._bins[int(z * PER_DEVIATION + _FIRST_BIN)]
