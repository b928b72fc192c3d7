"""The features that a customer uses most, and the valuable ones that it does not use [SA]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def top_features(counts: Mapping[str, int], top: int) -> list[str]:
    """The ``top`` most used modules, most used first; of equals the first by name."""
    used = sorted((-count, module) for module, count in counts.items() if count > 0)
    return [module for _, module in used[:top]]


def unused_features(counts: Mapping[str, int], high_value: Iterable[str], top: int) -> list[str]:
    """The first ``top`` of the high-value modules without any use in ``counts``, in the order given, once each."""
    return [module for module in dict.fromkeys(high_value) if counts.get(module, 0) <= 0][:top]
