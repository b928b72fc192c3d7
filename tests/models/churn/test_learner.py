"""The champion: reproducible, resumable, and published as numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES, is_under_contract
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import ModelError, Scorer, sigmoid
from ebbtide.schemas.learning import Model, ModelRole
from support.vectors import EXAMPLES, VECTORS, unblended, without_contract

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
    plain = {"calibration_slope": 1.0, "calibration_intercept": 0.0}
    under_contract = model.under_contract.model_copy(update=plain)
    said = Scorer(model.model_copy(update={**plain, "under_contract": under_contract})).score(vector)
    scored = Scorer(model).score(vector)
    told = model.under_contract if is_under_contract(vector) else model
    # Of what it was certain of, to the last bit, calibration learns nothing.
    assume((told.calibration_slope, told.calibration_intercept) != (1.0, 0.0))
    assert scored.logit == pytest.approx(told.calibration_slope * said.logit + told.calibration_intercept, abs=1e-9)
    assert scored.raw_p == pytest.approx(said.p, abs=1e-12)
    for after, before in zip(scored.contributions, said.contributions, strict=True):
        assert after == pytest.approx(told.calibration_slope * before, abs=1e-9)


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=30), VECTORS)
def test_the_scorer_says_what_river_says(examples: list[Example], vector: tuple[float, ...]) -> None:
    learner = learn(Learner(), examples)
    model = unblended(learner.to_model(None, "acme"))
    assert Scorer(model).score(vector).raw_p == pytest.approx(learner.champion_probability(vector), abs=1e-12)


def test_it_learns_what_silence_means() -> None:
    learner = Learner()
    recency = NAMES.index("recency")
    for number in range(4_000):
        vector = without_contract(0.0)
        vector[recency] = float(number % 7)
        learner.learn(vector, number % 7 >= 4, 0.5)
    scorer = Scorer.from_model(learner.to_model(None, "acme"))
    risks = []
    for value in range(7):
        vector = without_contract(0.0)
        vector[recency] = float(value)
        risks.append(scorer.score(vector).p)
    assert max(risks[:4]) < 0.35
    assert min(risks[4:]) > 0.65


def test_a_new_learner_publishes_the_baseline() -> None:
    model = Learner().to_model(None, "acme")
    assert (model.role, model.model_version, model.examples, model.blend) == (ModelRole.BASELINE, "champion-0", 0, 0.0)
    assert model.metrics["prequential_auc"] is None


def test_a_model_carries_its_quality_and_its_past() -> None:
    learner = learn(Learner(), [(tuple(without_contract(1.0)), True, 0.8), (tuple(without_contract(2.0)), False, 0.1)])
    model = learner.to_model(datetime(2025, 1, 6, tzinfo=UTC), "acme")
    assert (model.role, model.model_version, model.examples) == (ModelRole.CHAMPION, "champion-2", 2)
    assert model.metrics["prequential_auc"] == 1.0
    assert model.metrics["baseline_auc"] == 0.0
    assert model.trained_through == datetime(2025, 1, 6, tzinfo=UTC)
    # Five for each population.
    assert len(model.checks) == 10


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


Correction = tuple[int, bool | None]


def corrected(learner: Learner, examples: list[Example], corrections: list[Correction]) -> dict[int, bool | None]:
    """Correct some of the examples that were learned; returns the labels that hold then."""
    held: dict[int, bool | None] = {place: label for place, (_, label, _) in enumerate(examples)}
    for number, label in corrections:
        place = number % len(examples)
        vector, _, p_churn = examples[place]
        previous = held[place]
        if previous is not None:
            learner.correct(vector, label, previous, p_churn)
        elif label is not None:
            learner.learn(vector, label, p_churn)
        held[place] = label
    return held


CORRECTIONS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([True, False, None])), max_size=8)


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=12), CORRECTIONS)
def test_quality_is_that_of_the_labels_that_hold(examples: list[Example], corrections: list[Correction]) -> None:
    learner = learn(Learner(), examples)
    held = corrected(learner, examples, corrections)
    right = [(vector, held[n], p) for n, (vector, _, p) in enumerate(examples) if held[n] is not None]
    expected = learn(Learner(), [(vector, bool(label), p) for vector, label, p in right])
    assert learner.examples == len(right)
    for name in ("quality", "baseline_quality"):
        found, wanted = getattr(learner, name), getattr(expected, name)
        for field in (
            "examples",
            "churned",
            "churned_by_bucket",
            "stayed_by_bucket",
            "tier_examples",
            "tier_churned",
        ):
            assert getattr(found, field) == getattr(wanted, field)
        assert found.log_loss_sum == pytest.approx(wanted.log_loss_sum, abs=1e-9)
        assert found.brier_sum == pytest.approx(wanted.brier_sum, abs=1e-9)


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=12), CORRECTIONS, CORRECTIONS)
def test_corrections_are_taken_up_where_a_learner_stopped(
    examples: list[Example], before: list[Correction], after: list[Correction]
) -> None:
    steady = learn(Learner(), examples)
    held = corrected(steady, examples, before)
    resumed = Learner.from_model(Model.from_json(wire(steady)))
    known = [(vector, label if (now := held[n]) is None else now, p) for n, (vector, label, p) in enumerate(examples)]
    for learner in (steady, resumed):
        corrected(learner, known, after)
    assert wire(resumed) == wire(steady)


@settings(deadline=None)
@given(st.lists(EXAMPLES, min_size=1, max_size=12), CORRECTIONS, VECTORS)
def test_no_version_is_given_twice_and_every_one_scores(
    examples: list[Example], corrections: list[Correction], vector: tuple[float, ...]
) -> None:
    known: dict[str, bytes] = {}
    for count in range(len(corrections) + 1):
        learner = learn(Learner(), examples)
        corrected(learner, examples, corrections[:count])
        model = learner.to_model(None, "acme")
        assert known.setdefault(model.model_version, model.to_json()) == model.to_json()
        scored = Scorer.from_model(model).score(vector)
        assert abs(scored.intercept + sum(scored.contributions) - scored.logit) <= 1e-9


def test_a_correction_moves_the_score_towards_the_label_that_holds() -> None:
    vector = tuple(without_contract(1.0))
    learner = learn(Learner(), [(vector, False, 0.3), (tuple(without_contract(2.0)), True, 0.3)] * 20)
    before = learner.champion_probability(vector)
    learner.correct(vector, True, False, 0.3)
    assert learner.champion_probability(vector) > before
    assert (learner.examples, learner.quality.churned, learner.lessons) == (40, 21, 41)


def test_a_label_that_is_withdrawn_moves_no_score() -> None:
    vector = tuple(without_contract(1.0))
    learner = learn(Learner(), [(vector, False, 0.3), (vector, True, 0.3)])
    before = learner.champion_probability(vector)
    learner.correct(vector, None, False, 0.3)
    assert learner.champion_probability(vector) == before
    assert (learner.examples, learner.quality.churned) == (1, 1)
    assert learner.to_model(None, "acme").model_version == "champion-3"


@pytest.mark.parametrize("label", [True, None])
def test_who_began_anew_learns_a_correction_as_any_example(label: bool | None) -> None:
    vector, anew, taught = tuple(without_contract(1.0)), Learner(), Learner()
    anew.correct(vector, label, False, 0.3)
    if label is not None:
        taught.learn(vector, label, 0.3)
    assert wire(anew) == wire(taught)
