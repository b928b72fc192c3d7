"""Attributes as inputs of the champion: exact reasons, the same after a restart, bounded, and learned."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.attributes import (
    MOST_CATEGORIES,
    MOST_NAMES,
    OTHER,
    Attribute,
    Attributes,
    category,
    logarithm,
    number,
    told,
)
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import ModelError, Scorer, change_of_attributes
from ebbtide.schemas.learning import Model
from support.vectors import ATTRIBUTES, EXAMPLES, TOLD_EXAMPLES, VECTORS, unblended, without_contract

Example = tuple[tuple[float, ...], bool, float, dict[str, Attribute]]
MEAN = without_contract(1.0)


def learn(learner: Learner, examples: list[Example]) -> Learner:
    for vector, label, p_churn, attributes in examples:
        learner.learn(vector, label, p_churn, attributes)
    return learner


def wire(learner: Learner) -> bytes:
    return learner.to_model(None, "acme").to_json()


def taught(values: Sequence[tuple[Attributes, bool]]) -> Model:
    """A champion that was told nothing but attributes, without the rule."""
    learner = Learner()
    for attributes, label in values:
        learner.learn(MEAN, label, 0.5, attributes)
    return learner.to_model(None, "acme").model_copy(update={"checks": []})


def addends(model: Model, attributes: Attributes) -> dict[str, float]:
    return dict(zip(sorted(attributes), Scorer(model).score(MEAN, attributes).of_attributes, strict=True))


@settings(deadline=None)
@given(st.lists(TOLD_EXAMPLES, max_size=12), st.lists(TOLD_EXAMPLES, min_size=1, max_size=12))
def test_a_learner_that_went_through_json_is_the_one_that_never_stopped(
    before: list[Example], after: list[Example]
) -> None:
    steady = learn(Learner(), before)
    resumed = Learner.from_model(Model.from_json(wire(steady)))
    assert wire(resumed) == wire(steady)
    assert wire(learn(resumed, after)) == wire(learn(steady, after))


@settings(deadline=None)
@given(st.lists(TOLD_EXAMPLES, max_size=20), VECTORS, ATTRIBUTES)
def test_reasons_add_up(examples: list[Example], vector: tuple[float, ...], attributes: dict[str, Attribute]) -> None:
    """Also of values that the model never saw; and every model passes its own checks."""
    scored = Scorer.from_model(Model.from_json(wire(learn(Learner(), examples)))).score(vector, attributes)
    assert isfinite(scored.logit)
    assert len(scored.of_attributes) == len(attributes)
    assert abs(scored.intercept + sum(scored.contributions) + sum(scored.of_attributes) - scored.logit) <= 1e-9


@settings(deadline=None)
@given(st.lists(TOLD_EXAMPLES, min_size=1, max_size=20), VECTORS, ATTRIBUTES)
def test_the_scorer_says_what_river_says(
    examples: list[Example], vector: tuple[float, ...], attributes: dict[str, Attribute]
) -> None:
    learner = learn(Learner(), examples)
    model = unblended(learner.to_model(None, "acme"))
    assert Scorer(model).score(vector, attributes).raw_p == pytest.approx(
        learner.champion_probability(vector, attributes), abs=1e-12
    )


@settings(deadline=None)
@given(st.lists(TOLD_EXAMPLES, max_size=12), VECTORS, ATTRIBUTES)
def test_the_order_of_names_does_not_matter(
    examples: list[Example], vector: tuple[float, ...], attributes: dict[str, Attribute]
) -> None:
    def turned(attributes: dict[str, Attribute]) -> dict[str, Attribute]:
        return dict(reversed(attributes.items()))

    one = learn(Learner(), examples)
    other = learn(Learner(), [(*example[:3], turned(example[3])) for example in examples])
    assert wire(one) == wire(other)
    scorer = Scorer(one.to_model(None, "acme"))
    assert scorer.score(vector, attributes) == scorer.score(vector, turned(attributes))


@settings(deadline=None)
@given(st.lists(EXAMPLES, max_size=20), VECTORS, ATTRIBUTES)
def test_a_model_that_knows_no_attributes_does_not_ask_for_them(
    examples: list[tuple[tuple[float, ...], bool, float]],
    vector: tuple[float, ...],
    attributes: dict[str, Attribute],
) -> None:
    learner = Learner()
    for known, label, p_churn in examples:
        learner.learn(known, label, p_churn)
    scorer = Scorer.from_model(learner.to_model(None, "acme"))
    plain, scored = scorer.score(vector), scorer.score(vector, attributes)
    assert scored._replace(of_attributes=()) == plain
    assert scored.of_attributes == (0.0,) * len(attributes)


@settings(deadline=None)
@given(st.lists(TOLD_EXAMPLES, min_size=1, max_size=20), VECTORS, ATTRIBUTES, ATTRIBUTES)
def test_changes_add_up_where_attributes_come_and_go(
    examples: list[Example], vector: tuple[float, ...], before: dict[str, Attribute], after: dict[str, Attribute]
) -> None:
    scorer = Scorer(learn(Learner(), examples).to_model(None, "acme"))
    one, other = scorer.score(vector, before), scorer.score(vector, after)
    moved = change_of_attributes(
        dict(zip(sorted(before), one.of_attributes, strict=True)),
        dict(zip(sorted(after), other.of_attributes, strict=True)),
    )
    assert set(moved) == {f"attributes.{name}" for name in {*before, *after}}
    assert abs(sum(moved.values()) - (other.logit - one.logit)) <= 1e-9


def test_it_learns_what_a_contract_means() -> None:
    terms = ("month", "year", "two years")
    model = taught([({"term": terms[n % 3], "paperless": n % 2 == 0}, n % 3 == 0) for n in range(3_000)])
    found = {term: addends(model, {"term": term})["term"] for term in terms}
    assert found["month"] > 0.5
    assert max(found["year"], found["two years"]) < -0.2
    paperless = addends(model, {"paperless": True})["paperless"]
    assert abs(paperless) < 0.1
    # What is not told is as the average, and so is what nobody told.
    assert addends(model, {"term": "decade", "colour": "red", "paperless": "true"}) == {
        "term": 0.0,
        "colour": 0.0,
        "paperless": paperless,
    }


def test_it_learns_a_number_that_bends() -> None:
    """The small and the great leave; a straight line could not say so."""
    model = taught([({"size": float(2 ** (n % 9))}, n % 9 in {0, 8}) for n in range(5_400)])
    small, middle, great = (addends(model, {"size": size})["size"] for size in (1.0, 16.0, 256.0))
    assert min(small, great) > middle + 0.5


def test_the_average_customer_has_no_reasons() -> None:
    """Of a category exactly: over all that was learned its addends cancel. Who tells nothing is scored as that one."""
    told_of = [({"term": "month" if n % 5 else "year"}, n % 7 < 3) for n in range(700)]
    model = taught(told_of)
    parts = [addends(model, attributes)["term"] for attributes, _ in told_of]
    assert sum(parts) == pytest.approx(0.0, abs=1e-9)
    assert max(parts) > 0.0


def test_an_attribute_that_only_some_tell_moves_no_others() -> None:
    """Half of the customers tell no plan: the plan's part of them is nothing, in learning as in scoring."""
    model = taught([({"plan": "pro" if n % 4 else "free"} if n % 2 else {}, n % 3 == 0) for n in range(400)])
    scorer = Scorer(model)
    plain = scorer.score(MEAN)
    assert plain.of_attributes == ()
    assert scorer.score(MEAN, {"plan": "gone"}) == plain._replace(of_attributes=(0.0,))


