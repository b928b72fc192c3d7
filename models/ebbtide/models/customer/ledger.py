"""The ledger of frozen predictions: which of a customer's wait for their outcome, and what became of the others."""

from __future__ import annotations

from ebbtide.models.churn.labels import LabelKind, Renewal, label, matures_on
from ebbtide.models.customer.customer import Customer, Observation
from ebbtide.models.customer.decisions import Matured
from ebbtide.models.customer.view import View
from ebbtide.models.policy import LabelPolicy
from ebbtide.models.standing.contracts import RENEWED, SIGNED, renewal_outcome
from ebbtide.models.standing.history import History


def take_matured(customer: Customer, view: View, day: int, policy: LabelPolicy) -> list[Matured]:
    """Take out the predictions whose outcome can be known at grid instant ``day``, each with it, oldest first."""
    matured: list[Matured] = []
    waiting: list[Observation] = []
    for observation in customer.observations:
        if matures_on(observation.day, policy.horizon_days) > day:
            waiting.append(observation)
            continue
        # Mostly there is one, or none.
        outcome = label(
            LabelKind(policy.kind),
            view.series,
            renewals(view.history(customer), day),
            observation.day,
            day,
            policy.horizon_days,
            excluded=policy.excluded_reasons,
        )
        matured.append(Matured(observation, outcome, day))
    customer.observations = waiting
    return matured


def renewals(history: History, day: int) -> list[Renewal] | None:
    """What became of the customer's contracts before grid day ``day``; None for one that had none by then."""
    known = history.before(day, SIGNED, RENEWED)
    return [
        Renewal(fact.at_ms, fact.type if fact.type == SIGNED else renewal_outcome(fact), fact.text("reason"))
        for fact in known
    ] or None
