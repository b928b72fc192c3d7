"""The ledger of frozen predictions: which of a customer's wait for their outcome, and what became of the others.

One whose label was due stays for a while: a renewal that the CRM closes late, a customer won back, or the reason of a
churn may give it another label.
"""

from __future__ import annotations

from ebbtide.models.churn.labels import LabelKind, Renewal, label, matures_on
from ebbtide.models.customer.customer import Customer, Observation
from ebbtide.models.customer.decisions import Matured
from ebbtide.models.customer.view import View
from ebbtide.models.policy import LabelPolicy
from ebbtide.models.standing.contracts import RENEWED, SIGNED, renewal_outcome
from ebbtide.models.standing.history import History
from ebbtide.schemas.base import DAY_MS


def take_matured(customer: Customer, view: View, day: int, policy: LabelPolicy) -> list[Matured]:
    """The predictions whose label is due by grid instant ``day``, and those whose label is another now; oldest first.

    Nobody is told of a correction of a label that was told ``correction_days`` after it was due: by then it is gone.
    """
    matured: list[Matured] = []
    kept: list[Observation] = []
    outcomes: list[Renewal] | None = None
    for observation in customer.observations:
        due_day = matures_on(observation.day, policy.horizon_days)
        if due_day > day:
            kept.append(observation)
            continue
        if outcomes is None:
            outcomes = renewals(customer, view.history(customer), day)
        found = label(
            LabelKind(policy.kind),
            view.series,
            outcomes,
            observation.day,
            day,
            policy.horizon_days,
            excluded=policy.excluded_reasons,
        )
        revision, previous = observation.revision, observation.churned
        if revision is None or found.churned is not previous:
            observation.revision = 0 if revision is None else revision + 1
            observation.churned = found.churned
            matured.append(Matured(observation, found, day, observation.revision, previous))
        if due_day + policy.correction_days > day:
            kept.append(observation)
    customer.observations = kept
    return matured


def renewals(customer: Customer, history: History, day: int) -> list[Renewal]:
    """What became of the customer's contracts before grid day ``day``, by the CRM and by feedback."""
    known = history.before(day, SIGNED, RENEWED)
    return [
        *(
            Renewal(fact.at_ms, fact.type if fact.type == SIGNED else renewal_outcome(fact), fact.text("reason"))
            for fact in known
        ),
        *(told for told in customer.feedback.values() if told.at_ms < day * DAY_MS),
    ]
