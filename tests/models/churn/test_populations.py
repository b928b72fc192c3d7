"""Two populations: what one teaches the other does not learn, and every score still is one exact sum."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.features import NAMES, is_under_contract
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.populations import OPEN, UNDER_CONTRACT, Population, average, population
from ebbtide.models.churn.scorer import Scorer
from ebbtide.schemas.learning import Weights
from support.vectors import EXAMPLES, VECTORS, without_contract

SILENCE, CONTRACT, LEFT = (NAMES.index(name) for name in ("recency_per_cadence", "contract_days", "contract_days_left"))
WEEKS = 1_500


def customer(silent: float, *, contract: float = 0.0, left: float = 0.0) -> list[float]:
    vector = without_contract(1.0)
    vector[SILENCE], vector[CONTRACT], vector[LEFT] = silent, contract, left
    return vector


def test_silence_means_one_thing_to_the_one_and_another_to_the_other() -> None:
    """Who is silent leaves, but for those under a contract: of these leave half of those whose contract ends."""
    learner, random = Learner(), Random(5)
    for _ in range(WEEKS):
        silent = float(random.randrange(4))
        learner.learn(customer(silent), silent >= 2, 0.5)
        silent, ends = float(random.randrange(4)), random.random() < 0.5
        learner.learn(customer(silent, contract=5.9, left=2.0 if ends else 5.0), ends and random.random() < 0.5, 0.5)
    scorer = Scorer.from_model(learner.to_model(None, "acme"))
    assert scorer.score(customer(3.0)).p > 0.9
    assert scorer.score(customer(0.0)).p < 0.1
    for silent in (0.0, 3.0):
        assert scorer.score(customer(silent, contract=5.9, left=5.0)).p < 0.1
        assert scorer.score(customer(silent, contract=5.9, left=2.0)).p == pytest.approx(0.5, abs=0.2)


@settings(deadline=None)
@given(st.lists(EXAMPLES, max_size=20))
def test_what_one_population_teaches_the_other_does_not_learn(
    examples: list[tuple[tuple[float, ...], bool, float]],
) -> None:
    both, alone = Learner(), {each.name: Learner() for each in (OPEN, UNDER_CONTRACT)}
    for vector, label, p_churn in examples:
        said = both.learn(vector, label, p_churn)
        assert said == alone[population(vector).name].learn(vector, label, p_churn)
    model = both.to_model(None, "acme")
    one, other = (alone[each.name].to_model(None, "acme") for each in (OPEN, UNDER_CONTRACT))
    assert model.under_contract == other.under_contract
    for name in set(Weights.model_fields) - {"state"}:
        assert getattr(model, name) == getattr(one, name)


@settings(deadline=None)
@given(st.lists(EXAMPLES, max_size=20), VECTORS)
def test_what_a_population_does_not_go_by_adds_nothing(
    examples: list[tuple[tuple[float, ...], bool, float]], vector: tuple[float, ...]
) -> None:
    learner = Learner()
    for features, label, p_churn in examples:
        learner.learn(features, label, p_churn)
    scored = Scorer.from_model(learner.to_model(None, "acme")).score(vector)
    names = population(vector).features
    assert len(scored.contributions) == len(NAMES)
    assert all(part == 0.0 for name, part in zip(NAMES, scored.contributions, strict=True) if name not in names)
    assert abs(scored.intercept + sum(scored.contributions) - scored.logit) <= 1e-9


def test_who_has_no_contract_is_scored_by_behaviour_alone() -> None:
    assert OPEN.features == NAMES[: len(OPEN.features)]
    assert not {"contract_days", "usual_14d"} & set(OPEN.features)
    assert set(UNDER_CONTRACT.features) <= set(NAMES)
    assert "events_total" not in UNDER_CONTRACT.features


@pytest.mark.parametrize("each", [OPEN, UNDER_CONTRACT])
@pytest.mark.parametrize("deviations", [-9.0, 0.0, 2.0])
def test_an_average_customer_is_of_its_population(each: Population, deviations: float) -> None:
    names = population(customer(0.0)).features + UNDER_CONTRACT.features
    means, scales = dict.fromkeys(names, 1.0), dict.fromkeys(names, 0.5)
    vector = average(each, means, scales, deviations)
    assert population(vector) is each
    assert is_under_contract(vector) is (each is UNDER_CONTRACT)


@pytest.mark.parametrize(("label", "labels"), [(False, [1, 0]), (None, [0, 0])])
def test_who_began_anew_learns_the_correction_of_a_population_it_never_saw(
    label: bool | None, labels: list[int]
) -> None:
    learner = Learner()
    learner.learn(customer(1.0), True, 0.5)
    learner.correct(customer(1.0, contract=5.0), label, True, 0.5)
    weights = learner.to_model(None, "acme").under_contract
    assert (weights.state or {})["labels"] == labels


def test_no_count_falls_below_nothing() -> None:
    learner = Learner()
    learner.learn(customer(1.0), True, 0.5)
    learner.learn(customer(1.0, contract=5.0), False, 0.5)
    # Of the open customer it was learned; what is told of the other is of before the learner began.
    learner.correct(customer(1.0, contract=5.0), None, True, 0.5)
    weights = learner.to_model(None, "acme").under_contract
    assert (weights.state or {})["labels"] == [1, 0]
    assert weights.blend == 0.0
