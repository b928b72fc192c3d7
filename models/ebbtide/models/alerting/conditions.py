"""When each alert fires, holds and clears (signals §4, §7): pure functions of what was computed for the customer."""

from __future__ import annotations

from ebbtide.models.alerting.verdict import Clears, Fires, Holds, Reason, Verdict
from ebbtide.models.customer.cadence import SilenceState
from ebbtide.models.customer.trend import Comparison
from ebbtide.models.policy import AlertPolicy, BaselinePolicy
from ebbtide.schemas.alert import Severity
from ebbtide.schemas.score import HealthTier

_CRITICAL_SHARE = 0.5
"""A drop is critical when the value is under half of what already fires (a quarter of the usual)."""


def sudden_drop(comparison: Comparison | None, silence: SilenceState, policy: BaselinePolicy) -> Verdict:
    """Activity under half of the own baseline."""
    if silence is SilenceState.LEFT:
        return Clears(Reason.LEFT)
    if comparison is None:
        return Clears(Reason.NO_BASELINE)
    ratio = comparison.ratio
    if ratio < policy.drop_enter:
        critical = ratio < policy.drop_enter * _CRITICAL_SHARE
        return Fires(Severity.CRITICAL if critical else Severity.WARNING, _evidence(comparison))
    return Holds(Reason.HYSTERESIS) if ratio < policy.drop_leave else Clears(Reason.RECOVERED)


def surge(comparison: Comparison | None, silence: SilenceState, policy: BaselinePolicy) -> Verdict:
    """Activity over twice the own baseline."""
    if silence is SilenceState.LEFT:
        return Clears(Reason.LEFT)
    if comparison is None:
        return Clears(Reason.NO_BASELINE)
    ratio = comparison.ratio
    if ratio > policy.surge_enter:
        return Fires(Severity.INFO, _evidence(comparison))
    return Holds(Reason.HYSTERESIS) if ratio > policy.surge_leave else Clears(Reason.WITHIN_USUAL)


def asleep(silence: SilenceState, silence_days: int, cadence_days: float, last_active_at: str) -> Verdict:
    """Silent for two of its own cadences."""
    if silence is SilenceState.ASLEEP:
        return Fires(Severity.WARNING, _silence(silence_days, cadence_days, last_active_at))
    return Clears(Reason.LEFT if silence is SilenceState.LEFT else Reason.AWAKE)


def left(silence: SilenceState, silence_days: int, cadence_days: float, last_active_at: str) -> Verdict:
    """Silent for seven and a half of its own cadences."""
    if silence is SilenceState.LEFT:
        return Fires(Severity.CRITICAL, _silence(silence_days, cadence_days, last_active_at))
    return Clears(Reason.AWAKE)


def tier_to_danger(tier: HealthTier | None, p_churn: float | None) -> Verdict:
    """The score is in the danger tier; the tier has its own hysteresis."""
    if tier is HealthTier.DANGER and p_churn is not None:
        return Fires(Severity.CRITICAL, {"p_churn": round(p_churn, 4), "tier": tier.value})
    return Clears(Reason.NOT_IN_DANGER)


def warm_return(logins: int, silence_days: int, cadence_days: float, returned_at: str) -> Verdict:
    """A login on the first active day of a customer that had fallen asleep."""
    if logins <= 0:
        return Clears(Reason.NO_LOGIN)
    return Fires(
        Severity.INFO,
        {"silence_days": silence_days, "cadence_days": round(cadence_days, 2), "returned_at": returned_at},
    )


def warm_return_ends(silence: SilenceState, open_days: int, policy: AlertPolicy) -> Verdict:
    """A warm return stays open for a while, or until the customer sleeps again."""
    if silence is not SilenceState.AWAKE:
        return Clears(Reason.WENT_TO_SLEEP)
    return Clears(Reason.EXPIRED) if open_days >= policy.warm_return_days else Holds(Reason.HYSTERESIS)


def _evidence(comparison: Comparison) -> dict[str, object]:
    return {
        "value": comparison.value,
        "baseline": round(comparison.baseline, 2),
        "ratio": round(comparison.ratio, 4),
        "percent": round(comparison.ratio * 100),
        "window_days": comparison.window_days,
        "baseline_weeks": comparison.weeks,
    }


def _silence(silence_days: int, cadence_days: float, last_active_at: str) -> dict[str, object]:
    return {"silence_days": silence_days, "cadence_days": round(cadence_days, 2), "last_active_at": last_active_at}
