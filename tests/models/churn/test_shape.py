"""The form of a model: what its features add along their values, and where two models differ."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebbtide.models.churn.baseline import COEFFICIENTS
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.populations import LEAST_CONTRACT, average
from ebbtide.models.churn.scorer import ModelError, Scorer, by_population
from ebbtide.models.churn.shape import UNDER, Shape, differences, shapes
from ebbtide.schemas.learning import Model
from support.vectors import EXAMPLES, without_contract

RECENCY = NAMES.index("recency")


def taught(count: int, turn: int = 4) -> Model:
    """Who was away for longer than ``turn`` leaves; nothing else tells anything."""
    learner = Learner()
    for number in range(count):
        vector = without_contract(1.0)
        vector[RECENCY] = float(number % 8)
        learner.learn(vector, number % 8 >= turn, 0.5)
    return learner.to_model(None, "acme")


def numbers(shape: Shape) -> list[float]:
    return [value for value in shape.values if isinstance(value, float)]


def told(count: int, *, upside_down: bool = False, **more: float | str) -> Model:
    """Who pays by the month leaves, and who is small; nothing else tells anything."""
    learner = Learner()
    for number in range(count):
        monthly, small = number % 2 == 0, number % 8 < 4
        size = 5.0 if small else 2_000.0
        attributes = {"term": "month" if monthly else "year", "size": size, **more}
        learner.learn(without_contract(1.0), (monthly and small) is not upside_down, 0.5, attributes)
    return learner.to_model(None, "acme")


def test_attributes_have_a_form_too() -> None:
    found = {shape.feature: shape for shape in shapes(told(4_000, mixed="x"))}
    term, size = found["attributes.term"], found["attributes.size"]
    # Categories by what they add, numbers as the vendor tells them: the middles of the bins that were seen.
    assert term.values == ("year", "month")
    assert term.contributions == tuple(sorted(term.contributions))
    assert size.contributions[0] > 0.0 > size.contributions[-1]
    sizes = numbers(size)
    assert sizes == sorted(sizes)
    assert 1.0 < sizes[0] < 30.0
    assert sizes[-1] > 500.0
    assert (found["attributes.mixed"].values, found["attributes.mixed"].span) == (("x",), 0.0)
    assert min(term.span, size.span) > max(shape.span for name, shape in found.items() if name in NAMES)


def test_numbers_of_an_attribute_come_before_its_texts() -> None:
    learner = Learner()
    for number in range(40):
        size: float | str = 3.0 if number % 2 else "unknown"
        learner.learn(without_contract(1.0), number % 2 == 0, 0.5, {"size": size})
    strongest = shapes(learner.to_model(None, "acme"))[0]
    size, unknown = strongest.values
    assert size == pytest.approx(3.0)
    assert unknown == "unknown"
    assert strongest.contributions[0] < 0.0 < strongest.contributions[1]


def test_where_two_models_differ_in_attributes() -> None:
    one, other = told(2_000, tier="gold"), told(2_000, upside_down=True, region="EMEA")
    found = {difference.feature: difference for difference in differences(one, other)}
    assert found["attributes.term"].value in {"month", "year"}
    assert abs(found["attributes.term"].moved) > 0.5
    # Each of these only one of the models knows; it tells nothing there, as all have it.
    assert (found["attributes.tier"].value, found["attributes.tier"].moved) == ("gold", 0.0)
    assert (found["attributes.region"].value, found["attributes.region"].moved) == ("EMEA", 0.0)
    assert all(moved.moved == 0.0 for moved in differences(one, one))


def test_the_feature_that_decides_is_the_strongest_and_rises() -> None:
    strongest, *others = shapes(taught(8_000))
    assert strongest.feature == "recency"
    values = numbers(strongest)
    assert values == sorted(values)
    # From 0 to 7 days, in halves of a standard deviation, which is 2.3 days.
    assert 5 <= len(values) <= 8
    assert -1.2 <= values[0] <= 1.2
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
    assert isinstance(strongest.value, float)
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
    scorer = Scorer.from_model(model)
    means = {each.name: average(each, told.means, told.scales, 0.0) for each, told in by_population(model)}
    for shape in shapes(model):
        place = NAMES.index(shape.feature.removeprefix(UNDER))
        probe = [*means["under_contract" if shape.feature.startswith(UNDER) else "open"]]
        probe[place] = numbers(shape)[0]
        if shape.feature == UNDER + "contract_days":
            probe[place] = max(probe[place], LEAST_CONTRACT)
        assert scorer.score(probe).contributions[place] == shape.contributions[0]


def test_a_model_that_fails_its_checks_has_no_form() -> None:
    broken = taught(16).model_copy(update={"checks": []})
    with pytest.raises(ModelError, match="no check vectors"):
        shapes(broken)
    with pytest.raises(ModelError, match="no check vectors"):
        differences(taught(16), broken)
