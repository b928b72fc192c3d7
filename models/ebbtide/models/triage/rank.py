"""What alerts of one owner are ranked by: money x probability x confidence (signals §7)."""

from __future__ import annotations

from ebbtide.models.triage.desk import GRAVITY, Votes
from ebbtide.schemas.alert import Alert, AlertKind

SUPPOSED = {AlertKind.RISK: 0.2, AlertKind.OPPORTUNITY: 0.2, AlertKind.OPS: 1.0}
"""The probability where no score tells one, and that an opportunity is one."""

_PRIOR_USEFUL, _PRIOR_WRONG = 4.0, 1.0
"""As if so many alerts of a type had been judged before: four in five of use."""

_UNKNOWN_WORTH = 1.0
"""Who is not known to pay comes after all who do."""


def confidence(votes: Votes) -> float:
    """How far people trusted a type so far: the mean of a Beta distribution over what they said of it, 0 to 1."""
    useful = votes.useful + _PRIOR_USEFUL
    return useful / (useful + votes.wrong + _PRIOR_WRONG)


def priority(alert: Alert, worth: float | None, trust: float) -> float:
    """Expected money, in the money currency; ``trust`` is the confidence in its type."""
    probability = alert.p_churn if alert.kind is AlertKind.RISK and alert.p_churn is not None else SUPPOSED[alert.kind]
    return round(max(worth or 0.0, _UNKNOWN_WORTH) * probability * trust, 4)


def order(alert: Alert, found: float) -> tuple[float, int, str, str]:
    """To sort by, most important first; a total order."""
    return -found, -GRAVITY[alert.severity], alert.customer_id or "", alert.type
