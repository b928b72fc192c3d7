"""Breadth: how much of the product is used [KJ]."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def breadth(counts: Mapping[str, int], available: Collection[str]) -> float | None:
    """Distinct modules used over modules available, 0..1; None where none is available.

    ``counts`` are uses by module over the window. A module that is not on sale (any more) does not count.
    """
    modules = set(available)
    if not modules:
        return None
    return sum(counts.get(module, 0) > 0 for module in modules) / len(modules)
