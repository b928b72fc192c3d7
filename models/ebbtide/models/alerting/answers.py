"""What people answered to "would you recommend us": somebody would not, or would (signals §7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ebbtide.models.alerting.health import Health
from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.clock.watermark import from_ms
from ebbtide.models.standing.surveys import DETRACTOR, PROMOTER, Answer
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.base import DAY_MS
from ebbtide.schemas.score import HealthTier

_LEAVE = 1
"""An answer beside the line neither opens nor closes: who says 6, 7, 6 is one detractor, not two."""

NOBODY = ""
"""Who answered where no person is named."""

Answers = Mapping[str, Answer]
"""The latest answers of the window, by person."""

Names = Callable[[str], str]
"""What a person is called."""


def detractor(answers: Answers, about: str | None, names: Names) -> Verdict:
    """The newest answer of somebody to the NPS question is 6 or less; it is the newest of that person that counts."""
    known = None if about is None else answers.get(about)
    if known is not None and known.score <= DETRACTOR + _LEAVE:
        return Holds(Reason.HYSTERESIS) if known.score > DETRACTOR else _fires(Severity.WARNING, known, answers, names)
    worst = _worst(answers)
    if worst is not None:
        return _fires(Severity.WARNING, worst, answers, names)
    if known is not None:
        return Clears(Reason.ANSWERED_BETTER)
    return Clears(Reason.NO_ANSWER if about is None else Reason.EXPIRED)


def referral_ready(
    answers: Answers, about: str | None, names: Names, found: Health, *, troubled: bool, blind: bool
) -> Verdict:
    """The newest answer of somebody to the NPS question is 9 or 10, and the customer is healthy.

    Healthy: the score is excellent and was in the weeks before. ``troubled``: something else is to be mended first.
    """
    if any(answer.score <= DETRACTOR for answer in answers.values()):
        return Clears(Reason.UNHAPPY_COLLEAGUE)
    known = None if about is None else answers.get(about)
    best = known if known is not None and known.score >= PROMOTER else _best(answers)
    if best is None:
        return _no_promoter(about, known)
    if found.tier is None or found.tier is HealthTier.DANGER:
        return Clears(Reason.NOT_SCORED if found.tier is None else Reason.IN_DANGER)
    if blind or troubled or not found.excellent:
        return Holds(Reason.BLIND if blind else Reason.TROUBLED if troubled else Reason.NOT_HEALTHY)
    return _fires(Severity.INFO, best, answers, names)


def _no_promoter(about: str | None, known: Answer | None) -> Verdict:
    if known is None:
        return Clears(Reason.NO_ANSWER if about is None else Reason.EXPIRED)
    return Holds(Reason.HYSTERESIS) if known.score >= PROMOTER - _LEAVE else Clears(Reason.ANSWERED_WORSE)


def _fires(severity: Severity, answer: Answer, answers: Answers, names: Names) -> Fires:
    evidence = {
        "by": "person" if answer.person else "nobody",
        "person": names(answer.person) if answer.person else None,
        "score": round(answer.score),
        "answered_at": from_ms(answer.at_ms).isoformat().replace("+00:00", "Z"),
        "answers": len(answers),
    }
    return Fires(severity, evidence, person=answer.person or None)


def _worst(answers: Answers) -> Answer | None:
    """The lowest answer of a detractor; of equals the newest."""
    found = [answer for answer in answers.values() if answer.score <= DETRACTOR]
    return min(found, key=lambda answer: (answer.score, -answer.at_ms, answer.person), default=None)


def _best(answers: Answers) -> Answer | None:
    """The highest answer of a promoter; of equals the newest."""
    found = [answer for answer in answers.values() if answer.score >= PROMOTER]
    return min(found, key=lambda answer: (-answer.score, -answer.at_ms, answer.person), default=None)


def answers_day(answers: Answers, day: int, within_days: int) -> int | None:
    """The first grid day after ``day`` at which an answer has become too old."""
    days = [answer.at_ms // DAY_MS + within_days + 1 for answer in answers.values()]
    return min((at for at in days if at > day), default=None)
