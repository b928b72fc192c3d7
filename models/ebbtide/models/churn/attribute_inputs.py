"""Attributes as inputs of the regression: a one-hot of their categories, and of the bins of their numbers.

An attribute that is not told of a customer counts as the average of those who told it: for a one-hot that is the share
of each category. So it adds nothing to what tells a customer from the average one. The names and categories of a model
are bounded: what an export makes up every day must not fill it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from river import preprocessing

from ebbtide.models.churn.attributes import (
    MOST_CATEGORIES,
    MOST_NAMES,
    OTHER,
    Attribute,
    Attributes,
    category,
    logarithm,
)
from ebbtide.models.churn.bins import CLIP, PER_DEVIATION
from ebbtide.schemas.learning import AttributeWeights

Cell = int | str
"""A bin of numbers by its index, or a category."""

Key = tuple[str, Cell | None]
"""River's name of a weight: the attribute and its cell; None is the line of numbers."""


class AttributeInputs:
    """Knows the attributes, and how many examples told each of their cells."""

    __slots__ = ("_cells", "_scaler")

    def __init__(self) -> None:
        self._scaler: Any = preprocessing.StandardScaler()
        self._cells: dict[str, dict[Cell, int]] = {}

    def learn(self, attributes: Attributes) -> None:
        """Take in what one example tells."""
        for name in sorted(attributes):
            cells = self._cells.get(name)
            if cells is None:
                if len(self._cells) >= MOST_NAMES:
                    continue
                cells = self._cells[name] = {}
            value = attributes[name]
            cell: Cell
            if isinstance(value, bool | str):
                cell = category(value)
                if cell not in cells and sum(isinstance(known, str) for known in cells) >= MOST_CATEGORIES:
                    cell = OTHER
            else:
                self._scaler.learn_one({name: logarithm(value)})
                cell = _bin(self._deviations(name, value))
            cells[cell] = cells.get(cell, 0) + 1

    def inputs(self, attributes: Attributes) -> dict[Key, float]:
        """What the regression sees of a customer, always in the same order."""
        found: dict[Key, float] = {}
        for name, cells in self._cells.items():
            value = attributes.get(name)
            if value is None or not self._is_known(cells, value):
                examples = sum(cells.values())
                found.update({(name, cell): seen / examples for cell, seen in cells.items()})
            elif isinstance(value, bool | str):
                cell = category(value)
                found[name, cell if cell in cells else OTHER] = 1.0
            else:
                z = self._deviations(name, value)
                found[name, None] = z
                found[name, _bin(z)] = 1.0
        return found

    @staticmethod
    def _is_known(cells: Mapping[Cell, int], value: Attribute) -> bool:
        if isinstance(value, bool | str):
            return category(value) in cells or OTHER in cells
        return any(isinstance(cell, int) for cell in cells)

    def _deviations(self, name: str, value: float) -> float:
        z: float = self._scaler.transform_one({name: logarithm(value)})[name]
        return min(max(z, -CLIP), CLIP)

    def weights(self, weights: Mapping[Key, float]) -> dict[str, AttributeWeights]:
        """The model's tables, from River's weights."""
        return {
            name: AttributeWeights(
                coefficient=weights.get((name, None), 0.0),
                mean=float(self._scaler.means[name]),
                scale=float(self._scaler.vars[name] ** 0.5),
                bins={str(cell): weights[name, cell] for cell in cells if isinstance(cell, int)},
                categories={cell: weights[name, cell] for cell in cells if isinstance(cell, str)},
                center=sum(seen * weights[name, cell] for cell, seen in cells.items()) / sum(cells.values()),
            )
            for name, cells in self._cells.items()
        }

    def state(self, squares: Mapping[Key, float]) -> list[list[Any]]:
        """What the tables do not tell, an entry for each attribute; ``squares`` are AdaGrad's, by weight."""
        return [
            [
                name,
                self._scaler.counts[name],
                self._scaler.vars[name],
                squares.get((name, None), 0.0),
                [[cell, seen, squares[name, cell]] for cell, seen in cells.items()],
            ]
            for name, cells in self._cells.items()
        ]

    def restore(
        self, tables: Mapping[str, AttributeWeights], state: list[list[Any]]
    ) -> tuple[dict[Key, float], dict[Key, float]]:
        """Take up where the inputs of a model stood; returns River's weights and AdaGrad's squares."""
        weights: dict[Key, float] = {}
        squares: dict[Key, float] = {}
        for name, numbers, var, line, cells in state:
            table = tables[name]
            self._cells[name] = {cell: seen for cell, seen, _ in cells}
            if numbers:
                self._scaler.counts[name], self._scaler.means[name] = numbers, table.mean
                self._scaler.vars[name] = var
                weights[name, None], squares[name, None] = table.coefficient, line
            for cell, _, square in cells:
                weights[name, cell] = table.bins[str(cell)] if isinstance(cell, int) else table.categories[cell]
                squares[name, cell] = square
        return weights, squares


def _bin(z: float) -> int:
    return int(z * PER_DEVIATION + CLIP * PER_DEVIATION)
