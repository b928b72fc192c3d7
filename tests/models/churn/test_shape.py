"""The form of a model: what its features add along their values, and where two models differ."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.baseline import COEFFICIENTS
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import ModelError, Scorer
from ebbtide.models.churn.shape import differences, shapes
from ebbtide.schemas.learning import Model
from support.vectors import EXAMPLES

RECENCY = NAMES.index("recency")


def taught(count: int, turn: int = 4) -> Model:
    """Who was away for longer than ``turn`` leaves; nothing else tells anything."""
    learner = Learner()
    for number in range(count):
        vector = [1.0] * len(NAMES)
        vector[RECENCY] = float(number % 8)
        learner.learn(vector, number % 8 >= turn, 0.5)
    return learner.to_model(None, "acme")


def test_the_feature_that_decides_is_the_strongest_and_rises() -> None:
    strongest, *others = shapes(taught(8_000))
    assert strongest.feature == "recency"
    assert list(strongest.values) == sorted(strongest.values)
    # From 0 to 7 days, in halves of a standard deviation, which is 2.3 days.
    assert 5 <= len(strongest.values) <= 8
    assert -1.2 <= strongest.values[0] <= 1.2
    assert strongest.contributions[-1] - strongest.contributions[0] > 2.0
    assert strongest.span >= max(other.span for other in others)


def test_an_untaught_model_has_the_form_of_the_rule() -> None:
    found = shapes(Learner().to_model(None, "acme"))
    # Nothing is known of how values lie: all of them are the mean.
    assert {(len(shape.values), shape.span) for shape in found} == {(1, 0.0)}
    assert set(COEFFICIENTS) <= {shape.feature for shape in found}


def test_where_two_models_differ() -> None:
    first, second = taught(4_000), taught(4_000, turn=2)
    strongest = differences(first, second)[0]
    assert strongest.feature == "recency"
    # Between two and four days away the one says that they stay, the other that they leave.
    assert 1.0 <= strongest.value <= 4.0
    assert strongest.moved == strongest.after - strongest.before > 1.0


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=20))
def test_a_model_does_not_differ_from_itself(examples: list[tuple[tuple[float, ...], bool, float]]) -> None:
    learner = Learner()
    for vector, label, p_churn in examples:
        learner.learn(vector, label, p_churn)
    model = learner.to_model(None, "acme")
    assert all(told.moved == 0.0 for told in differences(model, model))
    scorer, means = Scorer.from_model(model), [model.means[name] for name in NAMES]
    for shape in shapes(model):
        place = NAMES.index(shape.feature)
        probe = [*means]
        probe[place] = shape.values[0]
        assert scorer.score(probe).contributions[place] == shape.contributions[0]


def test_a_model_that_fails_its_checks_has_no_form() -> None:
    broken = taught(16).model_copy(update={"checks": []})
    with pytest.raises(ModelError, match="no check vectors"):
        shapes(broken)
    with pytest.raises(ModelError, match="no check vectors"):
        differences(taught(16), broken)
