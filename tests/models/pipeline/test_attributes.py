"""From a vendor's own facts to the score: what is told at intake decides, once labels have shown that it tells."""

from __future__ import annotations

from typing import Any

import pytest

from ebbtide.models.outputs import Output
from ebbtide.models.policy import CorePolicy, LabelPolicy, ScorePolicy
from ebbtide.schemas.learning import Model, TrainingExample
from ebbtide.schemas.score import Score
from support.raw import alerts_of, at, fact, in_account, iso, punctuation, run, track

POLICY = CorePolicy(label=LabelPolicy(horizon_days=14), score=ScorePolicy(min_change=0.0))
ACCOUNTS = 48
STOP = 42


def attributes(number: int) -> dict[str, Any]:
    return {"term": "month" if number % 2 else "year", "paid": True, "size": number}


def told(number: int, form: str) -> dict[str, Any]:
    """The CRM tells the attributes of an account, in one form or the other."""
    if form == "group":
        return {
            "type": "group",
            "userId": f"u{number}",
            "groupId": f"g{number}",
            "messageId": f"told-{number}",
            "timestamp": iso(at(0, 60)),
            "traits": {"attributes": attributes(number)},
        }
    return fact(
        "account.upserted", at(0, 60), f"told-{number}", {"group_id": f"g{number}"}, attributes=attributes(number)
    )


def book(form: str = "fact") -> list[dict[str, Any]]:
    """All use the product every third day alike; who pays by the month stops after six weeks."""
    bodies = [told(number, form) for number in range(ACCOUNTS)]
    for day in range(0, 90, 3):
        for number in range(ACCOUNTS):
            if day < STOP or number % 2 == 0:
                body = track("view", at(day, 3_600 + number), f"m{day}-{number}", user=f"u{number}")
                bodies.append(body | in_account(f"g{number}"))
    # Two who came in the end: nothing but the term tells them apart.
    for name, term in (("late month", "month"), ("late year", "year")):
        ids = {"group_id": name}
        bodies.append(fact("account.upserted", at(84, 9), f"f-{name}", ids, attributes={"term": term, "size": 20}))
        bodies.append(track("view", at(84, 10), f"m-{name}", user=name, **in_account(name)))
        bodies.append(track("view", at(87, 10), f"n-{name}", user=name, **in_account(name)))
    return [*bodies, punctuation(at(91))]


@pytest.fixture(scope="module", params=["fact", "group"])
def outputs(request: pytest.FixtureRequest) -> list[Output]:
    return run(book(request.param), at(91), POLICY)


def last_scores(outputs: list[Output]) -> dict[str, Score]:
    return {o.record.customer_id: o.record for o in outputs if isinstance(o.record, Score)}


def part(score: Score, name: str) -> float:
    return next(part.contribution for part in score.contributions if part.feature == name)


def value(score: Score, name: str) -> float | str | None:
    return next((part.value for part in score.contributions if part.feature == name), None)


def test_the_term_decides_between_two_who_do_the_same(outputs: list[Output]) -> None:
    late = [score for score in last_scores(outputs).values() if value(score, "attributes.size") == 20.0]
    by_term = {value(score, "attributes.term"): score for score in late if value(score, "attributes.paid") is None}
    month, year = by_term["month"], by_term["year"]
    assert month.p_churn is not None
    assert year.p_churn is not None
    assert month.p_churn > year.p_churn
    assert part(month, "attributes.term") > 0.0 > part(year, "attributes.term")
    features = [[part for part in one.contributions if "." not in part.feature] for one in (month, year)]
    assert features[0] == features[1]
    gap = part(month, "attributes.term") - part(year, "attributes.term")
    assert month.logit is not None
    assert year.logit is not None
    assert month.logit - year.logit == pytest.approx(gap, abs=1e-9)


def test_examples_and_models_tell_of_attributes(outputs: list[Output]) -> None:
    examples = [o.record for o in outputs if isinstance(o.record, TrainingExample)]
    assert {type(example.attributes["paid"]) for example in examples} == {bool}
    newest = [o.record for o in outputs if isinstance(o.record, Model)][-1]
    assert set(newest.attributes) == {"term", "paid", "size"}
    assert set(newest.attributes["paid"].categories) == {"true"}
    assert newest.attributes["term"].categories["month"] > newest.attributes["term"].categories["year"]
    reasons = {part.feature for alert in alerts_of(outputs) for part in alert.contributions}
    assert {"attributes.term", "attributes.size"} <= reasons


def test_a_trait_that_is_no_attribute_does_not_count() -> None:
    """Names, owners and a status that follows from the outcome say nothing to the model."""
    bodies = [
        fact(
            "account.upserted", at(0, 60), "f", {"group_id": "g"}, name="Acme", owner="mei", status="churned", plan="x"
        ),
        *(track("view", at(day), f"m{day}", **in_account("g")) for day in range(8)),
    ]
    [score, *_] = last_scores(run(bodies, at(8), POLICY)).values()
    assert not [part for part in score.contributions if part.feature.startswith("attributes.")]


@pytest.mark.parametrize(
    "body",
    [
        fact("contact.upserted", at(0, 60), "f", {"user_id": "u1"}, attributes={"level": "junior"}),
        fact("lead.upserted", at(0, 60), "f", {"user_id": "u1"}, attributes={"level": "junior"}),
        {
            "type": "identify",
            "userId": "u1",
            "messageId": "f",
            "timestamp": iso(at(0, 60)),
            "traits": {"attributes": {"level": "junior"}},
        },
    ],
    ids=["contact", "lead", "identify"],
)
def test_who_belongs_to_no_account_is_scored_by_its_own(body: dict[str, Any]) -> None:
    own, in_one = at(8), [track("view", at(day), f"m{day}") for day in range(8)]
    [score] = last_scores(run([body, *in_one], own, POLICY)).values()
    assert value(score, "attributes.level") == "junior"
    # In an account they are those of one of its people, and not its own.
    within = [one | in_account("g") for one in in_one]
    [score] = last_scores(run([body | ({} if "ids" in body else in_account("g")), *within], own, POLICY)).values()
    assert value(score, "attributes.level") is None


def test_attributes_that_are_told_late_in_time_do_not_count_before() -> None:
    """A fact of the sixth day, heard with those of the first, is no reason on the third."""
    bodies = [
        fact("account.upserted", at(5, 60), "f", {"group_id": "g"}, attributes={"plan": "pro"}),
        *(track("view", at(day), f"m{day}", **in_account("g")) for day in range(8)),
    ]
    scores = [output.record for output in run(bodies, at(8), POLICY) if isinstance(output.record, Score)]
    told = [(score.occurred_at, value(score, "attributes.plan")) for score in scores]
    assert {plan for when, plan in told if when <= at(5)} == {None}
    assert {plan for when, plan in told if when > at(5)} == {"pro"}