def test_values_of_a_kind_that_was_never_told_add_nothing() -> None:
    model = taught([({"text": "x", "number": float(n % 5)}, n % 2 == 0) for n in range(50)])
    assert addends(model, {"text": 3.0, "number": "x"}) == {"number": 0.0, "text": 0.0}
    # Both at once are learned side by side.
    mixed = taught([({"seats": 10.0 if n % 2 else "many"}, n % 2 == 0) for n in range(1_000)])
    found = addends(mixed, {"seats": "many"})["seats"], addends(mixed, {"seats": 10.0})["seats"]
    assert found[0] > 0.1
    assert found[1] == pytest.approx(-found[0])


def test_a_number_that_is_always_the_same_has_no_line() -> None:
    model = taught([({"size": 7.0}, n % 2 == 0) for n in range(20)])
    weights = model.attributes["size"]
    assert (weights.scale, weights.coefficient, list(weights.bins)) == (0.0, 0.0, ["6"])
    assert addends(model, {"size": 7.0})["size"] == addends(model, {"size": 1e12})["size"]


def test_categories_are_bounded_and_later_ones_share_one() -> None:
    learner = Learner()
    for n in range(200):
        learner.learn(MEAN, n >= MOST_CATEGORIES, 0.5, {"id": f"v{n}"})
    model = learner.to_model(None, "acme")
    categories = model.attributes["id"].categories
    assert list(categories) == [*(f"v{n}" for n in range(MOST_CATEGORIES)), OTHER]
    scorer = Scorer.from_model(model)
    late, never = (scorer.score(MEAN, {"id": name}).of_attributes for name in ("v150", "never heard"))
    assert late == never == scorer.score(MEAN, {"id": OTHER}).of_attributes
    assert late > (0.0,)
    assert scorer.score(MEAN, {"id": "v0"}).of_attributes < (0.0,)
    resumed = Learner.from_model(Model.from_json(model.to_json()))
    resumed.learn(MEAN, True, 0.5, {"id": "v201"})
    assert len(resumed.to_model(None, "acme").attributes["id"].categories) == MOST_CATEGORIES + 1


