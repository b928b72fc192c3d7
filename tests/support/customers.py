"""A customer made by hand: an account with three people, a history, a score and alerts. Day 0 is Monday, 2025-01-06."""

from __future__ import annotations

from array import array
from math import log1p
from typing import Any

from ebbtide.models.alerting.lifecycle import OpenAlert
from ebbtide.models.churn.features import NAMES
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.customer import Customer, Published
from ebbtide.models.customer.series import WIDTH, Bucket
from ebbtide.models.customer.share import Share
from ebbtide.models.identity.identifiers import canonical_id
from ebbtide.models.standing.hysteresis import Held
from ebbtide.schemas.events import Identifier, IdentifierType
from ebbtide.schemas.profile_state import MACHINE, Trait
from support.raw import DAY_0

DAY_MS = 86_400_000
SETTLED = 210
"""The day that is settled: Monday, 2025-08-04."""


def bucket(
    events: int = 1, *, logins: int = 0, queries: int = 0, orders: int = 0, revenue: float = 0, second: int = 43_200
) -> Bucket:
    """A day's numbers; all at one second of the day, noon if none is said."""
    login = second if logins else -1
    made = [events, logins, queries, orders, round(revenue * 1_000_000), second, second, login, login]
    assert len(made) == WIDTH
    return made


def share(identifier: str, days: dict[int, Bucket], **fields: object) -> Share:
    """A profile's part, with totals that fit its days; ``traits`` are from the CRM, of day 1."""
    kind, _, value = identifier.partition("/")
    traits = fields.pop("traits", {})
    assert isinstance(traits, dict)
    made = Share(kind, value, **fields)  # type: ignore[arg-type]
    made.days = {DAY_0 + day: numbers for day, numbers in days.items()}
    made.totals = [sum(numbers[place] for numbers in days.values()) for place in range(5)] + [0]
    made.traits = {name: [Trait(told, (DAY_0 + 1) * DAY_MS, 7, "crm")] for name, told in traits.items()}
    return made


def customer(anchor: str, **shares: Share) -> Customer:
    """A customer of these profiles, settled on day ``SETTLED``."""
    kind, _, value = anchor.partition("/")
    owner = canonical_id("default", Identifier(IdentifierType(kind), value))
    return Customer(owner, "default", kind, value, dict(shares), settled_day=DAY_0 + SETTLED, sequence=12)


def acme() -> Customer:
    """Acme: Jane works every weekday and stopped on Wednesday, 2025-07-30; Raj twice; Zoe is known from the CRM only.

    A browser counts for it by the domain of an e-mail. The CRM's account sent renewals and a survey.
    """
    weekdays = [day for day in range(90, 206) if day % 7 < 5]
    jane = share(
        "user_id/jane",
        {day: bucket(4, logins=1, queries=2) for day in weekdays},
        traits={"person_name": "Jane Doe", "role": "key_person"},
    )
    jane.uses = {DAY_0 + day: {"dashboards": 3, "reports": 1} for day in weekdays if day >= 182}
    jane.uses |= {DAY_0 + day: {"dashboards": 15, "exports": 5} for day in range(147, 182, 7)}
    jane.uses_from = DAY_0 + 182
    jane.sources = {DAY_0 + day: ["web"] for day in weekdays if day >= 182}
    raj = share("user_id/raj", {193: bucket(5, orders=1, revenue=20), 205: bucket(1)}, traits={"title": "analyst"})
    raj.uses = {DAY_0 + 193: {"reports": 5, MACHINE: 9}}
    raj.sources = {DAY_0 + 193: ["web", "app"], DAY_0 + 205: ["web"]}
    zoe = share("crm_contact_id/003", {}, traits={"person_name": "Zoe\x1b[31m", "role": "admin"})
    browser = share("anonymous_id/b-1", {100: bucket(3)}, by_domain=True)
    gone = share("user_id/gone", {}, detached=True, traits={"person_name": "Gone"})
    crm = share(
        "group_id/acme",
        {},
        traits={
            "name": "Acme Ltd",
            "owner": "csm-raj",
            "service_tier": "strategic",
            "region": "EMEA",
            "seats": 10,
            "contract_value": 12_000,
            "contract_end": "2025-09-30T00:00:00Z",
        },
    )
    crm.outcomes = {
        "f-1": ("contract.signed", (DAY_0 + 1) * DAY_MS, {"value": 12_000, "end": "2025-09-30T00:00:00Z"}),
        "f-2": ("survey.answered", (DAY_0 + 180) * DAY_MS + 3_600_000, {"kind": "nps", "score": 9, "text": None}),
    }
    made = customer("group_id/acme", jane=jane, raj=raj, zoe=zoe, browser=browser, gone=gone, crm=crm)
    made.silence = SilenceState.ASLEEP
    # Logarithms: of 1 + 5 days, of 1 + 5 / 1.4 gaps, of 1 + 18 days.
    values = {"recency": log1p(5), "recency_per_cadence": log1p(5 / 1.4), "active_days_28d": log1p(18)}
    parts = {"recency": 0.004, "recency_per_cadence": 0.75, "active_days_28d": -0.25}
    made.score = Published(
        version=3,
        p_churn=0.3775,
        logit=-0.5,
        intercept=-1.004,
        contributions=tuple(parts.get(name, 0.0) for name in NAMES),
        # In single precision, as they are scored and stored.
        features=tuple(array("f", (values.get(name, 0.0) for name in NAMES))),
        tier="normal",
        model_version="champion-40",
    )
    made.tier, made.scored_day = "normal", DAY_0 + SETTLED
    made.states = {
        "lifecycle": Held("decline", DAY_0 + 208),
        "activity_group": Held("normal", DAY_0 + 120, "at_risk"),
        "health_cell": Held("middle-high", DAY_0 + 189),
    }
    at_ms = (DAY_0 + SETTLED) * DAY_MS
    surge: dict[str, Any] = {
        "value": 60,
        "baseline": 20.0,
        "ratio": 3.0,
        "percent": 300,
        "window_days": 7,
        "baseline_weeks": 8,
    }
    surge |= {
        "drivers": [
            {"module": "reports", "value": 30, "baseline": 4.0, "share_of_growth": 0.65},
            {"module": "export", "value": 12, "baseline": 3.0, "share_of_growth": 0.225},
        ],
        "look_alikes": [
            {"customer_id": "c-2", "name": "Hooli", "similarity": 0.82},
            {"customer_id": "c-3", "similarity": 0.41},
        ],
    }
    asleep = {"silence_days": 5, "cadence_days": 1.4, "last_active_at": "2025-07-30T12:00:00Z"}
    made.alerts = {
        "surge": OpenAlert("a-2", "1", DAY_0 + 200, at_ms + 60_000, "info", surge),
        "asleep": OpenAlert("a-1", "1", DAY_0 + SETTLED, at_ms, "warning", asleep),
    }
    return made
