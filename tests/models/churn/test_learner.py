"""The champion: reproducible, resumable, and published as numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import ModelError, Scorer, sigmoid
from ebbtide.schemas.learning import Model, ModelRole
from support.vectors import EXAMPLES, VECTORS

Example = tuple[tuple[float, ...], bool, float]


def learn(learner: Learner, examples: list[Example]) -> Learner:
    for vector, label, p_churn in examples:
        learner.learn(vector, label, p_churn)
    return learner


def wire(learner: Learner) -> bytes:
    return learner.to_model(datetime(2025, 1, 6, tzinfo=UTC), "acme").to_json()


@settings(deadline=None)
@given(st.lists(EXAMPLES, max_size=12), st.lists(EXAMPLES, min_size=1, max_size=12))
def test_a_learner_that_went_through_json_is_the_one_that_never_stopped(
    before: list[Example], after: list[Example]
) -> None:
    steady = learn(Learner(), before)
    resumed = Learner.from_model(Model.from_json(wire(steady)))
    assert wire(resumed) == wire(steady)
    assert wire(learn(resumed, after)) == wire(learn(steady, after))


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=2, max_size=12).flatmap(lambda e: st.tuples(st.just(e), st.permutations(e))))
def test_the_order_of_arrival_within_a_tick_does_not_matter(arrivals: tuple[list[Example], list[Example]]) -> None:
    """The stage sorts a tick's examples before it learns them."""
    one, other = arrivals
    assert wire(learn(Learner(), sorted(one))) == wire(learn(Learner(), sorted(other)))


@settings(deadline=None)
@given(st.lists(EXAMPLES, max_size=30), VECTORS)
def test_every_model_scores_with_exact_reasons(examples: list[Example], vector: tuple[float, ...]) -> None:
    scored = Scorer.from_model(Model.from_json(wire(learn(Learner(), examples)))).score(vector)
    assert isfinite(scored.logit)
    assert abs(scored.intercept + sum(scored.contributions) - scored.logit) <= 1e-9
    assert scored.p == sigmoid(scored.logit)


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=30), VECTORS)
def test_what_is_published_is_what_was_said_after_calibration(
    examples: list[Example], vector: tuple[float, ...]
) -> None:
    """Calibration takes part in the reasons: stretched by its slope, they still add up."""
    model = learn(Learner(), examples).to_model(None, "acme")
    said = Scorer(model.model_copy(update={"calibration_slope": 1.0, "calibration_intercept": 0.0})).score(vector)
    scored = Scorer(model).score(vector)
    assert (model.calibration_slope, model.calibration_intercept) != (1.0, 0.0)
    assert scored.logit == pytest.approx(model.calibration_slope * said.logit + model.calibration_intercept, abs=1e-9)
    assert scored.raw_p == pytest.approx(said.p, abs=1e-12)
    for after, before in zip(scored.contributions, said.contributions, strict=True):
        assert after == pytest.approx(model.calibration_slope * before, abs=1e-9)


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=30), VECTORS)
def test_the_scorer_says_what_river_says(examples: list[Example], vector: tuple[float, ...]) -> None:
    learner = learn(Learner(), examples)
    model = learner.to_model(None, "acme").model_copy(update={"blend": 1.0})
    assert Scorer(model).score(vector).raw_p == pytest.approx(learner.champion_probability(vector), abs=1e-12)


def test_it_learns_what_silence_means() -> None:
    learner = Learner()
    recency = NAMES.index("recency")
    for number in range(4_000):
        vector = [0.0] * len(NAMES)
        vector[recency] = float(number % 7)
        learner.learn(vector, number % 7 >= 4, 0.5)
    scorer = Scorer.from_model(learner.to_model(None, "acme"))
    risks = []
    for value in range(7):
        vector = [0.0] * len(NAMES)
        vector[recency] = float(value)
        risks.append(scorer.score(vector).p)
    assert max(risks[:4]) < 0.35
    assert min(risks[4:]) > 0.65


def test_a_new_learner_publishes_the_baseline() -> None:
    model = Learner().to_model(None, "acme")
    assert (model.role, model.model_version, model.examples, model.blend) == (ModelRole.BASELINE, "champion-0", 0, 0.0)
    assert model.metrics["prequential_auc"] is None


def test_a_model_carries_its_quality_and_its_past() -> None:
    learner = learn(Learner(), [((1.0,) * len(NAMES), True, 0.8), ((2.0,) * len(NAMES), False, 0.1)])
    model = learner.to_model(datetime(2025, 1, 6, tzinfo=UTC), "acme")
    assert (model.role, model.model_version, model.examples) == (ModelRole.CHAMPION, "champion-2", 2)
    assert model.metrics["prequential_auc"] == 1.0
    assert model.metrics["baseline_auc"] == 0.0
    assert model.trained_through == datetime(2025, 1, 6, tzinfo=UTC)
    assert len(model.checks) == 5


def test_a_model_without_state_cannot_learn_on() -> None:
    model = Learner().to_model(None, "acme").model_copy(update={"state": None})
    with pytest.raises(ModelError, match="carries no learner state"):
        Learner.from_model(model)


def test_a_model_of_other_features_cannot_learn_on() -> None:
    model = Learner().to_model(None, "acme").model_copy(update={"means": {"shoe_size": 1.0}})
    with pytest.raises(ModelError, match="other features"):
        Learner.from_model(model)


def test_a_vector_of_another_length_is_a_bug() -> None:
    with pytest.raises(ValueError, match="zip"):
        Learner().learn((1.0, 2.0), True, 0.5)
