"""The answer to "should this alert be open?": yes with evidence, or no with a reason that is seen and counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ebbtide.schemas.alert import Severity


class Reason(StrEnum):
    """Why an alert is not open, or why it was closed."""

    NO_BASELINE = "no_baseline"
    WITHIN_USUAL = "within_usual"
    RECOVERED = "recovered"
    AWAKE = "awake"
    RETURNED = "returned"
    WENT_TO_SLEEP = "went_to_sleep"
    LEFT = "left"
    NOT_IN_DANGER = "not_in_danger"
    NO_LOGIN = "no_login"
    EXPIRED = "expired"
    MOVED = "moved"
    HYSTERESIS = "hysteresis"
    OFF = "off"
    BLIND = "blind"
    NOT_SCORED = "not_scored"
    IN_DANGER = "in_danger"
    NO_CONTRACT = "no_contract"
    NOT_DUE = "not_due"
    TERM_TOO_SHORT = "term_too_short"
    EXCELLENT = "excellent"
    RENEWED = "renewed"
    CHURNED = "churned"
    ENDED = "ended"
    FEW_TICKETS = "few_tickets"
    NO_ANSWER = "no_answer"
    ANSWERED_BETTER = "answered_better"
    ANSWERED_WORSE = "answered_worse"
    UNHAPPY_COLLEAGUE = "unhappy_colleague"
    NOT_HEALTHY = "not_healthy"
    TROUBLED = "troubled"
    PAID = "paid"
    NO_PROCESS = "no_process"
    MOVED_ON = "moved_on"
    NOT_KNOWN = "not_known"
    NOT_LONGER = "not_longer"
    NO_LEAD = "no_lead"
    LOWER_PRIORITY = "lower_priority"
    FEW_SEATS = "few_seats"
    NOT_FULL = "not_full"
    SHRINKS = "shrinks"
    MOVED_BACK = "moved_back"
    NOT_SETTLED = "not_settled"
    SMALL_MOVE = "small_move"
    WITHIN_NOISE = "within_noise"
    USUAL_SILENCE = "usual_silence"
    NO_RHYTHM = "no_rhythm"
    CAMPAIGN = "campaign"
    UNSEEN = "unseen"
    FLEET_DOWN = "fleet_down"
    STOOD_IN = "stood_in"


@dataclass(frozen=True, slots=True)
class Fires:
    """The condition holds, on this evidence.

    ``confidence``, 0 to 1, is how sure the condition itself is; by it alerts are ranked. ``person`` is the profile of
    whom it is about, None where it is about the whole customer.
    """

    severity: Severity
    evidence: dict[str, Any]
    confidence: float = 1.0
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Holds:
    """Neither opens nor closes: the value lies between the thresholds."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Clears:
    """The condition does not hold."""

    reason: Reason


Verdict = Fires | Holds | Clears
