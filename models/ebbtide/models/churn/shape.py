"""The form of a model, feature by feature: what each adds to the published logit along its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ebbtide.models.churn.bins import BINS, CLIP, PER_DEVIATION
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.scorer import Scorer
from ebbtide.schemas.learning import Model

_MIDDLES = tuple((index + 0.5) / PER_DEVIATION - CLIP for index in range(BINS))
"""Middles of the bins, in standard deviations from the mean."""


class Shape(NamedTuple):
    """A feature's contribution, in nats, at values of it that the model has seen, ascending; else at the mean alone."""

    feature: str
    values: tuple[float, ...]
    contributions: tuple[float, ...]

    @property
    def span(self) -> float:
        """Between the values that raise and lower the logit most."""
        return max(self.contributions) - min(self.contributions)


class Difference(NamedTuple):
    """By how much two models differ most in a feature, in nats, and at which value of it."""

    feature: str
    value: float
    before: float
    after: float

    @property
    def moved(self) -> float:
        """What the later says more."""
        return self.after - self.before


def shapes(model: Model) -> list[Shape]:
    """The form of every feature, the strongest first. Raises ``ModelError`` for a model that fails its checks."""
    scorer = Scorer.from_model(model)
    found = [
        Shape(name, values, _along(scorer, model, place, values))
        for place, (name, values) in enumerate(zip(NAMES, _grid(model), strict=True))
    ]
    return sorted(found, key=lambda shape: (-shape.span, shape.feature))


def differences(before: Model, after: Model) -> list[Difference]:
    """Where two models differ most, by feature, the greatest difference first; along the values of the later.

    Raises ``ModelError`` for a model that fails its checks.
    """
    one, other = Scorer.from_model(before), Scorer.from_model(after)
    found = []
    for place, (name, values) in enumerate(zip(NAMES, _grid(after), strict=True)):
        # Both along the same customers: the mean ones of the later model, but for this feature.
        pairs = zip(values, _along(one, after, place, values), _along(other, after, place, values), strict=True)
        found.append(max((Difference(name, *pair) for pair in pairs), key=lambda told: abs(told.moved)))
    return sorted(found, key=lambda told: (-abs(told.moved), told.feature))


def _grid(model: Model) -> list[tuple[float, ...]]:
    # What a model says of values that it never saw is nothing to go by.
    seen = [[_MIDDLES[index] for index in sorted(map(int, model.bins.get(name, ())))] or [0.0] for name in NAMES]
    return [
        tuple(model.means[name] + middle * model.scales[name] for middle in middles)
        for name, middles in zip(NAMES, seen, strict=True)
    ]


def _along(scorer: Scorer, model: Model, place: int, values: Sequence[float]) -> tuple[float, ...]:
    vector = [model.means[name] for name in NAMES]
    found = []
    for value in values:
        vector[place] = value
        found.append(scorer.score(vector).contributions[place])
    return tuple(found)
