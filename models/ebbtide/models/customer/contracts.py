"""Decisions as contract records: the score, the alert, the training example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ebbtide.models.alerting.declarations import DECLARATIONS, play, route, wording
from ebbtide.models.alerting.lifecycle import AlertChange
from ebbtide.models.churn.features import NAMES
from ebbtide.models.churn.reasons import Reasons, why_scored
from ebbtide.models.churn.scorer import PARTS, change, change_of_attributes
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.customer.customer import Customer
from ebbtide.models.customer.decisions import Decisions, Matured, NewScore
from ebbtide.models.customer.segments import alert_policy
from ebbtide.models.customer.view import View
from ebbtide.models.customer.yearly_value import TRAITS as VALUE_TRAITS
from ebbtide.models.customer.yearly_value import YearlyValue, yearly_value_at
from ebbtide.models.outputs import Output
from ebbtide.models.policy import CorePolicy
from ebbtide.models.standing.hysteresis import StateChange
from ebbtide.schemas import state_change as contract
from ebbtide.schemas.alert import Alert, AlertCandidate, AlertKind, AlertState, Severity
from ebbtide.schemas.base import DAY_MS, Money
from ebbtide.schemas.learning import TrainingExample
from ebbtide.schemas.profile_state import Trait
from ebbtide.schemas.score import Calibration, FeatureDelta, HealthTier, Score, ScoreChange
from ebbtide.schemas.state_change import StateName
from ebbtide.schemas.topics import Topic

SOURCE_BLIND = "source_blind"
MOST_IN_ALERT = 3
"""Reasons of the score that an alert names one by one."""
_TRAITS = ("name", "owner", "service_tier", *VALUE_TRAITS)


def outputs_of(
    customer: Customer, view: View, decisions: Decisions, policy: CorePolicy, caused_ms: int | None, *, day: int
) -> Iterator[Output]:
    """Everything that was decided at the grid instant ``day`` or after it, in its order. ``caused_ms`` is when the
    input that caused it was appended."""
    key = customer.customer_id
    if decisions.blind is not None:
        yield Output(Topic.SCORES, key, blind_record(customer, decisions.blind), caused_ms=caused_ms)
    if decisions.score is not None:
        customer.scored_day = decisions.score.day
        yield Output(Topic.SCORES, key, score_record(customer, view, decisions.score), caused_ms=caused_ms)
    for alert in decisions.alerts:
        candidate = candidate_record(customer, view, alert, policy, caused_ms, day=day)
        yield Output(Topic.ALERT_CANDIDATES, key, candidate, 0, caused_ms)
    for moved in decisions.changes:
        yield Output(Topic.STATE_CHANGES, key, change_record(customer, moved), caused_ms=caused_ms)
    for matured in decisions.matured:
        example = example_record(customer, matured, policy.label.horizon_days)
        if example is not None:
            yield Output(Topic.TRAINING_EXAMPLES, key, example, 0)


def score_record(customer: Customer, view: View, new: NewScore) -> Score:
    """The published score with its exact reasons, and by how much each part moved since the version before."""
    score, previous = new.score, new.previous
    moved = None
    if previous is not None:
        parts = change((previous.intercept, *previous.contributions), (score.intercept, *score.contributions))
        deltas = dict(zip(PARTS, parts, strict=True))
        if previous.attributes or score.attributes:
            deltas |= change_of_attributes(previous.parts_of_attributes, score.parts_of_attributes)
        moved = ScoreChange.unchecked(
            from_version=previous.version,
            contributions=[FeatureDelta(name, part) for name, part in deltas.items() if part],
        )
    return Score.unchecked(
        tenant=customer.tenant,
        customer_id=customer.customer_id,
        version=score.version,
        occurred_at=from_ms(new.day * DAY_MS),
        p_churn=score.p_churn,
        tier=HealthTier(score.tier),
        model_version=score.model_version,
        intercept=score.intercept,
        contributions=view.contributions(score),
        logit=score.logit,
        calibration=Calibration.unchecked(before=new.raw_p, after=score.p_churn),
        change=moved,
        cannot_score_reason=None,
    )


def blind_record(customer: Customer, day: int) -> Score:
    """A score that says that there is none: nothing is heard of what delivers the customer's events."""
    return Score.unchecked(
        tenant=customer.tenant,
        customer_id=customer.customer_id,
        version=customer.score_version,
        occurred_at=from_ms(day * DAY_MS),
        p_churn=None,
        tier=None,
        model_version="" if customer.score is None else customer.score.model_version,
        intercept=0.0,
        contributions=[],
        logit=None,
        calibration=None,
        change=None,
        cannot_score_reason=SOURCE_BLIND,
    )