def test_names_are_bounded_and_later_ones_are_not_asked_for() -> None:
    learner = Learner()
    for n in range(MOST_NAMES + 5):
        learner.learn(MEAN, n % 2 == 0, 0.5, {f"a{n:02}": "x", "z": 1.0})
    model = learner.to_model(None, "acme")
    assert len(model.attributes) == MOST_NAMES
    assert list(model.attributes)[:3] == ["a00", "z", "a01"]
    assert "a31" not in model.attributes
    assert "a30" in model.attributes
    assert Scorer.from_model(model).score(MEAN, {"a31": "x"}).of_attributes == (0.0,)


CHECKED = learn(Learner(), [(tuple(MEAN), n % 2 == 0, 0.5, {"t": f"v{n % 7}", "n": float(n)}) for n in range(60)])


def changed(name: str, **update: Any) -> Model:
    """A model of which one number is not as its maker had it."""
    model = CHECKED.to_model(None, "acme")
    weights = model.attributes[name].model_copy(update=update)
    return model.model_copy(update={"attributes": {**model.attributes, name: weights}})


def test_each_category_is_asked_for() -> None:
    model = CHECKED.to_model(None, "acme")
    assert Scorer.from_model(model).examples == 60
    table = model.attributes["t"].categories
    assert len(table) == 7 < len(model.checks) + 1
    for name, weight in table.items():
        with pytest.raises(ModelError, match="where its maker got"):
            Scorer.from_model(changed("t", categories={**table, name: weight + 0.01}))


@pytest.mark.parametrize("update", [{"coefficient": 1.0}, {"mean": 9.0}, {"scale": 0.1}, {"bins": {}}])
def test_numbers_are_asked_for(update: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="where its maker got"):
        Scorer.from_model(changed("n", **update))


@pytest.mark.parametrize(
    "attributes", [{}, {"n": 0.0}, {"n": 0.0, "t": "v0"}, {"t": "v0"}], ids=["none", "no text", "some", "no number"]
)
def test_a_model_whose_checks_do_not_ask_for_all_is_refused(attributes: dict[str, Attribute]) -> None:
    model = CHECKED.to_model(None, "acme")
    checks = [check.model_copy(update={"attributes": attributes}) for check in model.checks]
    with pytest.raises(ModelError, match="asks for some of attribute"):
        Scorer.from_model(model.model_copy(update={"checks": checks}))


@given(st.floats(-1e12, 1e12))
def test_a_logarithm_goes_back(value: float) -> None:
    assert number(logarithm(value)) == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert logarithm(-value) == -logarithm(value)


def test_values_as_they_are_told() -> None:
    assert [told(value) for value in (True, False, 1.0, "x")] == ["true", "false", 1.0, "x"]
    assert (category("true"), category(True)) == ("true", "true")
