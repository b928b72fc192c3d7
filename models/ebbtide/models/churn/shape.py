"""The form of a model, feature by feature: what each adds to the published logit along its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ebbtide.models.churn.attributes import PREFIX, number
from ebbtide.models.churn.bins import BINS, CLIP, PER_DEVIATION
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.scorer import Scorer
from ebbtide.schemas.learning import AttributeWeights, Model

_MIDDLES = tuple((index + 0.5) / PER_DEVIATION - CLIP for index in range(BINS))
"""Middles of the bins, in standard deviations from the mean."""


class Shape(NamedTuple):
    """A feature's contribution, in nats, at values of it that the model has seen, ascending; else at the mean alone.

    Of an attribute its numbers come first; then its categories, by what they add.
    """

    feature: str
    values: tuple[float | str, ...]
    contributions: tuple[float, ...]

    @property
    def span(self) -> float:
        """Between the values that raise and lower the logit most."""
        return max(self.contributions) - min(self.contributions)


class Difference(NamedTuple):
    """By how much two models differ most in a feature, in nats, and at which value of it."""

    feature: str
    value: float | str
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
    found += [_shape_of(name, weights, scorer, model) for name, weights in model.attributes.items()]
    return sorted(found, key=lambda shape: (-shape.span, shape.feature))


def differences(before: Model, after: Model) -> list[Difference]:
    """Where two models differ most, by feature, the greatest difference first; along the values of the later.

    An attribute that only one of them knows is looked at along the values of that one. Raises ``ModelError`` for a
    model that fails its checks.
    """
    one, other = Scorer.from_model(before), Scorer.from_model(after)
    found = []
    for place, (name, values) in enumerate(zip(NAMES, _grid(after), strict=True)):
        # Both along the same customers: the mean ones of the later model, but for this feature.
        along = [_along(scorer, after, place, values) for scorer in (one, other)]
        found.append(_greatest(name, values, *along))
    for name, weights in {**before.attributes, **after.attributes}.items():
        told = _told(weights)
        along = [_along_told(scorer, after, name, told) for scorer in (one, other)]
        found.append(_greatest(PREFIX + name, told, *along))
    return sorted(found, key=lambda told: (-abs(told.moved), told.feature))


def _greatest(
    feature: str, values: Sequence[float | str], before: Sequence[float], after: Sequence[float]
) -> Difference:
    rows = zip(values, before, after, strict=True)
    return max((Difference(feature, *row) for row in rows), key=lambda told: abs(told.moved))


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


def _shape_of(name: str, weights: AttributeWeights, scorer: Scorer, model: Model) -> Shape:
    values = _told(weights)
    rows = list(zip(values, _along_told(scorer, model, name, values), strict=True))
    numbers = len(weights.bins)
    rows[numbers:] = sorted(rows[numbers:], key=lambda row: (row[1], row[0]))
    told, contributions = zip(*rows, strict=True)
    return Shape(PREFIX + name, told, contributions)


def _told(weights: AttributeWeights) -> list[float | str]:
    middles = [_MIDDLES[index] for index in sorted(map(int, weights.bins))]
    return [*(number(weights.mean + middle * weights.scale) for middle in middles), *weights.categories]


def _along_told(scorer: Scorer, model: Model, name: str, values: Sequence[float | str]) -> tuple[float, ...]:
    vector = [model.means[name] for name in NAMES]
    return tuple(scorer.score(vector, {name: value}).of_attributes[0] for value in values)