def candidate_record(
    customer: Customer, view: View, told: AlertChange, policy: CorePolicy, caused_ms: int | None, *, day: int
) -> AlertCandidate:
    """What triage decides about: the alert, and what its money is worth among others'."""
    traits = view.traits_at(customer, _TRAITS, told.at_ms)
    yearly = yearly_value_at(traits, view.series, told.at_ms // DAY_MS, policy.money)
    return AlertCandidate.unchecked(
        alert=alert_record(customer, view, told, traits, yearly, policy),
        worth=None if yearly is None else yearly.compared(policy.money),
        instant=from_ms(day * DAY_MS),
        caused_ms=caused_ms,
    )


def alert_record(
    customer: Customer,
    view: View,
    told: AlertChange,
    traits: dict[str, Trait],
    yearly: YearlyValue | None,
    policy: CorePolicy,
) -> Alert:
    """The alert as a customer success manager gets it, but for what triage adds."""
    reasons = _reasons(customer, view, told)
    tier = _text(traits, "service_tier")
    plays = alert_policy(customer, view, told.at_ms // DAY_MS, policy).plays
    customer.alert_version += 1
    score = customer.score
    return Alert.unchecked(
        alert_id=told.alert.alert_id,
        tenant=customer.tenant,
        kind=DECLARATIONS[told.type].kind,
        type=told.type,
        customer_id=customer.customer_id,
        customer_name=_text(traits, "name"),
        person_id=told.alert.person,
        state=told.state,
        severity=Severity(told.alert.severity),
        occurred_at=from_ms(told.at_ms),
        version=customer.alert_version,
        evidence=dict(told.alert.evidence),
        contributions=[] if score is None else view.reasons(score),
        p_churn=None if score is None else score.p_churn,
        confidence=told.alert.confidence,
        reasons_en=reasons.en,
        reasons_zh=reasons.zh,
        play=play(told.type, tier, plays),
        owner=_text(traits, "owner"),
        route=route(tier, told.type),
        at_stake=_at_stake(yearly),
        suppressed=None,
        resolved_reason=told.resolved_reason,
        priority=0.0,
        deliver_at=None,
        escalated_at=None,
        response=None,
    )


def _reasons(customer: Customer, view: View, told: AlertChange) -> Reasons:
    """What happened and, of a risk, why the score of the same instant says so: an older one has figures of its own."""
    reason_en, reason_zh = wording(told.type, told.alert.evidence)
    reasons = Reasons([reason_en], [reason_zh])
    score = customer.score
    if (
        score is not None
        and customer.scored_day == told.at_ms // DAY_MS
        and told.state is not AlertState.RESOLVED
        and DECLARATIONS[told.type].kind is AlertKind.RISK
    ):
        why = why_scored(score.intercept, score.logit, view.contributions(score), most=MOST_IN_ALERT)
        reasons.en.extend(why.en)
        reasons.zh.extend(why.zh)
    return reasons


def change_record(customer: Customer, moved: StateChange) -> contract.StateChange:
    """A change of state as it is told."""
    customer.state_version += 1
    return contract.StateChange.unchecked(
        tenant=customer.tenant,
        customer_id=customer.customer_id,
        version=customer.state_version,
        occurred_at=from_ms(moved.day * DAY_MS),
        state=StateName(moved.state_name),
        old=moved.old,
        new=moved.new,
        reason=moved.reason,
        evidence=dict(moved.evidence),
    )


def example_record(customer: Customer, matured: Matured, horizon_days: int) -> TrainingExample | None:
    """The example for the learner; None where the outcome is censored, and always was."""
    churned, previous = matured.label.churned, matured.previous
    if churned is None and previous is None:
        return None
    observation = matured.observation
    # A correction was not known when the label was due: whoever learned through an earlier instant must not have it.
    known_day = matured.day if matured.revision else observation.day + horizon_days
    return TrainingExample.unchecked(
        tenant=customer.tenant,
        customer_id=customer.customer_id,
        observed_at=from_ms(observation.day * DAY_MS),
        matured_at=from_ms(known_day * DAY_MS),
        horizon_days=horizon_days,
        features=dict(zip(NAMES, matured.features, strict=True)),
        attributes=dict(observation.attributes),
        p_churn=observation.p_churn,
        model_version=observation.model_version,
        label=churned,
        label_reason=matured.label.reason,
        revision=matured.revision,
        previous_label=previous,
    )


def _text(traits: dict[str, Any], name: str) -> str | None:
    trait = traits.get(name)
    return str(trait[0]) if trait else None


def _at_stake(yearly: YearlyValue | None) -> Money | None:
    """A year of the customer's money, as it is."""
    if yearly is None or yearly.currency is None:
        return None
    return Money.unchecked(amount=round(yearly.amount, 2), currency=yearly.currency)
