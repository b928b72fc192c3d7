"""Interests for the talk track: what a demo or a call can start from [KJ]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ebbtide.models.adoption.slope import Slope
from ebbtide.models.adoption.top_features import top_features


@dataclass(frozen=True, slots=True)
class Interests:
    """Most used modules and pages, and modules whose use grows fastest; each best first."""

    features: tuple[str, ...]
    pages: tuple[str, ...]
    rising: tuple[str, ...]


def interests(
    features: Mapping[str, int], pages: Mapping[str, int], slopes: Mapping[str, Slope | None], top: int
) -> Interests:
    """Interests from uses of modules and views of pages (names with counts), and the modules' slopes."""
    growing = sorted(
        (-found.relative, module) for module, found in slopes.items() if found is not None and found.relative > 0
    )
    return Interests(
        tuple(top_features(features, top)),
        tuple(top_features(pages, top)),
        tuple(module for _, module in growing[:top]),
    )
