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


@dataclass(frozen=True, slots=True)
class Fires:
    """The condition holds, on this evidence."""

    severity: Severity
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Holds:
    """Neither opens nor closes: the value lies between the thresholds."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Clears:
    """The condition does not hold."""

    reason: Reason


Verdict = Fires | Holds | Clears
