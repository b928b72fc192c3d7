"""A declared number of a customer: what the field dictionary says about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Declared:
    """One entry of the field dictionary. ``source`` is where the definition comes from: SA, KJ, FX, CRM or DTC."""

    name: str
    meaning: str
    unit: str
    window: str
    source: str
