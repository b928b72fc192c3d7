"""What a vendor tells of its customers: whose it is, since when it counts, and what becomes of it in a score."""

from __future__ import annotations

from itertools import permutations
from math import fsum
from typing import Any

import pytest

from ebbtide.models.churn.labels import Label, LabelReason
from ebbtide.models.churn.learner import Learner
from ebbtide.models.churn.scorer import Scorer
from ebbtide.models.customer.contracts import example_record, outputs_of
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.decisions import Matured
from ebbtide.models.customer.evaluation import Evaluator
from ebbtide.models.customer.packed import decode, encode
from ebbtide.models.customer.view import View, fold
from ebbtide.models.policy import CorePolicy, ScorePolicy
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import ProfileState, Trait
from ebbtide.schemas.score import Score
from support.customers import bucket
from support.raw import DAY_0
from support.vectors import without_contract

DAY_MS = 86_400_000
ACME = Identifier(IdentifierType.GROUP_ID, "acme")
JANE = Identifier(IdentifierType.USER_ID, "jane")
POLICY = CorePolicy(score=ScorePolicy(min_change=0.0))


def told(profile: str, version: int, trait: str, day: float, **attributes: Any) -> ProfileState:
    """A profile of Acme that knows attributes since a day; it was active on day 0 and 1."""
    return ProfileState(
        tenant="t",
        customer_id="c",
        anchor=ACME,
        profile_id=profile,
        subject=ACME,
        version=version,
        days={DAY_0 + active: bucket(3) for active in (0, 1)},
        totals=[6, 0, 0, 0, 0, 0],
        traits={trait: [Trait(attributes, int((DAY_0 + day) * DAY_MS), version, "crm")]},
        arrived_ms=0,
    )


def customer_of(anchor: Identifier, *records: ProfileState) -> tuple[Customer, View]:
    customer = Customer("c", "t", anchor.type, anchor.value)
    view = View(customer)
    for record in records:
        fold(customer, view, record)
    return customer, view


def at(customer: Customer, view: View, day: float) -> dict[str, Any]:
    return dict(view.attributes_at(customer, int((DAY_0 + day) * DAY_MS)))


RECORDS = (
    told("p1", 1, "attributes", 2, plan="free", seats=5.0),
    told("p2", 2, "attributes", 9, plan="pro"),
    told("p3", 3, "attributes", 5),
)


@pytest.mark.parametrize("records", list(permutations(RECORDS)))
def test_what_was_told_last_counts_as_a_whole(records: tuple[ProfileState, ...]) -> None:
    customer, view = customer_of(ACME, *records)
    assert at(customer, view, 1.9) == {}
    assert at(customer, view, 2) == {"plan": "free", "seats": 5.0}
    assert at(customer, view, 5) == {}
    assert at(customer, view, 9) == {"plan": "pro"}


def test_an_account_has_its_own_and_a_person_those_of_the_contact() -> None:
    records = told("p1", 1, "attributes", 2, plan="free"), told("p2", 1, "person_attributes", 3, level="junior")
    account, view = customer_of(ACME, *records)
    assert at(account, view, 9) == {"plan": "free"}
    # Nobody asks an account for those of its people.
    assert [list(share.traits) for share in account.shares.values()] == [["attributes"], []]
    person, view = customer_of(JANE, *records)
    assert at(person, view, 9) == {"level": "junior"}


def scorer() -> Scorer:
    """Who is on the free plan leaves."""
    learner = Learner()
    for n in range(4_000):
        learner.learn(without_contract(1.0), n % 2 == 0, 0.5, {"plan": "free" if n % 2 == 0 else "pro", "seats": n % 7})
    return Scorer.from_model(learner.to_model(None, "t"))


def settled(customer: Customer, view: View, day: int, scorer: Scorer) -> Score:
    decisions = Evaluator(POLICY).settle(customer, view, DAY_0 + day, scorer)
    outputs = outputs_of(customer, view, decisions, POLICY, None, day=DAY_0 + day)
    [score] = [output.record for output in outputs if isinstance(output.record, Score)]
    assert score.logit is not None
    assert fsum([score.intercept, *(part.contribution for part in score.contributions)]) == pytest.approx(
        score.logit, abs=1e-9
    )
    return score


def test_scores_before_and_after_an_attribute_came_and_went_add_up() -> None:
    model = scorer()
    customer, view = customer_of(
        ACME,
        told("p1", 1, "attributes", 7.5, plan="free", seats=3.0, paid=True),
        told("p2", 2, "attributes", 14.5, plan="pro"),
        told("p3", 3, "attributes", 21.5),
    )
    said = []
    for day in (7, 14, 21, 28):
        score = settled(customer, view, day, model)
        said.append(score)
        if score.change is not None:
            before = said[-2].logit
            assert before is not None
            assert score.logit is not None
            moved = fsum(part.contribution for part in score.change.contributions)
            assert moved == pytest.approx(score.logit - before, abs=1e-9)
        # A restart in between changes nothing.
        customer = decode(encode(customer))
        view = View(customer)
    own = [
        [(part.feature, part.value) for part in score.contributions if part.feature.startswith("attributes.")]
        for score in said
    ]
    assert own == [
        [],
        [("attributes.paid", "true"), ("attributes.plan", "free"), ("attributes.seats", 3.0)],
        [("attributes.plan", "pro")],
        [],
    ]
    chances = [score.p_churn or 0.0 for score in said]
    assert chances[1] > chances[0] + 0.1 > chances[2] + 0.2
    assert said[1].change is not None
    moved_names = {part.feature for part in said[1].change.contributions}
    # What the model does not know adds nothing.
    assert "attributes.plan" in moved_names
    assert "attributes.paid" not in moved_names
    assert said[3].change is not None
    assert "attributes.plan" in {part.feature for part in said[3].change.contributions}


def test_a_prediction_keeps_the_attributes_of_its_instant() -> None:
    model = scorer()
    customer, view = customer_of(
        ACME, told("p1", 1, "attributes", 2, plan="free", paid=True), told("p2", 2, "attributes", 8, plan="pro")
    )
    settled(customer, view, 7, model)
    settled(customer, view, 14, model)
    examples = [
        example_record(customer, Matured(observation, Label(True, LabelReason.INACTIVE), DAY_0 + 99), 85)
        for observation in customer.observations
    ]
    assert [example and example.attributes for example in examples] == [{"plan": "free", "paid": True}, {"plan": "pro"}]


def test_two_predictions_with_the_same_attributes_hold_one_object() -> None:
    model = scorer()
    customer, view = customer_of(ACME, told("p1", 1, "attributes", 2, plan="free"))
    settled(customer, view, 7, model)
    settled(customer, view, 14, model)
    one, other = customer.observations
    assert one.attributes is other.attributes
    resumed = decode(encode(customer)).observations
    assert resumed[0].attributes is resumed[1].attributes
