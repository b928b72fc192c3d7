"""Scores from numbers: refused when the numbers are not what their maker had, explained exactly when they are."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES, NO_CONTRACT
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import MODEL_PART, PARTS, ModelError, Scorer, change, named, sigmoid
from ebbtide.schemas.learning import CheckVector, Model
from support.vectors import EXAMPLES, VECTORS


def trained(count: int = 40) -> Model:
    learner = Learner()
    for number in range(count):
        vector = [((number * 7 + place * 13) % 17 + 1) / 3.0 for place in range(len(NAMES))]
        if number % 2:
            vector[-len(NO_CONTRACT) :] = NO_CONTRACT
        learner.learn(vector, number % 3 == 0, 0.4)
    return learner.to_model(None, "acme")


def without(table: dict[str, float], name: str) -> dict[str, float]:
    return {key: value for key, value in table.items() if key != name}


MODEL = trained()
CHECK = MODEL.checks[0]
UNDER = MODEL.under_contract


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        ({"coefficients": without(MODEL.coefficients, "recency")}, "other features: recency"),
        ({"means": {**MODEL.means, "shoe_size": 1.0}}, "other features: shoe_size"),
        ({"checks": []}, "no check vectors"),
        ({"checks": [CheckVector(features={"recency": 1.0}, logit=0.0)]}, "check 0 .* other features"),
        (
            {"checks": [CHECK, CHECK.model_copy(update={"logit": CHECK.logit + 1e-6}), *MODEL.checks]},
            "for check 1 where its maker got",
        ),
        ({"intercept": MODEL.intercept + 0.01, "blend": 1.0}, "for check 0"),
        ({"intercept": float("nan"), "blend": 1.0}, "gives logit nan"),
        ({"coefficients": {**MODEL.coefficients, "tenure": 9.0}}, "for check 0"),
        ({"checks": MODEL.checks[:5]}, "asks for customers under_contract"),
        ({"checks": MODEL.checks[5:]}, "asks for customers open"),
        (
            {"under_contract": UNDER.model_copy(update={"means": without(UNDER.means, "tenure")})},
            "other features: tenure",
        ),
        ({"under_contract": UNDER.model_copy(update={"intercept": UNDER.intercept + 1.0})}, "for check 5"),
    ],
)
def test_a_model_that_fails_its_checks_is_refused(update: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        Scorer.from_model(MODEL.model_copy(update=update))


def test_a_good_model_is_named() -> None:
    scorer = Scorer.from_model(MODEL)
    assert (scorer.model_version, scorer.examples) == ("champion-40", 40)


@settings(deadline=None)
@given(st.lists(EXAMPLES, max_size=20), VECTORS, VECTORS)
def test_changes_add_up(examples: list[tuple[tuple[float, ...], bool, float]], one: Any, other: Any) -> None:
    learner = Learner()
    for vector, label, p_churn in examples:
        learner.learn(vector, label, p_churn)
    before = Scorer.from_model(MODEL).score(one)
    after = Scorer.from_model(learner.to_model(None, "acme")).score(other)
    deltas = change(before.parts, after.parts)
    assert abs(sum(deltas) - (after.logit - before.logit)) <= 1e-9
    assert named(deltas)[MODEL_PART] == after.intercept - before.intercept


def test_parts_of_other_features_are_not_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        change((1.0, 2.0), Scorer.from_model(MODEL).score([0.0] * len(NAMES)).parts)


def test_parts_are_named() -> None:
    assert ("(model)", *NAMES) == PARTS


def test_the_average_customer_has_no_reasons() -> None:
    """Contributions compare with the mean: over what the model has learned from they cancel."""
    learner = Learner()
    vectors = [[((n * 7 + place * 13) % 17) / 3.0 for place in range(len(NAMES))] for n in range(400)]
    for number, vector in enumerate(vectors):
        learner.learn(vector, number % 3 == 0, 0.4)
    scorer = Scorer.from_model(learner.to_model(None, "acme"))
    for parts in zip(*(scorer.score(vector).contributions for vector in vectors), strict=True):
        assert sum(parts) / len(parts) == pytest.approx(0.0, abs=0.02)


@given(st.floats(-1000, 1000))
def test_sigmoid(logit: float) -> None:
    p = sigmoid(logit)
    assert 0.0 <= p <= 1.0
    assert p + sigmoid(-logit) == pytest.approx(1.0)
    if abs(logit) < 30:
        assert p == pytest.approx(exp(logit) / (1 + exp(logit)))
