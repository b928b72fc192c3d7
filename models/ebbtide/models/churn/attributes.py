"""What a vendor knows of a customer beside its behaviour, in the terms of the churn model.

An attribute is of the vendor's own: its name and its values are not known beforehand. A number enters as its logarithm,
as features do, a text or a boolean as a category.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import copysign, expm1, log1p

from ebbtide.schemas.facts import MOST_ATTRIBUTES

PREFIX = "attributes."
"""Before the names of attributes among the contributions of a score."""

MOST_NAMES = MOST_ATTRIBUTES
"""Attributes that a model knows; those that come first in the order of learning."""

MOST_CATEGORIES = 24
"""Categories of an attribute that a model knows; later ones are one more, ``OTHER``."""

OTHER = "(other)"

Attribute = bool | float | str
Attributes = Mapping[str, Attribute]
"""By name, in any order."""

NO_ATTRIBUTES: Attributes = {}


def category(value: bool | str) -> str:
    """The category that a value which is no number stands for."""
    return value if isinstance(value, str) else "true" if value else "false"


def logarithm(value: float) -> float:
    """ln(1 + value), mirrored for negative numbers."""
    return copysign(log1p(abs(value)), value)


def number(value: float) -> float:
    """The number of a logarithm."""
    return copysign(expm1(abs(value)), value)


def told(value: Attribute) -> float | str:
    """The value as a contribution tells it: a number, or a category."""
    return category(value) if isinstance(value, bool | str) else value
