"""Strategies for feature vectors, attributes and day series."""

from __future__ import annotations

from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES, NO_CONTRACT
from ebbtide.models.customer.series import DaySeries
from ebbtide.schemas.learning import Model

FINITE = st.floats(-30.0, 30.0, allow_nan=False)
VECTORS = st.lists(FINITE, min_size=len(NAMES), max_size=len(NAMES)).map(tuple)
PROBABILITIES = st.floats(0.0, 1.0)
EXAMPLES = st.tuples(VECTORS, st.booleans(), PROBABILITIES)
ATTRIBUTE_VALUES = st.booleans() | st.sampled_from(["a", "b", "true", "(other)"]) | st.floats(-1e12, 1e12)
ATTRIBUTES = st.dictionaries(st.sampled_from(["plan", "size", "a=1", "großes"]), ATTRIBUTE_VALUES, max_size=4)
TOLD_EXAMPLES = st.tuples(VECTORS, st.booleans(), PROBABILITIES, ATTRIBUTES)
"""Examples with attributes."""


def without_contract(value: float) -> list[float]:
    """A vector of a customer under no contract, the same in all features."""
    return [value] * (len(NAMES) - len(NO_CONTRACT)) + [*NO_CONTRACT]


def unblended(model: Model) -> Model:
    """The same without the rule."""
    alone = {"blend": 1.0}
    return model.model_copy(update={**alone, "under_contract": model.under_contract.model_copy(update=alone)})


@st.composite
def series(draw: st.DrawFn, min_days: int = 0) -> DaySeries:
    """Up to 40 active days within two years from day 20,000 on."""
    result = DaySeries()
    for day in draw(st.sets(st.integers(20_000, 20_730), min_size=min_days, max_size=40)):
        events = draw(st.integers(1, 1_000))
        logins = draw(st.integers(0, events))
        revenue = draw(st.integers(-(10**9), 10**12))
        result.put(day, [events, logins, events - logins, draw(st.integers(0, 5)), revenue, 0, 86_399, -1, -1])
    return result
