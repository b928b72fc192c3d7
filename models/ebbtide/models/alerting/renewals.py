"""A contract comes to its end, and the customer is not in the best of health (signals §7)."""

from __future__ import annotations

from math import ceil

from ebbtide.models.alerting.health import Health
from ebbtide.models.alerting.lifecycle import STEP
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.policy import AlertPolicy
from ebbtide.models.standing.contracts import Term
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.score import HealthTier

_UNTAUGHT = 0.5
"""Confidence where nobody knows the customer's health: it was never active, or no model has learned yet, while all are
in the normal tier."""


def renewal_at_risk(
    term: Term | None, day: int, found: Health, policy: AlertPolicy, *, closed: bool, churned: bool
) -> Verdict:
    """The contract ends within 90 days and the customer is not in the excellent tier; told again at 60 and 30 days."""
    if term is None or closed or churned:
        return Clears(Reason.CHURNED if churned else Reason.RENEWED if closed else Reason.NO_CONTRACT)
    last_day = ceil(term.end_ms / DAY_MS)
    if day >= last_day:
        over = day >= last_day + policy.renewal_grace_days
        return Clears(Reason.ENDED) if over else Holds(Reason.ENDED)
    steps = _steps(term, policy)
    reached = [step for step in steps if day >= _day_of(step, term)]
    if not reached:
        return Clears(Reason.NOT_DUE if steps else Reason.TERM_TOO_SHORT)
    if not found.weak:
        return Clears(Reason.EXCELLENT) if found.excellent else Holds(Reason.HYSTERESIS)
    return _fires(term, last_day - day, reached[-1], found, policy)


def _fires(term: Term, days_left: int, step: int, found: Health, policy: AlertPolicy) -> Fires:
    return Fires(
        Severity.CRITICAL if step == policy.renewal_days[-1] else Severity.WARNING,
        {
            "days_left": days_left,
            STEP: step,
            "contract_end": end_date(term),
            "tier": "unknown" if found.tier is None else found.tier.value,
        },
        1.0 if found.taught or found.tier is HealthTier.DANGER else _UNTAUGHT,
    )


def end_date(term: Term) -> str:
    """The UTC date of the term's end."""
    return from_ms(term.end_ms).date().isoformat()


def renewal_day(term: Term | None, day: int, policy: AlertPolicy) -> int | None:
    """The first grid day after ``day`` at which time alone changes the answer."""
    if term is None:
        return None
    last_day = ceil(term.end_ms / DAY_MS)
    days = [*(_day_of(step, term) for step in _steps(term, policy)), last_day, last_day + policy.renewal_grace_days]
    return min((at for at in days if at > day), default=None)


def _steps(term: Term, policy: AlertPolicy) -> list[int]:
    return [step for step in policy.renewal_days if step <= policy.renewal_term_share * term.days]


def _day_of(step: int, term: Term) -> int:
    return ceil(term.end_ms / DAY_MS) - step
