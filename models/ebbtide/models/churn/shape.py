"""The form of a model, feature by feature: what each adds to the published logit along its values.

Of the model of those under a contract features and attributes have names that say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from ebbtide.models.churn.attributes import PREFIX, number
from ebbtide.models.churn.bins import BINS, CLIP, PER_DEVIATION
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.populations import LEAST_CONTRACT, OPEN, UNDER_CONTRACT, Population, average
from ebbtide.models.churn.scorer import Scorer, by_population
from ebbtide.schemas.learning import AttributeWeights, Model, Weights

_MIDDLES = tuple((index + 0.5) / PER_DEVIATION - CLIP for index in range(BINS))
"""Middles of the bins, in standard deviations from the mean."""


UNDER = f"{UNDER_CONTRACT.name}."
"""Before what the model of those under a contract goes by."""


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
    found = []
    for each, told in by_population(model):
        for name, values in zip(each.features, _grid(each, told), strict=True):
            found.append(Shape(_named(each, name), values, _along(scorer, each, told, name, values)))
        found += [_shape_of(each, told, name, weights, scorer) for name, weights in told.attributes.items()]
    return sorted(found, key=lambda shape: (-shape.span, shape.feature))


def differences(before: Model, after: Model) -> list[Difference]:
    """Where two models differ most, by feature, the greatest difference first; along the values of the later.

    An attribute that only one of them knows is looked at along the values of that one. Raises ``ModelError`` for a
    model that fails its checks.
    """
    scorers = Scorer.from_model(before), Scorer.from_model(after)
    found = []
    for (each, was), (_, told) in zip(by_population(before), by_population(after), strict=True):
        for name, values in zip(each.features, _grid(each, told), strict=True):
            # Both along the same customers: the mean ones of the later model, but for this feature.
            along = [_along(scorer, each, told, name, values) for scorer in scorers]
            found.append(_greatest(_named(each, name), values, *along))
        for name, weights in {**was.attributes, **told.attributes}.items():
            known = _told(weights)
            along = [_along_told(scorer, each, told, name, known) for scorer in scorers]
            found.append(_greatest(_named(each, PREFIX + name), known, *along))
    return sorted(found, key=lambda told: (-abs(told.moved), told.feature))


def _named(each: Population, name: str) -> str:
    return name if each is OPEN else UNDER + name


def _greatest(
    feature: str, values: Sequence[float | str], before: Sequence[float], after: Sequence[float]
) -> Difference:
    rows = zip(values, before, after, strict=True)
    return max((Difference(feature, *row) for row in rows), key=lambda told: abs(told.moved))


def _grid(each: Population, told: Weights) -> list[tuple[float, ...]]:
    # What a model says of values that it never saw is nothing to go by.
    seen = [[_MIDDLES[index] for index in sorted(map(int, told.bins.get(name, ())))] or [0.0] for name in each.features]
    return [
        tuple(told.means[name] + middle * told.scales[name] for middle in middles)
        for name, middles in zip(each.features, seen, strict=True)
    ]


def _along(scorer: Scorer, each: Population, told: Weights, name: str, values: Sequence[float]) -> tuple[float, ...]:
    vector, place = average(each, told.means, told.scales, 0.0), NAMES.index(name)
    # The middle of the lowest bin may lie below what any contract has.
    least = LEAST_CONTRACT if name == "contract_days" else -inf
    found = []
    for value in values:
        vector[place] = max(value, least)
        found.append(scorer.score(vector).contributions[place])
    return tuple(found)


def _shape_of(each: Population, told: Weights, name: str, weights: AttributeWeights, scorer: Scorer) -> Shape:
    values = _told(weights)
    rows = list(zip(values, _along_told(scorer, each, told, name, values), strict=True))
    numbers = len(weights.bins)
    rows[numbers:] = sorted(rows[numbers:], key=lambda row: (row[1], row[0]))
    known, contributions = zip(*rows, strict=True)
    return Shape(_named(each, PREFIX + name), known, contributions)


def _told(weights: AttributeWeights) -> list[float | str]:
    middles = [_MIDDLES[index] for index in sorted(map(int, weights.bins))]
    return [*(number(weights.mean + middle * weights.scale) for middle in middles), *weights.categories]


def _along_told(
    scorer: Scorer, each: Population, told: Weights, name: str, values: Sequence[float | str]
) -> tuple[float, ...]:
    vector = average(each, told.means, told.scales, 0.0)
    return tuple(scorer.score(vector, {name: value}).of_attributes[0] for value in values)
