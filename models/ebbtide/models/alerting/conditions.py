"""When each alert fires, holds and clears (signals §4, §7): pure functions of what was computed for the customer."""

from __future__ import annotations

from datetime import date

from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.comparable import Window
from ebbtide.models.customer.course import Decline
from ebbtide.models.customer.key_people import Gone
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.policy import AlertPolicy, BaselinePolicy, KeyPersonPolicy, SurgePolicy
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.score import HealthTier

_EPOCH = date(1970, 1, 1).toordinal()
_CONFIDENCE_OF_SILENCE = 0.5
"""Of ten key people who were silent for so long, about five were back within four weeks (docs/decisions/0015)."""

LEFT_OUT, BLIND_DAYS = "fleet_down_days", "blind_days"
"""Entries of a drop's evidence: days of its window that weigh nothing, for the fleet was down, or nobody could see."""

_CRITICAL_SHARE = 0.5
"""A drop is critical when the value is under half of what already fires (a quarter of the usual)."""


def sudden_drop(
    found: Decline | None,
    recovery: Window | None,
    silence: SilenceState,
    baseline: BaselinePolicy,
    down_days: int = 0,
) -> Verdict:
    """Activity under half of the usual for so many days that it is hardly chance; over when the newest weeks are back.

    ``found`` is the newest decline; on ``down_days`` of those left out of it the fleet was down. ``recovery`` is the
    window by which a drop ends.
    """
    if silence is SilenceState.LEFT:
        return Clears(Reason.LEFT)
    if found is not None:
        critical = found.ratio < baseline.drop_enter * _CRITICAL_SHARE
        return Fires(Severity.CRITICAL if critical else Severity.WARNING, _evidence(found, down_days))
    if recovery is None:
        return Clears(Reason.NO_BASELINE)
    return Clears(Reason.RECOVERED) if recovery.ratio >= baseline.drop_leave else Holds(Reason.HYSTERESIS)


def surge(
    comparison: Comparison | None,
    excess: float | None,
    silence: SilenceState,
    baseline: BaselinePolicy,
    policy: SurgePolicy,
) -> Verdict:
    """Activity over twice the own baseline, by more than the own noise.

    ``excess`` is by how many of its own standard deviations, None where it is not asked.
    """
    if silence is SilenceState.LEFT:
        return Clears(Reason.LEFT)
    if comparison is None:
        return Clears(Reason.NO_BASELINE)
    ratio = comparison.ratio
    if ratio <= baseline.surge_leave:
        return Clears(Reason.WITHIN_USUAL)
    if ratio <= baseline.surge_enter:
        return Holds(Reason.HYSTERESIS)
    if excess is None or excess <= policy.strength:
        return Holds(Reason.WITHIN_NOISE)
    return Fires(Severity.INFO, _compared(comparison))


def asleep(
    silence: SilenceState, told: Reason | None, silence_days: int, cadence_days: float, last_active_at: str
) -> Verdict:
    """Silent for two of its own cadences, and for longer than it is now and then; ``told``: why it is not."""
    if silence is not SilenceState.ASLEEP:
        return Clears(Reason.LEFT if silence is SilenceState.LEFT else Reason.AWAKE)
    if told is not None:
        return Holds(told)
    return Fires(Severity.WARNING, _silence(silence_days, cadence_days, last_active_at))


def left(
    silence: SilenceState, told: Reason | None, silence_days: int, cadence_days: float, last_active_at: str
) -> Verdict:
    """Silent for seven and a half of its own cadences, and for longer than it is now and then."""
    if silence is not SilenceState.LEFT:
        return Clears(Reason.AWAKE)
    if told is Reason.USUAL_SILENCE:
        return Holds(told)
    return Fires(Severity.CRITICAL, _silence(silence_days, cadence_days, last_active_at))


def tier_to_danger(tier: HealthTier | None, p_churn: float | None) -> Verdict:
    """The score is in the danger tier; the tier has its own hysteresis."""
    if tier is HealthTier.DANGER and p_churn is not None:
        return Fires(Severity.CRITICAL, {"p_churn": round(p_churn, 4), "tier": tier.value})
    return Clears(Reason.NOT_IN_DANGER)


def warm_return(logins: int, told: Reason | None, silence_days: int, cadence_days: float, returned_at: str) -> Verdict:
    """A login on the first active day of a customer that was asleep; ``told``: why that sleep was none to tell."""
    if told is not None:
        return Clears(told)
    if logins <= 0:
        return Clears(Reason.NO_LOGIN)
    return Fires(
        Severity.INFO,
        {"silence_days": silence_days, "cadence_days": round(cadence_days, 2), "returned_at": returned_at},
    )


def key_person_lost(gone: Gone, down_days: int = 0) -> Verdict:
    """A key person is gone: said by the CRM, or silent for three own cadences while the others go on.

    On ``down_days`` of the silence the fleet was down: they count for nothing.
    """
    return Fires(
        Severity.CRITICAL if gone.told else Severity.WARNING,
        {
            "person": gone.person,
            "share": round(gone.share, 4),
            "cadence_days": round(gone.own.days, 2),
            "silence_days": gone.silent_days,
            "last_active_on": str(date.fromordinal(_EPOCH + gone.last_day)),
            "told": gone.told,
            **({LEFT_OUT: down_days} if down_days else {}),
        },
        confidence=1.0 if gone.told else _CONFIDENCE_OF_SILENCE,
        person=gone.profile_id,
    )


def key_person_stays_lost(*, back: bool, stood_in: bool, open_days: int, policy: KeyPersonPolicy) -> Verdict:
    """A loss stays open for a while, or until the person is back or somebody else takes the place."""
    if back:
        return Clears(Reason.RETURNED)
    if stood_in:
        return Clears(Reason.STOOD_IN)
    return Clears(Reason.EXPIRED) if open_days >= policy.open_days else Holds(Reason.HYSTERESIS)


def warm_return_ends(silence: SilenceState, open_days: int, policy: AlertPolicy) -> Verdict:
    """A warm return stays open for a while, or until the customer sleeps again."""
    if silence is not SilenceState.AWAKE:
        return Clears(Reason.WENT_TO_SLEEP)
    return Clears(Reason.EXPIRED) if open_days >= policy.warm_return_days else Holds(Reason.HYSTERESIS)


def _compared(comparison: Comparison) -> dict[str, object]:
    return {
        "value": comparison.value,
        "baseline": round(comparison.baseline, 2),
        "ratio": round(comparison.ratio, 4),
        "percent": round(comparison.ratio * 100),
        "window_days": comparison.window_days,
        "baseline_weeks": comparison.weeks,
    }


def _evidence(found: Decline, down_days: int) -> dict[str, object]:
    left_out = {LEFT_OUT: down_days, BLIND_DAYS: found.unseen - down_days}
    return {
        "value": found.actions,
        "baseline": round(found.usual_actions, 2),
        "ratio": round(found.ratio, 4),
        "percent": round(found.ratio * 100),
        "window_days": found.width,
        "people_days": found.people,
        "usual_people_days": round(found.usual_people, 2),
        "log_likelihood_ratio": round(found.evidence, 2),
        **{name: days for name, days in left_out.items() if days},
    }


def _silence(silence_days: int, cadence_days: float, last_active_at: str) -> dict[str, object]:
    return {"silence_days": silence_days, "cadence_days": round(cadence_days, 2), "last_active_at": last_active_at}
